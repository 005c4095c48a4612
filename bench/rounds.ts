// Runs rows over rounds: every subject has its turn before any has its second, so that a noisy minute hits all of them.
import { stop } from './children.ts';
import { divideCores } from './cores.ts';
import { type Summary, summarise } from './figures.ts';
import type { Job, Result } from './load/job.ts';
import { peerNamed } from './peers/table.ts';
import type { Figures, Row, Subject } from './row.ts';
import { startSink } from './sink.ts';
import { runTrial, type Stats } from './trial.ts';

/** What a row's subject came to, per metric. */
export interface Cell {
  readonly label: string;
  readonly metrics: Readonly<Record<string, Summary>>;
}

export interface RowResult {
  readonly name: string;
  readonly title: string;
  readonly cells: readonly Cell[];
}

export interface RoundsOptions {
  readonly rounds: number;
  readonly quick: boolean;
  /** Flags for the Node peers. */
  readonly nodeFlags: readonly string[];
  /** Peers that take part. */
  takes(peer: string): boolean;
  say(line: string): void;
}

/** Runs one row. Throws at the first trial that fails: a wrong byte is no result. */
export async function runRow(row: Row, options: RoundsOptions): Promise<RowResult> {
  const subjects = row.subjects.filter((subject) => options.takes(subject.peer));
  divideCores();
  const sink = await startSink();
  const samples = new Map<string, Figures[]>(subjects.map((subject) => [subject.label, []]));
  try {
    const rounds = options.rounds * (row.times ?? 1);
    for (let round = 1; round <= rounds; round++) {
      for (const subject of subjects) {
        const figures = await runSubject(row, subject, sink.port, options);
        samples.get(subject.label)!.push(figures);
        options.say(`${row.name} ${round}/${rounds} ${subject.label}: ${describe(row, figures)}`);
      }
    }
  } finally {
    await stop(sink.child);
  }
  const cells = subjects.map(({ label }) => ({ label, metrics: summaries(row, samples.get(label)!) }));
  return { name: row.name, title: row.title, cells };
}

async function runSubject(row: Row, subject: Subject, otlp: number, options: RoundsOptions): Promise<Figures> {
  const peer = peerNamed(subject.peer);
  const { quick, nodeFlags } = options;
  const job = row.job(subject, peer, quick);
  const deflate = job.kind === 'flow' && job.deflate;
  const { result, stats } = await runTrial(peer, job, { otlp, deflate, nodeFlags, ...subject.variant }).catch(
    (error: unknown) => {
      throw new Error(`${row.name}, ${subject.label}: ${error instanceof Error ? error.message : String(error)}`);
    },
  );
  if (stats !== undefined) checkSums(subject.label, job, result, stats);
  return row.figures(result);
}

/** What was tracked and what became of it. */
export function sumsOf(stats: Stats) {
  const of = (key: string): number => Number(stats[key]);
  const [confirmed, failed, timeout, unverifiable] = [of('confirmed'), of('failed'), of('timeout'), of('unverifiable')];
  const settled = confirmed + failed + timeout + unverifiable;
  return { tracked: of('tracked'), pending: of('pending'), settled, confirmed, failed, timeout, unverifiable };
}

/**
 * The tracker's own sums must be the load's (D1): what was answered is confirmed, what was not is
 * pending.
 */
function checkSums(label: string, job: Job, result: Result, stats: Stats): void {
  const { tracked, pending, settled, confirmed } = sumsOf(stats);
  const sums = `tracked ${tracked}, pending ${pending}, settled ${settled}, confirmed ${confirmed}`;
  if (tracked !== pending + settled) throw new Error(`${label} lost count: ${sums}`);
  if (result.kind === 'flow' && confirmed !== result.sent) {
    throw new Error(`${label}: ${result.sent} events answered, but ${sums}`);
  }
  if (job.kind === 'pending' && result.kind === 'memory' && pending !== result.sent) {
    throw new Error(`${label}: ${result.sent} events unanswered, but ${sums}`);
  }
}

function summaries(row: Row, samples: readonly Figures[]): Record<string, Summary> {
  const entries = row.metrics.map(({ key }) => [key, summarise(samples.map((figures) => figures[key]!))] as const);
  return Object.fromEntries(entries);
}

function describe(row: Row, figures: Figures): string {
  return row.metrics.map(({ key, unit }) => `${round(figures[key]!)} ${unit}`).join(', ');
}

/** Three significant digits, whole numbers from 100 on. */
export function round(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
