// The short form of `npm run kills`: a sidecar with a store is killed under load, and nothing of what its clients with a session were to get is lost or doubled.
import { afterEach, expect, test } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { builtCli } from '../support/build.ts';
import { chosenSeed, withSeed } from '../support/chance.ts';
import { missing } from '../support/component.ts';
import { tryRedisKills } from './redis-trial.ts';
import { tryKills } from './trial.ts';

afterEach(closeAll);

const KILLS = 20;

test(`[P1] ${KILLS} kills at random moments: no message lost or doubled, one outcome for every delivery`, async () => {
  await withSeed(chosenSeed(), async (chance) => {
    const { handed, ends, wrong } = await tryKills(KILLS, chance, [builtCli()]);
    expect(wrong).toEqual([]);
    expect(handed).toBeGreaterThan(100);
    expect(ends.get('confirmed')).toBeGreaterThan(100);
    expect(ends.get('failed: instance_lost')).toBeGreaterThan(0);
  });
}, 300_000);

test.skipIf(missing('redis-server'))(
  `[P7] ${KILLS} kills of one of two instances on one Redis: no message lost or doubled, one end for every delivery`,
  async () => {
    await withSeed(chosenSeed(), async (chance) => {
      const { handed, resumed, tracked, wrong } = await tryRedisKills(KILLS, chance, [builtCli()]);
      expect(wrong).toEqual([]);
      expect(handed).toBeGreaterThan(100);
      expect(resumed).toBeGreaterThan(10);
      expect(tracked).toBeGreaterThan(100);
    });
  },
  300_000,
);
