// cli: rows of text as a table whose columns are as wide as what is in them, within the width of the terminal.
import type { Paint, Tone } from './paint.ts';
import { fitted, padded, widthOf } from './width.ts';

/** One cell: printable text, and what its colour says. */
export interface Cell {
  readonly text: string;
  readonly tone?: Tone | undefined;
}

/** One column. */
export interface Column {
  readonly heading: string;
  /** Numbers stand at the end of their column. */
  readonly end?: boolean;
  /** The column may be narrowed to so many columns of the terminal where the room does not suffice. Default: it may not. */
  readonly least?: number;
  /** The column is left out where even the least of all does not fit; the highest first. Default: it never is. */
  readonly spare?: number;
}

const GAP = 2;

/** The table, heading first; no line is wider than `width` (undefined = as wide as it needs). */
export function drawColumns(
  all: readonly Column[],
  allRows: readonly (readonly Cell[])[],
  { width, paint }: { readonly width: number | undefined; readonly paint: Paint },
): string[] {
  const wantedOf = ({ heading }: Column, i: number): number =>
    allRows.reduce((most, row) => Math.max(most, widthOf(row[i]?.text ?? '')), widthOf(heading));
  const kept = width === undefined ? [...all.keys()] : needed(all, all.map(wantedOf), width);
  const columns = kept.map((i) => all[i]!);
  const rows = allRows.map((row) => kept.map((i) => row[i] ?? { text: '' }));
  const wanted = kept.map((i) => wantedOf(all[i]!, i));
  const widths = width === undefined ? wanted : narrowed(columns, wanted, width);
  const line = (cells: readonly Cell[]): string => {
    let text = '';
    let used = 0;
    for (const [i, { end }] of columns.entries()) {
      const room = width === undefined ? widths[i]! : Math.min(widths[i]!, width - used);
      if (room <= 0) break;
      const { text: raw = '', tone } = cells[i] ?? {};
      const last = i === columns.length - 1;
      const cut = fitted(raw, room);
      const filled = last && end !== true ? cut : padded(cut, room, end);
      text += (tone === undefined ? filled : paint(filled, tone)) + (last ? '' : ' '.repeat(GAP));
      used += room + GAP;
    }
    return text.trimEnd();
  };
  return [line(columns.map(({ heading }) => ({ text: heading, tone: 'strong' as const }))), ...rows.map(line)];
}

/** The columns that are shown, in order: spare ones go until the rest can be had at its least. */
function needed(columns: readonly Column[], wanted: readonly number[], width: number): number[] {
  let kept = [...columns.keys()];
  const least = (i: number): number => Math.min(wanted[i]!, columns[i]!.least ?? wanted[i]!);
  while (kept.reduce((sum, i) => sum + least(i), GAP * (kept.length - 1)) > width) {
    const spare = Math.max(...kept.map((i) => columns[i]!.spare ?? 0));
    if (spare === 0) break;
    kept = kept.filter((i) => columns[i]!.spare !== spare);
  }
  return kept;
}

/** Takes what is missing from the columns that may be narrowed: from spare ones first, and among equals from the widest. */
function narrowed(columns: readonly Column[], wanted: readonly number[], width: number): number[] {
  const widths = [...wanted];
  let missing = widths.reduce((sum, each) => sum + each, GAP * (widths.length - 1)) - width;
  while (missing > 0) {
    let widest = -1;
    for (const [i, column] of columns.entries()) {
      if (column.least === undefined || widths[i]! <= column.least) continue;
      const than = columns[widest];
      const before = (column.spare ?? 0) - (than?.spare ?? 0);
      if (than === undefined || before > 0 || (before === 0 && widths[i]! > widths[widest]!)) widest = i;
    }
    if (widest < 0) break;
    widths[widest]!--;
    missing--;
  }
  return widths;
}
