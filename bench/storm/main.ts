// `npm run storm`: real processes, bad networks and bad clients, and an oracle that knows what happened; fails on the first false word.

import { parseArgs } from 'node:util';
import { now } from '../load/timing.ts';
import { add, block, createTotals, passed, table } from './report.ts';
import { type RoundResult, runRound } from './round.ts';
import { loadSdk } from './sdk-client.ts';

const USAGE = 'usage: npm run storm -- [--minutes 30] [--crowd 350] [--round 75] [--seed N] [--json]';
/** Violations that are told in full. */
const SHOWN = 200;
const SHUTDOWN_MS = 12_000;
/** Numbers of connections that each round has to itself. */
const ROUND_NUMBERS = 1_000_000;

/** Throws with a sentence for the operator. */
function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`option --${option} takes a number above 0, not ${text}`);
  return value;
}

async function storm(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      minutes: { type: 'string', default: '30' },
      crowd: { type: 'string', default: '350' },
      round: { type: 'string', default: '75' },
      seed: { type: 'string', default: String((Date.now() % 1_000_000) + 1) },
      json: { type: 'boolean', default: false },
    },
  });
  const seed = positive('seed', values.seed);
  const runMs = positive('minutes', values.minutes) * 60_000;
  const roundMs = positive('round', values.round) * 1000;
  const crowd = positive('crowd', values.crowd);
  const command = `npm run storm -- --seed ${seed} --minutes ${values.minutes} --crowd ${crowd} --round ${values.round}`;
  process.stderr.write(`seed ${seed}\n`);
  const runSdk = await loadSdk();
  const totals = createTotals();
  const shown: string[] = [];
  const began = now();
  const take = (result: RoundResult): void => {
    add(totals, result);
    for (const violation of result.violations.slice(0, SHOWN - shown.length)) {
      const told = block(violation, result.notes);
      shown.push(told);
      process.stderr.write(`${told}\n`);
    }
    const { deliveries, connections, violations } = totals;
    const seconds = ((now() - began) / 1000).toFixed(0);
    process.stderr.write(
      `${seconds} s: ${deliveries} deliveries, ${connections} connections, ${JSON.stringify(violations)}\n`,
    );
    for (const remark of result.remarks) process.stderr.write(`  the sidecar said: ${remark}\n`);
  };

  // A round that winds down leaves room for the next one.
  const rounds: Promise<void>[] = [];
  for (let number = 0; now() < began + runMs; number++) {
    // Every other round ends with a SIGTERM in the middle of things, and is short.
    const shutdown = number % 2 === 1;
    const openMs = Math.min(shutdown ? SHUTDOWN_MS : roundMs, began + runMs - now());
    const options = { seed, first: number * ROUND_NUMBERS, openMs, crowd, runSdk, shutdown };
    await new Promise<void>((opened, failed) => {
      const round = runRound(options, opened).then(take);
      round.catch(failed);
      rounds.push(round);
    });
  }
  await Promise.all(rounds);
  const seconds = (now() - began) / 1000;
  if (values.json) console.log(JSON.stringify({ passed: passed(totals), seed, command, seconds, totals, shown }));
  else console.log(`\n${table(totals, seed, command, seconds)}\n${passed(totals) ? 'passed' : 'FAILED'}`);
  return passed(totals) ? 0 : 1;
}

storm(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    console.error(`storm failed: ${message}\n${USAGE}`);
    process.exit(message.includes('option') ? 2 : 1);
  },
);
