// `npm run bench:capacity`: raises one load after another until p99, throughput or memory gives way, and names the limit that came first.
import { parseArgs } from 'node:util';
import { openFileLimit } from './accounting.ts';
import { stop } from './children.ts';
import { divideCores } from './cores.ts';
import type { FlowJob, FlowResult, Job, MemoryResult, Result } from './load/job.ts';
import { affordable } from './memory-rows.ts';
import { ackspan } from './peers/ackspan.ts';
import { asMarkdown, asText } from './report.ts';
import { startSink } from './sink.ts';
import { type Running, runTrial, type Trial } from './trial.ts';

/** A size of instance as platforms sell it. */
interface Size {
  readonly name: string;
  readonly cpus: string;
  readonly memoryMiB: number;
  readonly heapMiB: number;
}

const SIZES: readonly Size[] = [
  { name: '1 CPU / 512 MiB', cpus: '0', memoryMiB: 512, heapMiB: 384 },
  { name: '2 CPU / 1 GiB', cpus: '0,1', memoryMiB: 1024, heapMiB: 768 },
];
const P99_LIMIT_MS = 100;
const KEPT_UP = 0.98;
const FULL = 0.9; // of a core
const CROWDED = 0.02;
const TRIES = 3; // a step that breaks is tried again: a noisy moment is no limit

/** A step's figures, and the limit that it broke, if it did. */
interface Judged {
  readonly figure: string;
  readonly broke: string | undefined;
}

/** One thing that is raised step by step. */
interface Ladder {
  readonly what: string;
  readonly steps: readonly number[];
  /** Messages are kept as for replays. */
  readonly retain?: true;
  job(step: number): Job;
  judge(trial: Trial, step: number, size: Size, retainedMiB: number): Judged;
}

const FLOW: Omit<FlowJob, 'connections' | 'rate'> = {
  kind: 'flow',
  inFlight: 2,
  confirm: 'barrier',
  forwarded: false,
  deflate: false,
  writes: 'each',
  warmupMs: 1500,
  windowMs: 5000,
  holders: 0,
  heldEach: 0,
};

const overMemory = (rssMiB: number, size: Size): string | undefined =>
  rssMiB > size.memoryMiB ? `memory: ${rssMiB.toFixed(0)} MiB` : undefined;

const PENDING = [100_000, 200_000, 400_000, 600_000, 800_000, 1_000_000, 1_500_000, 2_000_000];

const pendingJob = (pending: number): Job => ({
  kind: 'pending',
  connections: 1000,
  each: pending / 1000,
  settleMs: 2000,
});

const LADDERS: readonly Ladder[] = [
  {
    what: 'events per second over 500 connections',
    steps: [2000, 5000, 10_000, 15_000, 20_000, 30_000, 40_000, 50_000, 60_000, 80_000, 100_000],
    job: (rate) => ({ ...FLOW, connections: 500, rate }),
    judge: ({ result }, rate, size) => judgeFlow(result as FlowResult, rate, size),
  },
  {
    what: 'idle connections, each having carried an event',
    steps: [1000, 2000, 5000, affordable(10_000), 15_000, 20_000],
    job: (connections) => ({
      kind: 'idle',
      connections,
      before: 1,
      touch: true,
      confirm: 'barrier',
      forwarded: false,
      settleMs: 3000,
    }),
    judge: memoryJudge,
  },
  { what: 'pending deliveries over 1,000 connections', steps: PENDING, job: pendingJob, judge: judgePending },
  {
    what: 'pending deliveries with their messages',
    steps: PENDING,
    retain: true,
    job: pendingJob,
    judge: judgePending,
  },
];

function judgeFlow(result: FlowResult, rate: number, size: Size): Judged {
  const { events, wallMs, p99Ms, cpuUs, waitUs, generatorCpuUs, rssKiB } = result;
  const achieved = (events / wallMs) * 1000;
  const busy = cpuUs / wallMs / 1000;
  const waited = waitUs / wallMs / 1000;
  const figure = `p99 ${p99Ms.toFixed(1)} ms, ${(busy * 100).toFixed(0)} % CPU, ${(rssKiB / 1024).toFixed(0)} MiB`;
  const slow = achieved < rate * KEPT_UP ? `throughput: ${achieved.toFixed(0)}/s of ${rate}/s` : undefined;
  const late = p99Ms > P99_LIMIT_MS ? `latency: p99 ${p99Ms.toFixed(0)} ms` : undefined;
  const broke = overMemory(rssKiB / 1024, size) ?? slow ?? late;
  if (broke === undefined || busy > FULL) return { figure, broke };
  // With CPU to spare, what gave way is outside the sidecar: say so instead of blaming it.
  if (generatorCpuUs / wallMs / 1000 > FULL) return { figure, broke: `the load generator (${broke})` };
  if (waited > CROWDED) {
    return {
      figure,
      broke: `other programs on the machine: waited for a core ${(waited * 100).toFixed(0)} % (${broke})`,
    };
  }
  return { figure, broke };
}

