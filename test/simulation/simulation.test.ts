// 20,000 schedules of the whole sidecar in simulated time, new ones each time: no outcome contradicts what the client knew and said.
import { beforeAll, expect, test } from 'vitest';
import { chosenSeed } from '../support/chance.ts';
import { bundle, simulate } from './build.ts';
import { REVERTS } from './reverts.ts';

const seed = chosenSeed();
const HALF = 10_000;

beforeAll(bundle);

test(`no false confirm, no false loss, nothing uncounted, one outcome each, nothing left (seed ${seed})`, async () => {
  const halves = await Promise.all([
    simulate(['--schedules', String(HALF), '--seed', String(seed)]),
    simulate(['--schedules', String(HALF), '--seed', String(seed + HALF)]),
  ]);
  const failed = halves.filter(({ ok }) => !ok).map(({ text }) => text);
  if (failed.length > 0) expect.fail(failed.join('\n'));
}, 0);

test.each(REVERTS.map(({ name }, i) => [i, name] as const))(
  'old behaviour %i is found out: %s',
  async (i) => {
    const { ok, text } = await simulate(['--revert', String(i), '--schedules', '10000', '--seed', String(seed)]);
    if (!ok) expect.fail(text);
  },
  0,
);
