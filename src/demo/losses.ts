// demo: groups the deliveries that were not confirmed: who lost what, and why.

import { type Sample, sumOf } from '../admin-client/exposition.ts';
import { FAIL_REASONS, UNMATCHED_REASONS, type UnmatchedReason } from '../delivery/words.ts';
import type { DeliveryLine } from './readings.ts';

/** Deliveries of one connection that ended alike. */
export interface Loss {
  /** Request path of the connection. */
  readonly path: string;
  readonly status: string;
  /** The error type; `''` for unverifiable ones. */
  readonly errorType: string;
  readonly count: number;
  /** Attempts after the send, in all. */
  readonly retries: number;
}

/** Groups by connection and kind of ending; most deliveries first. */
export function groupLosses(lines: readonly DeliveryLine[], pathOf: (session: string) => string): Loss[] {
  const groups = new Map<string, Loss>();
  for (const { session, status, error_type, attempts } of lines) {
    const path = pathOf(session);
    const errorType = error_type ?? '';
    const key = JSON.stringify([path, status, errorType]);
    const { count, retries } = groups.get(key) ?? { count: 0, retries: 0 };
    groups.set(key, { path, status, errorType, count: count + 1, retries: retries + attempts - 1 });
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || a.path.localeCompare(b.path));
}

/** Confirmations that changed nothing, by reason, from the metrics. */
export function unmatchedOf(samples: readonly Sample[]): Record<UnmatchedReason, number> {
  return countsOf(UNMATCHED_REASONS, (reason) => sumOf(samples, 'ackspan_confirmation_unmatched_total', { reason }));
}

/** Failed deliveries by reason, from the metrics. */
export function failedByReason(samples: readonly Sample[]): Record<(typeof FAIL_REASONS)[number], number> {
  return countsOf(FAIL_REASONS, (error_type) =>
    sumOf(samples, 'ackspan_delivery_duration_seconds_count', { error_type }),
  );
}

function countsOf<K extends string>(keys: readonly K[], count: (key: K) => number): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, count(key)])) as Record<K, number>;
}
