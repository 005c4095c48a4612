// journal: the figures of one log: its writes, and how long the event loop has waited for them.

/** Duration from which a write counts as slow, ms: it held up the event loop. */
const SLOW_MS = 50;

/** Figures of a log since it was opened. */
export class LogCounters {
  writes = 0;
  bytes = 0;
  failures = 0;
  /** Slow writes, and the time that all of them took, ms. */
  slow = 0;
  slowMs = 0;

  /** Counts a write of so many bytes that took `ms`. */
  wrote(bytes: number, ms: number): void {
    this.writes++;
    this.bytes += bytes;
    if (ms <= SLOW_MS) return;
    this.slow++;
    this.slowMs += ms;
  }
}
