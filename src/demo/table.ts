// demo: the live table as lines of text; pure, so that it can be tested without a terminal.

import { countIn, percent, time } from '../admin-client/wording.ts';
import { PRIORITIES, UNMATCHED_REASONS, type UnmatchedReason } from '../delivery/words.ts';
import type { Stats, StatsRow } from '../telemetry/metrics/stats.ts';

/** The content of the table. */
export interface Shown {
  readonly stats: Stats;
  readonly connections: { readonly total: number; readonly byCapability: Readonly<Record<string, number>> };
  readonly unmatched: Readonly<Record<UnmatchedReason, number>>;
  /** One line on the state of the demo. */
  readonly phase: string;
  readonly adminUrl: string;
  readonly target: number;
}

/** How to draw. */
export interface Style {
  /** Columns of the terminal. */
  readonly width: number;
  readonly colour: boolean;
}

interface Column {
  /** Heading on a wide and on a narrow terminal, and the widths of both. */
  readonly wide: readonly [string, number];
  readonly narrow: readonly [string, number];
  /** `room`: characters that keep clear of the neighbour on the left. */
  cell(row: StatsRow, room: number): string;
}

const COLUMNS: readonly Column[] = [
  { wide: ['tracked', 11], narrow: ['tracked', 8], cell: (row, room) => countIn(row.tracked, room) },
  { wide: ['confirmed', 11], narrow: ['confirm', 8], cell: (row, room) => countIn(row.confirmed, room) },
  { wide: ['rate', 9], narrow: ['rate', 8], cell: (row) => percent(row.confirmation_rate) },
  { wide: ['p50', 8], narrow: ['p50', 6], cell: (row) => time(row.p50_ms) },
  { wide: ['p95', 8], narrow: ['p95', 6], cell: (row) => time(row.p95_ms) },
  { wide: ['p99', 8], narrow: ['p99', 6], cell: (row) => time(row.p99_ms) },
  { wide: ['retries', 9], narrow: ['retry', 6], cell: (row, room) => countIn(retriesOf(row), room) },
  { wide: ['failed', 8], narrow: ['fail', 6], cell: (row, room) => countIn(row.failed, room) },
  { wide: ['time-outs', 11], narrow: ['t/out', 6], cell: (row, room) => countIn(row.timeout, room) },
  { wide: ['unverifiable', 14], narrow: ['unver', 6], cell: (row, room) => countIn(row.unverifiable, room) },
  { wide: ['pending', 9], narrow: ['pend', 5], cell: (row, room) => countIn(row.pending, room) },
];
const NAME_WIDTH = 8;
const RATE = 2;
const WIDE = NAME_WIDTH + COLUMNS.reduce((sum, { wide }) => sum + wide[1], 0);
const NARROW = NAME_WIDTH + COLUMNS.reduce((sum, { narrow }) => sum + narrow[1], 0);

/** Attempts after the send. */
function retriesOf({ attempts }: StatsRow): number {
  return attempts.probe + attempts.resend + attempts.replay + attempts.reemit;
}

/** The whole picture, no line wider than the terminal. */
export function drawTable(shown: Shown, { width, colour }: Style): string[] {
  const wide = width >= WIDE;
  // A line that must be cut has no colours, which would be cut too.
  const paint = (text: string, code: number): string =>
    colour && width >= NARROW ? `\x1b[${code}m${text}\x1b[0m` : text;
  const cut = (line: string): string => (line.length > width ? `${line.slice(0, width - 1)}…` : line);
  const fitted = (line: string): string => (width >= NARROW ? line : cut(line));
  const heading = COLUMNS.map(({ wide: w, narrow: n }) => (wide ? w : n))
    .map(([text, columns]) => text.padStart(columns))
    .join('');
  const line = (name: string, row: StatsRow): string => {
    const cells = COLUMNS.map((column, index) => {
      const [, columns] = wide ? column.wide : column.narrow;
      const text = column.cell(row, columns - 1).padStart(columns);
      if (index !== RATE || row.confirmation_rate === null) return text;
      return paint(text, row.confirmation_rate >= shown.target ? 32 : 31);
    });
    return fitted(name.padEnd(NAME_WIDTH) + cells.join(''));
  };
  const { stats } = shown;
  return [
    cut(shown.phase),
    cut(`admin ${shown.adminUrl}   target ${percent(shown.target)} confirmed`),
    '',
    fitted(paint(' '.repeat(NAME_WIDTH) + heading, 1)),
    ...PRIORITIES.map((priority) => line(priority, stats.by_priority[priority])),
    line('all', stats),
    '',
    cut(connectionsLine(shown)),
    cut(unmatchedLine(shown)),
  ];
}

function connectionsLine({ connections }: Shown): string {
  const kinds = Object.entries(connections.byCapability).sort();
  const parts = kinds.map(([capability, open]) => `${open} ${capability}`);
  return `connections open: ${connections.total}; best evidence so far: ${parts.join(', ') || '–'}`;
}

function unmatchedLine({ unmatched }: Shown): string {
  return `confirmations without effect: ${UNMATCHED_REASONS.map((reason) => `${unmatched[reason]} ${reason}`).join(', ')}`;
}

/** The table in one line, for logs. */
export function drawLine({ stats, phase }: Shown): string {
  const { confirmation_rate: rate, tracked, confirmed, failed, timeout, unverifiable, pending } = stats;
  return (
    `${phase}: tracked ${tracked}, confirmed ${confirmed} (${percent(rate)}), p99 ${time(stats.p99_ms)}, retries ${retriesOf(stats)}, ` +
    `failed ${failed}, time-outs ${timeout}, unverifiable ${unverifiable}, pending ${pending}`
  );
}
