// sidecar: logs limits that are reached on the hot path, where no line can be written: once a second (SPEC D7).
import type { Report } from '../delivery/ports.ts';

/** A counter that grows while a limit is reached. */
export interface LimitCount {
  /** The key of the limit as the operator knows it, and the effect beyond the limit. */
  readonly text: string;
  read(): number;
}

const EVERY_MS = 1000;

/**
 * Reports each limit whose counter has grown, at most once a second. The result ends the reports.
 */
export function startLimitLog(limits: readonly LimitCount[], report: Report): () => void {
  const last = limits.map((limit) => limit.read());
  const look = (): void => {
    limits.forEach((limit, i) => {
      const count = limit.read();
      const more = count - last[i]!;
      last[i] = count;
      if (more > 0) report({ stage: 'limit', error: new Error(`${limit.text}: ${more} in the last second`) });
    });
  };
  const timer = setInterval(look, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
