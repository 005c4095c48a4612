// cli: rows of text as a table, with columns as wide as their content, within the width of the terminal.
import type { Paint, Tone } from './paint.ts';
import { fitted, padded, widthOf } from './width.ts';

/** One cell: printable text with its colour. */
export interface Cell {
  readonly text: string;
  readonly tone?: Tone | undefined;
}

export interface Column {
  readonly heading: string;
  /** Whether the cells stand at the end of the column, as numbers do. */
  readonly end?: boolean;
  /**
   * Columns of the terminal down to which the column may be narrowed; default = it may not be
   * narrowed.
   */
  readonly least?: number;
  /**
   * Rank in which the column is left out where the table does not fit even narrowed, highest first;
   * default = it always stays.
   */
  readonly spare?: number;
}

const GAP = 2;

/** Lines of the table, heading first. No line is wider than `width`; undefined = no limit. */
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

/**
 * The columns that are shown, in order. Spare columns go until the others fit at their least width.
 */
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

/** The widths after narrowing. Spare columns give first, and among equals the widest. */
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
