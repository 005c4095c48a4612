// sidecar: how a sidecar parts from its clients: last barriers, Close frames, their answers (SPEC D10, D15).

import type { Connection } from '../connection/connection.ts';
import type { Resumption } from '../connection/resumption.ts';
import type { Delivery } from '../delivery/record.ts';
import type { Tracker } from '../delivery/tracker.ts';
import { now } from '../time/clock.ts';
import { stillSince } from '../time/pulse.ts';

/** RFC 6455 registry, "Service Restart". */
export const SERVICE_RESTART = 1012;
const REASON = 'service restart';
/** Gap between two looks whether a wait is over, ms. */
const LOOK_MS = 10;
/** How long the sockets that are destroyed in the end may take to close, ms. */
const DESTROY_MS = 200;

export interface DrainDeps {
  readonly connections: ReadonlySet<Connection>;
  readonly resumption: Pick<Resumption, 'close'>;
  readonly tracker: Tracker;
  /** Deliveries in flight. */
  readonly pending: () => number;
  /** Whether the next process goes on with a delivery that has no outcome. Default: with none. */
  readonly staysOpen?: (delivery: Delivery) => boolean;
  /** Called when confirmations were waited for in vain. */
  unconfirmed(): void;
}

/**
 * Sends last barriers and waits for confirmations until `confirmBy`. Then sends every client Close
 * 1012 and reads their answers until `closeBy` (monotonic ms, both put off by standstills). A
 * delivery without an outcome then ends `failed: shutdown`.
 */
export async function drain(deps: DrainDeps, confirmBy: number, closeBy: number): Promise<void> {
  const { connections, resumption, tracker, pending } = deps;
  const from = now();
  for (const connection of connections) connection.probe(from);
  if (!(await until(() => pending() === 0, confirmBy, from)).done) deps.unconfirmed();
  resumption.close(SERVICE_RESTART, REASON);
  const told = new WeakSet<Connection>();
  const over = (): boolean => {
    // A handshake that was under way may still become a connection.
    for (const connection of connections) {
      if (told.has(connection)) continue;
      told.add(connection);
      connection.close(SERVICE_RESTART, REASON, 'shutdown');
    }
    return connections.size === 0;
  };
  const { at } = await until(over, closeBy, from);
  for (const connection of connections) connection.destroy(at);
  await until(() => connections.size === 0, now() + DESTROY_MS);
  tracker.shutdown(now(), deps.staysOpen);
}

/**
 * How a wait ended: with its condition, or with its time. Bytes that had reached a socket by `at`
 * (monotonic ms) have been read.
 */
export interface Waited {
  readonly done: boolean;
  readonly at: number;
}

/**
 * Waits until `done()` or the time `end`, without standstills since `from`. Bytes that have reached
 * a socket by then are read first.
 */
export async function until(done: () => boolean, end: number, from = now()): Promise<Waited> {
  const over = () => now() - stillSince(from) >= end;
  for (;;) {
    const at = now();
    if (done()) return { done: true, at };
    if (over()) {
      // A standstill that has just ended is noticed in this turn too, and puts the end off.
      await new Promise((resolve) => setImmediate(resolve));
      if (done()) return { done: true, at };
      if (over()) return { done: false, at };
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
