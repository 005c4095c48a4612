// telemetry: counts exported and lost spans, log records and data points, and logs losses once a minute.
import type { Report } from '../../delivery/ports.ts';

/**
 * Items of one signal by result: plain numbers for the metrics `ackspan.telemetry.spans`, `.logs`
 * and `.metrics`.
 */
export type ExportCounters = {
  exported: number;
  /** The queue was full, or telemetry had stopped. */
  dropped: number;
  /** The exporter gave up on them. */
  failed: number;
  /** The collector took the request and threw them away (OTLP "partial success"). */
  rejected: number;
};

/** Counters at zero. */
export function createExportCounters(): ExportCounters {
  return { exported: 0, dropped: 0, failed: 0, rejected: 0 };
}

/** Time between two log lines about losses, ms. */
const REPORT_EVERY_MS = 60_000;
/** Reasons told apart in one line. */
const REASONS = 8;

/** Counts results of items, losses by their reason. Cheap enough to be called for each item. */
export interface ExportLosses {
  /**
   * Counts a request of `count` items that the collector took. It threw `rejected` of them away,
   * and said `message` (`''` = nothing).
   */
  accepted(count: number, rejected: number, message: string): void;
  /**
   * Counts a dropped item. `stopped`: it came after the end of telemetry; otherwise there was no
   * room for it.
   */
  dropped(stopped?: boolean): void;
  failed(count: number, error: unknown): void;
  /** Reports what has not been reported yet, at once: for the end of a process. */
  tellRest(): void;
}

/** The losses in the words of a log line. */
export type Lost = 'span' | 'log record' | 'metric data point';

/**
 * Counts losses into `counters`. Exporters fail in silence otherwise. Reports the first loss at
 * once, then the sum of each minute, reason by reason. No loss stays unreported: the minute ends by
 * a timer of its own, and `tellRest` ends it at the stop.
 */
export function createExportLosses(what: Lost, counters: ExportCounters, report: Report): ExportLosses {
  const untold = new Map<string, number>();
  let minute: NodeJS.Timeout | undefined;

  function note(reason: string, count: number): void {
    const known = untold.has(reason) || untold.size < REASONS ? reason : 'other reasons';
    untold.set(known, (untold.get(known) ?? 0) + count);
    if (minute !== undefined) return;
    tell();
    minute = setTimeout(endMinute, REPORT_EVERY_MS);
    minute.unref();
  }

  function endMinute(): void {
    minute = undefined;
    if (untold.size === 0) return;
    tell();
    minute = setTimeout(endMinute, REPORT_EVERY_MS);
    minute.unref();
  }

  function tell(): void {
    const reasons = [...untold].sort(([, a], [, b]) => b - a);
    untold.clear();
    const lost = reasons.reduce((sum, [, count]) => sum + count, 0);
    const parts = reasons.map(([reason, count]) => (reasons.length > 1 && count > 0 ? `${count} ${reason}` : reason));
    const text = lost === 0 ? parts.join('; ') : `${lost} ${what}${lost === 1 ? '' : 's'} lost: ${parts.join('; ')}`;
    const error = new Error(text);
    // The place where the error was made says nothing about the loss.
    delete error.stack;
    report({ stage: 'telemetry', error });
  }

  return {
    dropped(stopped = false) {
      counters.dropped++;
      note(stopped ? 'telemetry had stopped' : 'the export queue is full', 1);
    },
    failed(count, error) {
      counters.failed += count;
      note(`export failed: ${error instanceof Error ? error.message : String(error)}`, count);
    },
    accepted(count, rejected, message) {
      // A collector cannot reject more than was sent.
      const lost = Math.min(count, rejected);
      counters.exported += count - lost;
      counters.rejected += lost;
      if (lost > 0) note(`rejected by the collector: ${message === '' ? 'it gives no reason' : message}`, lost);
      else if (message !== '') note(`the collector says: ${message}`, 0);
    },
    tellRest() {
      clearTimeout(minute);
      minute = undefined;
      if (untold.size > 0) tell();
    },
  };
}
