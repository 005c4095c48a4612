// `npm run bench:soak`: half an hour at 2,000 events/s with connections that come, go and break; fails when memory, sums or p99 drift.

import { parseArgs } from 'node:util';
import { processTree, rssKiB, waitMicros } from './accounting.ts';
import { stop } from './children.ts';
import { divideCores } from './cores.ts';
import { summarise } from './figures.ts';
import type { Result, Sample, SoakResult } from './load/job.ts';
import { delay } from './load/timing.ts';
import { ackspan } from './peers/ackspan.ts';
import { sumsOf } from './rounds.ts';
import { startSink } from './sink.ts';
import { type Running, readStats, runTrial, type Stats } from './trial.ts';

const USAGE = 'usage: npm run bench:soak -- [--minutes 30] [--rate 2000] [--connections 200] [--seed N] [--json]';
const SAMPLES = 60;
const MEMORY_NEEDS_MS = 5 * 60_000 - 10_000;
const CALM = 0.02; // share of the time that a process may wait for a core on a machine that is not busy

interface Point extends Sample {
  readonly rssMiB: number;
  /** Since the start: how long the sidecar was ready to run while no core was free. */
  readonly waitMs: number;
}

interface Verdict {
  readonly faults: readonly string[];
  /** What could not be judged, and why. */
  readonly remarks: readonly string[];
}

/** Throws with a sentence for the operator. */
function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`option --${option} takes a number above 0, not ${text}`);
  return value;
}

async function soak(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      minutes: { type: 'string', default: '30' },
      rate: { type: 'string', default: '2000' },
      connections: { type: 'string', default: '200' },
      seed: { type: 'string', default: String((Date.now() % 1_000_000) + 1) },
      json: { type: 'boolean', default: false },
    },
  });
  const runMs = positive('minutes', values.minutes) * 60_000;
  const seed = positive('seed', values.seed);
  process.stderr.write(`seed ${seed}\n`);
  const job = {
    kind: 'soak',
    connections: positive('connections', values.connections),
    rate: positive('rate', values.rate),
    runMs,
    lifeMs: [10_000, 60_000],
    faults: 0.01,
    sampleMs: Math.max(1000, runMs / SAMPLES),
    seed,
  } as const;

  const points: Point[] = [];
  const faults: string[] = [];
  divideCores();
  const sink = await startSink();
  const watcher = {
    sample: (sample: Sample, running: Running): void => {
      const pids = processTree(running.pid);
      const point = { ...sample, rssMiB: rssKiB(pids) / 1024, waitMs: waitMicros(pids) / 1000 };
      points.push(point);
      void readStats(running.admin).then(
        (stats) => {
          faults.push(...driftIn(stats));
          process.stderr.write(`${line(point, stats)}\n`);
        },
        (error: unknown) => faults.push(`no statistics: ${String(error)}`),
      );
    },
    ended: async (_result: Result, running: Running): Promise<void> => {
      // Closed connections settle what they had at once; a second is for the sockets' own last
      // words.
      await delay(1000);
      faults.push(...(await leftovers(running.admin)));
    },
  };
  try {
    const { result, stats } = await runTrial(ackspan, job, { otlp: sink.port }, watcher);
    const drift = driftOf(points);
    faults.push(...sumFaults((result as SoakResult).last, stats!), ...drift.faults);
    report(points, stats!, { faults, remarks: drift.remarks }, values.json);
  } finally {
    await stop(sink.child);
  }
  return faults.length === 0 ? 0 : 1;
}

function line(point: Point, stats: Stats): string {
  const { tracked, pending, confirmed, failed, timeout } = sumsOf(stats);
  return `${(point.elapsedMs / 60_000).toFixed(1)} min: ${tracked} tracked, ${confirmed} confirmed, ${failed} failed, ${timeout} timed out, ${pending} pending; ${point.open} open of ${point.opened}, ${point.faults} broken; p50 ${point.p50Ms.toFixed(2)} ms, p99 ${point.p99Ms.toFixed(2)} ms (directly ${point.controlP99Ms.toFixed(2)} ms); ${point.rssMiB.toFixed(1)} MiB`;
}

