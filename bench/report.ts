// Results as a table for a terminal or a page: one line per subject, ratios to the byte pipes in the same rounds.
import { ratios } from './figures.ts';
import { type Cell, type RowResult, round } from './rounds.ts';
import type { Metric } from './row.ts';

const REFERENCES = ['nginx', 'haproxy', 'http-proxy-3'];

/** The cells of one row as text, header first. */
export function tableOf(row: RowResult, metrics: readonly Metric[]): string[][] {
  const first = metrics[0]!;
  const references = REFERENCES.flatMap((name) => row.cells.find((cell) => cell.label === name) ?? []);
  const header = ['', ...metrics.map(({ unit }) => unit), ...references.map(({ label }) => `÷ ${label}`)];
  const lines = row.cells.map((cell) => [
    cell.label,
    ...metrics.map(({ key }) => spread(cell, key)),
    ...references.map((reference) => ratio(cell, reference, first.key)),
  ]);
  return [header, ...lines];
}

function spread(cell: Cell, key: string): string {
  const { median, min, max, rounds } = cell.metrics[key]!;
  return rounds.length === 1 ? round(median) : `${round(median)} (${round(min)}–${round(max)})`;
}

function ratio(cell: Cell, reference: Cell, key: string): string {
  const of = cell.metrics[key]!.rounds;
  if (cell === reference || cell.label === 'direct') return '';
  return `${ratios(of, reference.metrics[key]!.rounds).median.toFixed(2)}`;
}

/** Columns padded with spaces. */
export function asText(table: readonly (readonly string[])[]): string {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)));
  return table
    .map((line) =>
      line
        .map((text, i) => text.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A Markdown table. */
export function asMarkdown(table: readonly (readonly string[])[]): string {
  const [header, ...lines] = table.map((line) => `| ${line.join(' | ')} |`);
  return [header, `|${table[0]!.map(() => '---|').join('')}`, ...lines].join('\n');
}
