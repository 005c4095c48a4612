// What the gate compares: median ratios of CPU per event to http-proxy-3 in calm rounds, per row and subject.
import { ratios } from './figures.ts';
import type { RowResult } from './rounds.ts';

const YARDSTICK = 'http-proxy-3';

/**
 * A process that waits for a core longer than this finds more to do when it gets one, and so does
 * less for each event: the load is another one then. Percent of the time.
 */
const CALM = 25;

/** row → subject → ratio. */
export type Baseline = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The same as measured; undefined = no round was calm for both. */
export type Measured = Readonly<Record<string, Readonly<Record<string, number | undefined>>>>;

/** The ratios of one run, two decimals. Throws when http-proxy-3 did not take part. */
export function ratiosToYardstick(rows: readonly RowResult[]): Measured {
  return Object.fromEntries(
    rows.map((row) => {
      const yardstick = row.cells.find(({ label }) => label === YARDSTICK)?.metrics;
      if (yardstick === undefined) throw new Error(`${YARDSTICK} did not take part in ${row.name}`);
      const subjects = row.cells.filter(({ label }) => label.startsWith('ackspan'));
      const entries = subjects.map(({ label, metrics }) => {
        const calm = (_: number, round: number): boolean =>
          [metrics, yardstick].every(({ waiting }) => waiting!.rounds[round]! < CALM);
        const [of, to] = [metrics, yardstick].map(({ cpu }) => cpu!.rounds.filter(calm));
        return [label, of!.length === 0 ? undefined : Number(ratios(of!, to!).median.toFixed(2))] as const;
      });
      return [row.name, Object.fromEntries(entries)];
    }),
  );
}
