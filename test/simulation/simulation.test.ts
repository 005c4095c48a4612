// 8,000 schedules of the whole sidecar in simulated time: no outcome contradicts what the client knew and said. FC_SEED chooses others.
import { beforeAll, expect, test } from 'vitest';
import { chosenSeed } from '../support/chance.ts';
import { bundle, simulate } from './build.ts';
import { REVERTS } from './reverts.ts';

/** The same ones each time, so that a red run is about the change that made it red; `npm run simulate` looks for new ones. */
const seed = process.env.FC_SEED ? chosenSeed() : 9_000_000;
const HALF = 4000;
const APART = 100_000;
/** Old behaviours that few schedules show: `npm run simulate -- --revert N --schedules 100000` looks for them. */
const RARE = [5, 14, 26, 28];

beforeAll(bundle);

test(`no false confirm, no false loss, nothing uncounted, one outcome each, nothing left (seed ${seed})`, async () => {
  const halves = await Promise.all([
    simulate(['--schedules', String(HALF), '--seed', String(seed)]),
    simulate(['--schedules', String(HALF), '--seed', String(seed + APART)]),
  ]);
  const failed = halves.filter(({ ok }) => !ok).map(({ text }) => text);
  if (failed.length > 0) expect.fail(failed.join('\n'));
}, 0);

test.each(REVERTS.map(({ name }, i) => [i, name] as const).filter(([i]) => !RARE.includes(i)))(
  'old behaviour %i is found out: %s',
  async (i) => {
    const { ok, text } = await simulate(['--revert', String(i), '--schedules', '3000', '--seed', '1']);
    if (!ok) expect.fail(text);
  },
  0,
);
