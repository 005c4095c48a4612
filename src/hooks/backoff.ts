// hooks: when to send a notice again: doubling gaps, spread, never sooner than the backend asks (RFC 9110 §10.2.3).

/** Longest `Retry-After` that is obeyed, ms. */
const RETRY_AFTER_LIMIT_MS = 300_000;

export interface BackoffOptions {
  /** Gap after the first failure, ms. Each further gap is twice as long. */
  readonly firstMs: number;
  /** Longest gap, ms. */
  readonly longestMs: number;
}

/**
 * Gap after the failure of try number `tries` (from 1), ms: between half and all of the doubled
 * gap. `random` in [0, 1).
 */
export function backoffMs(tries: number, random: number, { firstMs, longestMs }: BackoffOptions): number {
  const full = Math.min(longestMs, firstMs * 2 ** (tries - 1));
  return full * (0.5 + random / 2);
}

/**
 * `Retry-After` as ms from `now` (the wall clock, ms since the epoch): seconds or an HTTP date. 0
 * when absent or unreadable; at most 5 min.
 */
export function retryAfterMs(header: string | undefined, now: number): number {
  if (header === undefined) return 0;
  const text = header.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? 0 : Math.min(RETRY_AFTER_LIMIT_MS, Math.max(0, ms));
}
