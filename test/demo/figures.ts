// Statistics for the demo’s tests: nothing happened, except what a test says.
import type { Priority } from '../../src/delivery/words.ts';
import type { Stats, StatsRow } from '../../src/telemetry/metrics/stats.ts';

const NOTHING: StatsRow = {
  tracked: 0,
  pending: 0,
  confirmed: 0,
  failed: 0,
  timeout: 0,
  unverifiable: 0,
  shed: 0,
  confirmation_rate: null,
  p50_ms: null,
  p95_ms: null,
  p99_ms: null,
  avg_ms: null,
  min_ms: null,
  max_ms: null,
  attempts: { send: 0, probe: 0, resend: 0, replay: 0, reemit: 0 },
};

/** Totals as given; the same for CRITICAL unless told otherwise, nothing for the others. */
export function statsOf(total: Partial<StatsRow>, rows: Partial<Record<Priority, Partial<StatsRow>>> = {}): Stats {
  const row = (part: Partial<StatsRow> | undefined): StatsRow => ({ ...NOTHING, ...part });
  return {
    ...row(total),
    untracked: {},
    unread: {},
    by_priority: {
      critical: row(rows.critical ?? total),
      high: row(rows.high),
      normal: row(rows.normal),
      low: row(rows.low),
    },
  };
}
