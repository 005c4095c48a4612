// Counts what became of ended spans, and says so at most once a minute when some were lost: exporters fail in silence otherwise.

/** Where telemetry's own faults go. One call is one log line. */
export type Report = (fault: { readonly stage: string; readonly error: unknown }) => void;

/** Spans by what became of them: plain numbers for the metric `ackspan.telemetry.spans`. */
export interface SpanCounters {
  exported: number;
  /** The queue was full, or telemetry had stopped. */
  dropped: number;
  /** The exporter gave up on them. */
  failed: number;
}

/** Counters at zero. */
export function createSpanCounters(): SpanCounters {
  return { exported: 0, dropped: 0, failed: 0 };
}

/** Between two log lines about lost spans, ms. */
const REPORT_EVERY_MS = 60_000;

/** Notes losses; cheap enough to be called for each one. */
export interface SpanLosses {
  dropped(): void;
  failed(count: number, error: unknown): void;
}

/** Counts losses into `counters` and reports the first at once, then the sum of a minute. `now` is any clock in ms. */
export function createSpanLosses(counters: SpanCounters, report: Report, now: () => number): SpanLosses {
  let quietUntil = Number.NEGATIVE_INFINITY;
  let told = 0;

  function tell(reason: string): void {
    const at = now();
    if (at < quietUntil) return;
    quietUntil = at + REPORT_EVERY_MS;
    const lost = counters.dropped + counters.failed;
    report({
      stage: 'telemetry',
      error: new Error(`${lost - told} ${lost - told === 1 ? 'span' : 'spans'} lost: ${reason}`),
    });
    told = lost;
  }

  return {
    dropped() {
      counters.dropped++;
      tell('the export queue is full');
    },
    failed(count, error) {
      counters.failed += count;
      tell(`export failed: ${error instanceof Error ? error.message : String(error)}`);
    },
  };
}
