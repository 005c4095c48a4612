// Simulation, the command: npm run simulate -- --schedules N --seed S [--all] [--tries T] [--cost MS] [--revert NUMBER]

import { parseArgs } from 'node:util';
import { explain, explore, type Found, signOf } from './explore.ts';
import { realNow } from './globals.ts';
import { REVERTS } from './reverts.ts';

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '20000' },
    seed: { type: 'string' },
    // Goes on after the first failure, and tells one story for each way to fail.
    all: { type: 'boolean', default: false },
    // Schedules that are played to make a failing one smaller.
    tries: { type: 'string', default: '600' },
    // Most that one callback of the sidecar costs, ms: a slow machine. Default: each seed's own.
    cost: { type: 'string' },
    // Puts an old behaviour back (its place in reverts.ts) and succeeds when that is found out.
    revert: { type: 'string' },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 30) : Number(values.seed);
const count = Number(values.schedules);
const cost = values.cost === undefined ? undefined : Number(values.cost);

if (values.revert === undefined) await search();
else await findRevert(Number(values.revert));

async function search(): Promise<void> {
  const began = realNow();
  const { found, played, deliveries } = await explore(seed, count, { most: values.all ? count : 1, cost });
  const ms = realNow() - began;
  const each = (ms / Math.max(1, played)).toFixed(2);
  console.log(
    `${played} schedules from seed ${seed}, ${deliveries} deliveries, ${(ms / 1000).toFixed(1)} s (${each} ms each)`,
  );
  console.log(found.length === 0 ? 'none fails' : `${found.length} fail`);
  const ways = new Map<string, Found[]>();
  for (const { seed: its, failures } of found) {
    for (const failure of failures) {
      const way = ways.get(signOf(failure)) ?? [];
      ways.set(signOf(failure), way);
      if (way.at(-1)?.seed !== its) way.push({ seed: its, failures: [failure] });
    }
  }
  for (const [sign, way] of [...ways].sort((a, b) => b[1].length - a[1].length)) {
    const seeds = way.slice(0, 5).map((one) => one.seed);
    console.log(`\n${way.length} × ${sign}; seeds ${seeds.join(' ')}`);
    console.log(await explain(way[0]!, Number(values.tries), cost));
  }
  process.exitCode = found.length === 0 ? 0 : 1;
}

async function findRevert(number: number): Promise<void> {
  const revert = REVERTS[number];
  if (revert === undefined) throw new Error(`there are ${REVERTS.length} old behaviours`);
  revert.apply();
  const shows = (failure: string): boolean => revert.shows.test(failure);
  const { found, played } = await explore(seed, count, { most: 1, shows });
  const where = found.length === 0 ? 'not found' : `found by schedule ${played} (seed ${found[0]!.seed})`;
  console.log(`${revert.name}: ${where}; seeds from ${seed}`);
  process.exitCode = found.length === 0 ? 1 : 0;
}
