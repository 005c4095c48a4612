// Counts what became of spans and log records, and says so at most once a minute when some were lost: exporters fail in silence otherwise.

/** Where telemetry's own faults go. One call is one log line. */
export type Report = (fault: { readonly stage: string; readonly error: unknown }) => void;

/** Spans or log records by what became of them: plain numbers for the metrics `ackspan.telemetry.spans` and `.logs`. */
export interface ExportCounters {
  exported: number;
  /** The queue was full, or telemetry had stopped. */
  dropped: number;
  /** The exporter gave up on them. */
  failed: number;
}

/** Counters at zero. */
export function createExportCounters(): ExportCounters {
  return { exported: 0, dropped: 0, failed: 0 };
}

/** Between two log lines about losses, ms. */
const REPORT_EVERY_MS = 60_000;

/** Notes losses; cheap enough to be called for each one. */
export interface ExportLosses {
  dropped(): void;
  failed(count: number, error: unknown): void;
}

/** Counts losses into `counters` and reports the first at once, then the sum of a minute. `now` is any clock in ms. */
export function createExportLosses(
  what: 'span' | 'log record',
  counters: ExportCounters,
  report: Report,
  now: () => number,
): ExportLosses {
  let quietUntil = Number.NEGATIVE_INFINITY;
  let told = 0;

  function tell(reason: string): void {
    const at = now();
    if (at < quietUntil) return;
    quietUntil = at + REPORT_EVERY_MS;
    const lost = counters.dropped + counters.failed;
    report({
      stage: 'telemetry',
      error: new Error(`${lost - told} ${what}${lost - told === 1 ? '' : 's'} lost: ${reason}`),
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
