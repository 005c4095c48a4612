// `npm run bench:page`: 5,000 outcomes a second while people look at the live page: how long the page blocks, and what looking costs the relay.
import net from 'node:net';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { cpuMicros, processTree, rssKiB } from './accounting.ts';
import { divideCores } from './cores.ts';
import { summarise } from './figures.ts';
import { delay } from './load/timing.ts';
import { type Filtered, filterTimes, startChromium, type Visit, visit } from './page-browser.ts';
import { ackspan } from './peers/ackspan.ts';
import { sumsOf } from './rounds.ts';
import { type Running, readStats, runTrial } from './trial.ts';

const USAGE = 'usage: npm run bench:page -- [--seconds 90] [--rate 5000] [--connections 200]';
/**
 * Length of one stretch with or without the page, ms, and what passes before its figures count: the
 * page opens, the last one closes.
 */
const STRETCH_MS = 30_000;
const SETTLE_MS = 1_500;
const WARMUP_MS = 4_000;
/** Followers that never read, beside the page. */
const DEAF = 12;
const DEAF_MS = 20_000;
/** For the browser's own start and for reading its traces, which a busy machine draws out, ms. */
const SPARE_MS = 240_000;
const BUDGET = { longTaskMs: 200, cpuRatio: 1.05, paintMs: 1_000, filterMs: 100, deafMiB: 32 } as const;

/** CPU of the relay per event in one stretch, µs. */
interface Stretch {
  readonly withPage: boolean;
  readonly perEvent: number;
  readonly perSecond: number;
}

interface Figures {
  readonly stretches: Stretch[];
  readonly visits: Visit[];
  filters: readonly Filtered[];
  rssMiB: { before: number; after: number; deaf: number };
}

async function stretch(running: Running, withPage: boolean): Promise<Stretch> {
  const pids = processTree(running.pid);
  const reading = async () => ({
    cpu: cpuMicros(pids),
    settled: sumsOf(await readStats(running.admin)).settled,
    at: performance.now(),
  });
  await delay(SETTLE_MS);
  const before = await reading();
  await delay(STRETCH_MS - SETTLE_MS);
  const after = await reading();
  const events = after.settled - before.settled;
  return { withPage, perEvent: (after.cpu - before.cpu) / events, perSecond: (events * 1000) / (after.at - before.at) };
}

/** Looks, looks away, looks: the same process with and without the page in turn. */
async function look(running: Running, seconds: number, figures: Figures): Promise<void> {
  const browser = await startChromium();
  const admin = `http://127.0.0.1:${running.admin}`;
  try {
    await delay(WARMUP_MS * 2);
    const rss = () => rssKiB(processTree(running.pid)) / 1024;
    const pairs = Math.ceil((seconds * 1000) / STRETCH_MS);
    for (let pair = 0; pair < pairs; pair++) {
      if (pair === 1) figures.rssMiB.before = rss();
      const looked = async () => {
        const { leave } = await visit(browser, `${admin}/${pair % 2 === 0 ? '#/' : '#/deliveries'}`);
        figures.stretches.push(await stretch(running, true));
        figures.visits.push(await leave());
      };
      const away = async () => void figures.stretches.push(await stretch(running, false));
      // The order turns, so that a drift of the machine meets both alike.
      for (const one of pair % 2 === 0 ? [looked, away] : [away, looked]) await one();
      process.stderr.write(`${figures.stretches.slice(-2).map(lineOf).join('; ')}\n`);
    }
    figures.rssMiB.after = rss();
    figures.rssMiB.deaf = await deafReaders(running, rss);
    figures.filters = await filterTimes(browser, admin);
  } finally {
    await browser.close();
  }
}

/** The most that the relay's memory grows while followers read nothing, MiB. */
async function deafReaders(running: Running, rss: () => number): Promise<number> {
  const before = rss();
  const sockets = Array.from({ length: DEAF }, () => {
    const socket = net.connect(running.admin, '127.0.0.1').on('error', () => {});
    socket.pause();
    socket.write('GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n');
    return socket;
  });
  let most = before;
  for (let waited = 0; waited < DEAF_MS; waited += 500) {
    await delay(500);
    most = Math.max(most, rss());
  }
  for (const socket of sockets) socket.destroy();
  return most - before;
}

function lineOf({ withPage, perEvent, perSecond }: Stretch): string {
  return `${withPage ? 'page' : 'none'} ${perEvent.toFixed(2)} µs/event at ${perSecond.toFixed(0)}/s`;
}

