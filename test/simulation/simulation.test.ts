// 20,000 schedules of the whole sidecar in simulated time: no outcome contradicts what the client knew and said. FC_SEED chooses others.
import { beforeAll, describe, expect, test } from 'vitest';
import { chosenSeed } from '../support/chance.ts';
import { bundle, simulate } from './build.ts';
import { REVERTS } from './reverts.ts';

/**
 * The same ones each time, so that a red run is about the change that made it red; `npm run
 * simulate` looks for new ones.
 */
const seed = process.env.FC_SEED ? chosenSeed() : 9_000_000;
const HALF = 10_000;
const APART = 100_000;
/** What a callback costs on slow machines, ms, and schedules on each of them. */
const SLOW = { 8: 1500, 60: 1000 };
/** Schedules within which each old behaviour must be found out. */
const MOST = 10_000;

beforeAll(bundle);

describe.concurrent('simulation', { timeout: 0 }, () => {
  for (const from of [seed, seed + APART])
    test(`no false confirm, no false loss, nothing uncounted, one outcome each, nothing left (${HALF} from ${from})`, async () => {
      const { ok, text } = await simulate(['--schedules', String(HALF), '--seed', String(from)]);
      if (!ok) expect.fail(text);
    });

  for (const [ms, count] of Object.entries(SLOW))
    test(`nor where each callback costs up to ${ms} ms: what comes in a slow turn has come (${count} from ${seed})`, async () => {
      const more = ['--seed', String(seed), '--cost', ms];
      const { ok, text } = await simulate(['--schedules', String(count), ...more]);
      if (!ok) expect.fail(text);
    });

  test.each(REVERTS.map(({ name }, i) => [i, name] as const))('old behaviour %i is found out: %s', async (i) => {
    const { ok, text } = await simulate(['--revert', String(i), '--schedules', String(MOST), '--seed', '1']);
    if (!ok) expect.fail(text);
  });
});
