// telemetry: shows what is still open as short spans, because a span itself is exported only at its end.
import type { Delivery } from '../../delivery/record.ts';

/**
 * An allowance: one extra span for a hundred deliveries, and one for each look. In an outage, when
 * everything stays open, the extra spans stay below 1 % all the same.
 */
const SHARE = 0.01;
const [FIRST, MOST] = [100, 1000];

export interface PendingDeps {
  /** How long a delivery or a connection is open before it is shown, ms; 0 = never. */
  readonly afterMs: number;
  /** Shows every delivery in flight, the newest first, until the visitor returns false. */
  eachOpen(visit: (delivery: Delivery) => boolean): void;
  /** Number of the latest delivery. */
  latest(): number;
  /** Shows the delivery. Returns false if it had been shown before. */
  show(delivery: Delivery, now: number): boolean;
  /** Shows connections that were opened by `due`, at most `most`. Returns how many. */
  showConnections(due: number, now: number, most: number): number;
}

/** Makes the look, which is called about once a second with monotonic ms. */
export function createPendingLook(deps: PendingDeps): (now: number) => void {
  let allowance = FIRST;
  let latest: number | undefined;
  return (now) => {
    if (deps.afterMs === 0) return;
    const number = deps.latest();
    allowance = Math.min(MOST, allowance + (number - (latest ?? number)) * SHARE + 1);
    latest = number;
    const due = now - deps.afterMs;
    allowance -= deps.showConnections(due, now, Math.floor(allowance));
    if (allowance < 1) return;
    deps.eachOpen((delivery) => {
      if (delivery.sentAt <= due && deps.show(delivery, now)) allowance--;
      return allowance >= 1;
    });
  };
}
