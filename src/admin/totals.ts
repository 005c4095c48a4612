// admin: the counts that statistics are made of: they only grow, and are read once a second.
import type { ErrorType, Level, Outcome, Priority, UnverifiableReason } from '../delivery/words.ts';

/** Counts since the start for one priority. */
export type PriorityTotals = Readonly<Record<Outcome | 'tracked' | 'shed', number>>;

/** Counts since the start, and what is open now. */
export interface Totals {
  readonly pending: number;
  readonly connections: number;
  readonly byPriority: Readonly<Record<Priority, PriorityTotals>>;
  readonly losses: Readonly<Record<Exclude<ErrorType, ''>, number>>;
  readonly unverified: Readonly<Record<UnverifiableReason, number>>;
  /** Confirmed, by the evidence. */
  readonly levels: Readonly<Record<Level, number>>;
  /** Time from send to confirmation of confirmed deliveries: counts by bucket. */
  readonly latency: Float64Array;
}

/** The source of totals. */
export interface Statistics {
  totals(): Totals;
  /** The time that stands for a bucket of `latency`, ms. */
  latencyMs(bucket: number): number;
}