function judgePending(trial: Trial, pending: number, size: Size, retainedMiB: number): Judged {
  const { figure, broke } = memoryJudge(trial, pending, size);
  const tracked = Number(trial.stats?.pending);
  return {
    figure: retainedMiB === 0 ? figure : `${retainedMiB.toFixed(0)} MiB of messages, ${figure}`,
    broke: broke ?? (tracked === pending ? undefined : `tracking: only ${tracked} pending`),
  };
}

function memoryJudge({ result }: Trial, _step: number, size: Size): Judged {
  const rssMiB = (result as MemoryResult).rssAfterKiB / 1024;
  return { figure: `${rssMiB.toFixed(0)} MiB`, broke: overMemory(rssMiB, size) };
}

interface Found {
  readonly size: string;
  readonly what: string;
  /** Highest step that held; 0 when none did. */
  readonly carries: number;
  readonly figure: string;
  /** What gave way at the next step; or that nothing did. */
  readonly limit: string;
}

/** MiB of messages that are kept. */
async function readRetained({ admin }: Running): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
  return Number(/^ackspan_retained_bytes (\S+)/m.exec(text)?.[1]) / 2 ** 20;
}

function reasonOf({ message }: Error, { heapMiB }: Size): string {
  if (message.includes('heap out of memory'))
    return `memory: the ${heapMiB} MiB of Node's heap are full, and the process ends`;
  return message.split('\n', 1)[0]!;
}

async function take(ladder: Ladder, step: number, job: Job, size: Size, otlp: number): Promise<Judged> {
  const variant = {
    otlp,
    holdSeconds: job.kind === 'pending' ? 600 : 0,
    nodeFlags: [`--max-old-space-size=${size.heapMiB}`],
    prefix: ['taskset', '-c', size.cpus],
    retain: ladder.retain ?? false,
  };
  let retainedMiB = 0;
  const watcher = {
    ended: async (_: Result, running: Running): Promise<void> => {
      retainedMiB = await readRetained(running);
    },
  };
  let judged: Judged = { figure: '', broke: '' };
  for (let attempt = 1; attempt <= TRIES && judged.broke !== undefined; attempt++) {
    try {
      judged = ladder.judge(await runTrial(ackspan, job, variant, watcher), step, size, retainedMiB);
    } catch (error) {
      judged = { figure: '', broke: reasonOf(error as Error, size) };
    }
  }
  return judged;
}

async function climb(ladder: Ladder, size: Size, otlp: number): Promise<Found> {
  let best = { carries: 0, figure: '' };
  const found = (limit: string): Found => ({ size: size.name, what: ladder.what, ...best, limit });
  for (const step of ladder.steps) {
    const job = ladder.job(step);
    if (2 * ('connections' in job ? job.connections : 0) + 200 > openFileLimit()) {
      return found(`open files of this machine (${openFileLimit()})`);
    }
    const judged = await take(ladder, step, job, size, otlp);
    process.stderr.write(`${size.name}, ${ladder.what}: ${step}: ${judged.broke ?? judged.figure}\n`);
    if (judged.broke !== undefined) return found(judged.broke);
    best = { carries: step, figure: judged.figure };
  }
  return found('none up to here');
}

const OPTIONS = { json: { type: 'boolean' }, markdown: { type: 'boolean' }, only: { type: 'string' } } as const;

async function capacity(argv: string[]): Promise<void> {
  const { values } = parseArgs({ args: argv, options: OPTIONS });
  const ladders = LADDERS.filter(({ what }) => what.includes(values.only ?? ''));
  if (ladders.length === 0)
    throw new Error(`no load has "${values.only}" in its name: ${LADDERS.map(({ what }) => what).join('; ')}`);
  divideCores();
  const sink = await startSink();
  const all: Found[] = [];
  try {
    for (const size of SIZES) for (const ladder of ladders) all.push(await climb(ladder, size, sink.port));
  } finally {
    await stop(sink.child);
  }
  if (values.json === true) return console.log(JSON.stringify(all, null, 1));
  const lines = all.map(({ size, what, carries, figure, limit }) => [
    size,
    what,
    carries.toLocaleString('en'),
    figure,
    limit,
  ]);
  const table = [['instance', 'load', 'carries', 'at that step', 'first limit'], ...lines];
  console.log(values.markdown === true ? asMarkdown(table) : asText(table));
}

capacity(process.argv.slice(2)).catch((error: unknown) => {
  console.error(`capacity failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