/** Prints every figure beside its budget; returns how many budgets were missed. */
function report({ stretches, visits, filters, rssMiB }: Figures): number {
  const median = (values: readonly number[]): number => summarise([...values]).median;
  const of = (withPage: boolean): number[] =>
    stretches.filter((each) => each.withPage === withPage).map(({ perEvent }) => perEvent);
  const ratios = of(true).map((looked, pair) => looked / of(false)[pair]!);
  const tasks = visits.flatMap(({ longTasksMs }) => longTasksMs);
  const longest = Math.max(0, ...tasks);
  const paints = visits.map(({ firstPaintMs }) => firstPaintMs);
  const rows: readonly (readonly [string, number, number, string])[] = [
    [
      'longest task of the page, CPU ms',
      Math.max(...visits.map(({ longestCpuMs }) => longestCpuMs)),
      BUDGET.longTaskMs,
      `passed: ${longest.toFixed(0)}; ${tasks.length} above 50 ms`,
    ],
    [
      'relay CPU per event, with ÷ without the page',
      median(ratios),
      BUDGET.cpuRatio,
      ratios.map((each) => each.toFixed(3)).join(' '),
    ],
    [
      'first contentful paint, ms',
      median(paints),
      BUDGET.paintMs,
      `largest ${median(visits.map(({ largestPaintMs }) => largestPaintMs)).toFixed(0)}`,
    ],
    [
      'filter over 100,000 messages, CPU ms',
      median(filters.map(({ cpuMs }) => cpuMs)),
      BUDGET.filterMs,
      `passed: ${filters.map(({ ms }) => ms.toFixed(0)).join(' ')}`,
    ],
    [
      `relay memory for ${DEAF} followers that never read, MiB`,
      rssMiB.deaf,
      BUDGET.deafMiB,
      `process ${rssMiB.before.toFixed(0)} → ${rssMiB.after.toFixed(0)} MiB over the run`,
    ],
  ];
  for (const [name, value, budget, more] of rows)
    console.log(
      `${value <= budget ? 'ok    ' : 'MISSED'} ${name}: ${value.toFixed(value < 10 ? 3 : 1)} (budget ${budget}; ${more})`,
    );
  const [load] = os.loadavg() as [number];
  if (load > os.availableParallelism())
    console.log(
      `       load average ${load.toFixed(1)}: others made the page wait, so tasks and paints are longer than its own work`,
    );
  const heaps = visits.map(({ heapKiB }) => (heapKiB / 1024).toFixed(1));
  console.log(`       page heap at the end of each visit, MiB: ${heaps.join(' ')}`);
  return rows.filter(([, value, budget]) => !(value <= budget)).length;
}

async function main(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      seconds: { type: 'string', default: '90' },
      rate: { type: 'string', default: '5000' },
      connections: { type: 'string', default: '200' },
    },
  });
  const [seconds, rate, connections] = [values.seconds, values.rate, values.connections].map(Number) as [
    number,
    number,
    number,
  ];
  if (![seconds, rate, connections].every((value) => value > 0)) throw new Error('options take numbers above 0');
  const lookMs = Math.ceil((seconds * 1000) / STRETCH_MS) * STRETCH_MS * 2 + DEAF_MS + WARMUP_MS * 2 + SPARE_MS;
  const job = {
    ...({
      kind: 'flow',
      connections,
      inFlight: 16,
      rate,
      confirm: 'barrier',
      forwarded: false,
      deflate: false,
    } as const),
    ...({ writes: 'each', warmupMs: WARMUP_MS, windowMs: lookMs, holders: 0, heldEach: 0 } as const),
  };
  divideCores();
  const figures: Figures = { stretches: [], visits: [], filters: [], rssMiB: { before: 0, after: 0, deaf: 0 } };
  // The load goes on for longer than anybody looks; it is cut off then.
  const ended = new Promise<void>((resolve, reject) => {
    const started = (running: Running): void => {
      look(running, seconds, figures).then(resolve, reject);
    };
    runTrial(ackspan, job, {}, { started }).catch(reject);
  });
  await ended;
  return report(figures);
}

main(process.argv.slice(2)).then(
  (missed) => process.exit(missed === 0 ? 0 : 1),
  (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    console.error(`bench:page failed: ${message}\n${USAGE}`);
    process.exit(message.includes('option') ? 2 : 1);
  },
);
