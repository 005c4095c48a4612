// What the gate compares: median ratios of CPU per event to http-proxy-3, per row and subject.
import { ratios } from './figures.ts';
import type { RowResult } from './rounds.ts';

const YARDSTICK = 'http-proxy-3';

/** row → subject → ratio. */
export type Baseline = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The ratios of one run, two decimals. Throws when http-proxy-3 did not take part. */
export function ratiosToYardstick(rows: readonly RowResult[]): Baseline {
  return Object.fromEntries(
    rows.map((row) => {
      const yardstick = row.cells.find(({ label }) => label === YARDSTICK)?.metrics.cpu;
      if (yardstick === undefined) throw new Error(`${YARDSTICK} did not take part in ${row.name}`);
      const subjects = row.cells.filter(({ label }) => label.startsWith('ackspan'));
      const entries = subjects.map(({ label, metrics }) => {
        const { median } = ratios(metrics.cpu!.rounds, yardstick.rounds);
        return [label, Number(median.toFixed(2))] as const;
      });
      return [row.name, Object.fromEntries(entries)];
    }),
  );
}