function driftIn(stats: Stats): string[] {
  const { tracked, pending, settled } = sumsOf(stats);
  return tracked === pending + settled ? [] : [`tracked ${tracked} ≠ pending ${pending} + settled ${settled}`];
}

/** With every connection closed, nothing may be left. */
async function leftovers(admin: number): Promise<string[]> {
  const { pending } = sumsOf(await readStats(admin));
  const response = await fetch(`http://127.0.0.1:${admin}/metrics`);
  const active = /^ackspan_connection_active\{[^}]*\} (\d+)/gm;
  const open = [...(await response.text()).matchAll(active)].reduce((sum, match) => sum + Number(match[1]), 0);
  return [
    ...(pending === 0 ? [] : [`${pending} deliveries pending without a connection`]),
    ...(open === 0 ? [] : [`${open} connections counted that are closed`]),
  ];
}

function sumFaults(last: Sample, stats: Stats): string[] {
  const { tracked, confirmed } = sumsOf(stats);
  const found: string[] = driftIn(stats);
  if (confirmed === 0) found.push('nothing was confirmed: there was no load');
  // What a broken socket swallowed on the way in was never seen by the sidecar; what arrived was.
  if (tracked > last.sent) found.push(`${tracked} tracked, but only ${last.sent} sent`);
  if (tracked < last.verified) found.push(`${tracked} tracked, but ${last.verified} arrived`);
  if (confirmed > last.verified) found.push(`${confirmed} confirmed, but only ${last.verified} arrived`);
  return found;
}

/**
 * Compares the last third of the run with the middle third (memory) and with the first (p99 beyond
 * the control group's).
 */
function driftOf(points: readonly Point[]): Verdict {
  const third = Math.floor(points.length / 3);
  if (third < 3) return { faults: [], remarks: ['memory and p99 not judged: the run was too short'] };
  const [first, middle, last] = [points.slice(0, third), points.slice(third, -third), points.slice(-third)];
  const faults: string[] = [];
  const remarks: string[] = [];
  const [rssBefore, rssAfter] = [lowestRss(middle), lowestRss(last)];
  if (last.at(-1)!.elapsedMs < MEMORY_NEEDS_MS) remarks.push('memory not judged: the heap takes minutes to level');
  else if (rssAfter > rssBefore * 1.1 + 4) {
    faults.push(`lowest memory rose from ${rssBefore.toFixed(1)} to ${rssAfter.toFixed(1)} MiB`);
  }
  const [p99Before, p99After] = [addedP99(first), addedP99(last)];
  if (p99After > p99Before * 2 + 2) {
    const rise = `added p99 rose from ${p99Before.toFixed(2)} to ${p99After.toFixed(2)} ms`;
    const waiting = (last.at(-1)!.waitMs - last[0]!.waitMs) / (last.at(-1)!.elapsedMs - last[0]!.elapsedMs);
    if (waiting < CALM) faults.push(rise);
    else remarks.push(`${rise}, while the sidecar waited for a core ${(waiting * 100).toFixed(0)} % of the time`);
  }
  return { faults, remarks };
}

/** The garbage collector makes memory a saw: a leak raises its troughs. */
function lowestRss(points: readonly Point[]): number {
  return Math.min(...points.map(({ rssMiB }) => rssMiB));
}

/** Median p99 beyond the control group's, ms. */
function addedP99(points: readonly Point[]): number {
  return summarise(points.map(({ p99Ms, controlP99Ms }) => Math.max(0, p99Ms - controlP99Ms))).median;
}

function report(points: readonly Point[], stats: Stats, { faults, remarks }: Verdict, json: boolean): void {
  if (json) {
    console.log(JSON.stringify({ passed: faults.length === 0, faults, remarks, stats, points }));
    return;
  }
  console.log(`\n${line(points.at(-1)!, stats)}`);
  for (const remark of remarks) console.log(`note: ${remark}`);
  for (const fault of faults) console.log(`FAILED: ${fault}`);
  const judged = remarks.length === 0 ? ', memory level, p99 steady' : '; the rest was not judged';
  if (faults.length === 0) console.log(`passed: tracked = settled + pending throughout${judged}`);
}

soak(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    console.error(`soak failed: ${message}\n${USAGE}`);
    process.exitCode = message.includes('option') ? 2 : 1;
  },
);
