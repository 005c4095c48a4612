// admin: the JSON of statistics, as types: lines, windows, and who loses most.
import type { Capability, ErrorType, Level, Priority, UnverifiableReason } from '../delivery/words.ts';

/** Counts of one stretch of time. */
export interface CountsJson {
  readonly tracked: number;
  readonly confirmed: number;
  readonly failed: number;
  readonly timeout: number;
  readonly unverifiable: number;
  readonly shed: number;
}

/** One line of statistics: the counts of the `seconds` before `at`, and the gauges then. */
export interface LineJson extends CountsJson {
  readonly at: string;
  readonly seconds: number;
  readonly pending: number;
  readonly connections: number;
  /** Time from send to confirmation of confirmed deliveries, ms; null without any. */
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly p99_ms: number | null;
}

export interface LinesJson {
  readonly seconds: number;
  /** Oldest first. */
  readonly lines: readonly LineJson[];
}

/** One window of time, judged. */
export interface WindowJson extends CountsJson {
  /** Length of the window, less than asked for while the process is young. */
  readonly seconds: number;
  /** confirmed / (confirmed + failed + timeout); null while nothing is settled. */
  readonly rate: number | null;
  /** Share of the objective's budget of losses that is left: 1 = untouched, below 0 = overdrawn. */
  readonly budget_left: number | null;
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly p99_ms: number | null;
  /** Losses by reason: `timeout` and the reasons of `failed`. */
  readonly losses: Readonly<Record<Exclude<ErrorType, ''>, number>>;
  readonly unverifiable_reasons: Readonly<Record<UnverifiableReason, number>>;
  /** Confirmed, by the evidence. */
  readonly levels: Readonly<Record<Level, number>>;
  readonly by_priority: Readonly<
    Record<Priority, CountsJson & { readonly rate: number | null; readonly budget_left: number | null }>
  >;
}

/** The last five minutes, the last hour, and everything since the start. */
export interface SummaryJson {
  readonly at: string;
  readonly pending: number;
  readonly windows: { readonly '5m': WindowJson; readonly '1h': WindowJson; readonly start: WindowJson };
  readonly connections: { readonly open: number; readonly by_capability: Readonly<Record<Capability, number>> };
}

/** One row: a user, type, session or connection, by its deliveries in flight and in the history. */
export interface TopRowJson extends Omit<CountsJson, 'shed'> {
  /** The key; null = deliveries without one. */
  readonly key: string | null;
  readonly pending: number;
  readonly lost: number;
  readonly rate: number | null;
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly max_ms: number | null;
}

export interface TopJson {
  readonly by: 'user' | 'type' | 'session' | 'priority';
  readonly sort: 'lost' | 'slowest' | 'tracked' | 'pending';
  /** Deliveries looked at. */
  readonly looked_at: number;
  /** Number of keys beyond the bound, which are in no row. */
  readonly left_out: number;
  readonly rows: readonly TopRowJson[];
}
