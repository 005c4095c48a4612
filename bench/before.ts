// Two builds of Ackspan in turn on one machine: what the build before takes under the same load, round by round.
import { ratios, type Summary } from './figures.ts';
import type { RowResult } from './rounds.ts';
import type { Row } from './row.ts';

const BEFORE = ' before';

/** The same row, where each subject of Ackspan has its turn with the build in `main` as well. */
export function withBefore(row: Row, main: string): Row {
  const subjects = row.subjects.flatMap((subject) => {
    if (!subject.peer.startsWith('ackspan')) return [subject];
    return [{ ...subject, label: subject.label + BEFORE, variant: { ...subject.variant, main } }, subject];
  });
  return { ...row, subjects };
}

/** Subject → CPU per event as a ratio to the build before, within each round. */
export function ratiosToBefore(result: RowResult): Record<string, Summary> {
  const cpu = new Map(result.cells.map(({ label, metrics }) => [label, metrics.cpu!.rounds]));
  const both = [...cpu].filter(([label]) => cpu.has(label + BEFORE));
  return Object.fromEntries(both.map(([label, rounds]) => [label, ratios(rounds, cpu.get(label + BEFORE)!)]));
}
