// Runs rows over rounds: every subject has its turn before any has its second, so that a noisy minute hits all of them.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Summary, summarise } from './figures.ts';
import type { Peer } from './peers/peer.ts';
import { peerNamed } from './peers/table.ts';
import type { Figures, Row, Subject } from './row.ts';
import { runTrial, type Stats, stop } from './trial.ts';

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
  /** Peers that take part. */
  takes(peer: string): boolean;
  say(line: string): void;
}

/** Runs one row. Throws at the first trial that fails: a wrong byte is no result. */
export async function runRow(row: Row, options: RoundsOptions): Promise<RowResult> {
  const subjects = row.subjects.filter((subject) => options.takes(subject.peer));
  const sink = await startSink();
  const samples = new Map<string, Figures[]>(subjects.map((subject) => [subject.label, []]));
  try {
    for (let round = 1; round <= options.rounds; round++) {
      for (const subject of subjects) {
        const figures = await runSubject(row, subject, sink.port, options.quick);
        samples.get(subject.label)!.push(figures);
        options.say(`${row.name} ${round}/${options.rounds} ${subject.label}: ${describe(row, figures)}`);
      }
    }
  } finally {
    await stop(sink.child);
  }
  const cells = subjects.map(({ label }) => ({ label, metrics: summaries(row, samples.get(label)!) }));
  return { name: row.name, title: row.title, cells };
}

async function runSubject(row: Row, subject: Subject, otlp: number, quick: boolean): Promise<Figures> {
  const peer = peerNamed(subject.peer);
  const job = row.job(subject, peer, quick);
  const deflate = job.kind === 'flow' && job.deflate;
  const { result, stats } = await runTrial(peer, job, { otlp, deflate, ...subject.variant }).catch((error: unknown) => {
    throw new Error(`${row.name}, ${subject.label}: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (stats !== undefined) checkSums(subject, result.kind === 'flow' ? result.sent : -1, stats, peer!);
  return row.figures(result);
}

/** The tracker's own sums must be the load's (D1), and everything that was answered must count as confirmed. */
function checkSums(subject: Subject, sent: number, stats: Stats, peer: Peer): void {
  const of = (key: string): number => Number(stats[key]);
  const settled = of('confirmed') + of('failed') + of('timeout') + of('unverifiable');
  const sums = `tracked ${of('tracked')}, pending ${of('pending')}, settled ${settled}, confirmed ${of('confirmed')}`;
  if (of('tracked') !== of('pending') + settled) throw new Error(`${peer.name} lost count: ${sums}`);
  if (sent >= 0 && of('confirmed') !== sent) throw new Error(`${subject.label}: ${sent} events answered, but ${sums}`);
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

async function startSink(): Promise<{ port: number; child: ChildProcess }> {
  const child = fork(fileURLToPath(new URL('./programs/otlp-sink.js', import.meta.url)));
  const [port] = (await once(child, 'message')) as [number];
  return { port, child };
}
