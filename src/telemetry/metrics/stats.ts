// telemetry: the counts of the metrics summed up for people: totals, rate over settled, percentiles, per priority.
import {
  ATTEMPT_KINDS,
  ATTEMPT_RESULTS,
  type AttemptKind,
  FAIL_REASONS,
  PRIORITIES,
  type Priority,
  SHED_REASONS,
} from '../../delivery/words.ts';
import { Latency } from './latency.ts';
import type { Tally, TallyBook } from './tallies.ts';

/**
 * Counts since the start. Times are send to confirmation of confirmed deliveries, ms; null while
 * there are none.
 */
export interface StatsRow {
  readonly tracked: number;
  readonly pending: number;
  readonly confirmed: number;
  readonly failed: number;
  readonly timeout: number;
  readonly unverifiable: number;
  readonly shed: number;
  /**
   * confirmed / (confirmed + failed + timeout), in [0, 1] (SPEC D9); null while nothing is settled.
   */
  readonly confirmation_rate: number | null;
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly p99_ms: number | null;
  readonly avg_ms: number | null;
  readonly min_ms: number | null;
  readonly max_ms: number | null;
  /** Attempts by kind, whatever their result. `send` equals `tracked`. */
  readonly attempts: Readonly<Record<AttemptKind, number>>;
}

/** JSON with finite numbers only. */
export interface Stats extends StatsRow {
  readonly by_priority: Readonly<Record<Priority, StatsRow>>;
  /**
   * Data messages relayed that are no deliveries, by reason. With `tracked` and `shed` they make up
   * all that the backend sent on open connections (SPEC D16).
   */
  readonly untracked: Readonly<Record<string, number>>;
  /**
   * Messages in which no event could be read, by shape. They are tracked as such, or in `untracked`
   * where they are only counted (SPEC D21).
   */
  readonly unread: Readonly<Record<string, number>>;
}

/**
 * Sums up the counts of deliveries. `untracked` and `unread` are the counts of relay and decoder.
 */
export function takeStats(
  book: TallyBook,
  untracked: Readonly<Record<string, number>> = {},
  unread: Readonly<Record<string, number>> = {},
): Stats {
  const total = new Latency();
  for (const latency of book.latencies) total.merge(latency);
  const rows = PRIORITIES.map((priority, i) => {
    const tallies = book.tallies.filter((tally) => tally.priority === priority);
    const shed = SHED_REASONS.reduce((sum, _, r) => sum + book.shed[r * PRIORITIES.length + i]!, 0);
    return [priority, row(tallies, shed, book.latencies[i]!)] as const;
  });
  const shed = book.shed.reduce((sum, each) => sum + each, 0);
  return {
    ...row(book.tallies, shed, total),
    by_priority: Object.fromEntries(rows) as Record<Priority, StatsRow>,
    untracked,
    unread,
  };
}

function row(tallies: readonly Tally[], shed: number, latency: Latency): StatsRow {
  const sum = (of: (tally: Tally) => number) => tallies.reduce((total, tally) => total + of(tally), 0);
  const tracked = sum((tally) => tally.tracked - tally.handedOver);
  const confirmed = sum((tally) => tally.countOf(''));
  const timeout = sum((tally) => tally.countOf('timeout'));
  const failed = FAIL_REASONS.reduce((total, reason) => total + sum((tally) => tally.countOf(reason)), 0);
  const unverifiable = sum((tally) => tally.unverifiable);
  const judged = confirmed + failed + timeout;
  const empty = latency.count === 0;
  return {
    tracked,
    pending: tracked - judged - unverifiable,
    confirmed,
    failed,
    timeout,
    unverifiable,
    shed,
    confirmation_rate: judged === 0 ? null : confirmed / judged,
    p50_ms: latency.quantile(0.5),
    p95_ms: latency.quantile(0.95),
    p99_ms: latency.quantile(0.99),
    avg_ms: empty ? null : latency.sumMs / latency.count,
    min_ms: empty ? null : latency.minMs,
    max_ms: empty ? null : latency.maxMs,
    attempts: attempts(tallies, tracked),
  };
}

function attempts(tallies: readonly Tally[], tracked: number): Record<AttemptKind, number> {
  const entries = ATTEMPT_KINDS.map((kind, k) => {
    let count = kind === 'send' ? tracked : 0;
    for (const tally of tallies) {
      for (let r = 0; r < ATTEMPT_RESULTS.length; r++) count += tally.attempts[k * ATTEMPT_RESULTS.length + r]!;
    }
    return [kind, count];
  });
  return Object.fromEntries(entries) as Record<AttemptKind, number>;
}
