// sidecar: parts from clients: last barriers, Close frames over a while, their answers (SPEC D10, D15).

import type { Connection } from '../connection/connection.ts';
import type { Resumption } from '../connection/resumption.ts';
import type { Session } from '../delivery/session.ts';
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
/**
 * Clients that are told to come again at once, and per second after that. Those of a large instance
 * are told faster where its time would not do, but evenly: all at once they would be a storm for
 * the other instances.
 */
const [AT_ONCE, PER_SECOND] = [100, 500];

export interface DrainDeps {
  readonly connections: ReadonlySet<Connection>;
  readonly resumption: Pick<Resumption, 'close'>;
  readonly tracker: Tracker;
  /** Deliveries in flight. */
  readonly pending: () => number;
  /** Whether the next process goes on with a session and what it has in flight. Default: with none. */
  readonly goesOn?: (session: Session) => boolean;
  /** Called when confirmations were waited for in vain. */
  unconfirmed(): void;
}

/**
 * Sends last barriers. Tells every client with Close 1012 to come again, one after the other, those
 * first that have nothing in flight; the others when their confirmations have come, or at
 * `confirmBy`. Reads their answers until `closeBy` (monotonic ms, both put off by standstills). A
 * delivery without an outcome then ends `failed: shutdown`.
 */
export async function drain(deps: DrainDeps, confirmBy: number, closeBy: number): Promise<void> {
  const { connections, resumption, tracker, pending, goesOn = () => false } = deps;
  const from = now();
  for (const connection of connections) connection.probe(from);
  const told = new WeakSet<Connection>();
  const tell = (connection: Connection): void => {
    told.add(connection);
    connection.close(SERVICE_RESTART, REASON, 'shutdown');
  };
  const pace = Math.max(PER_SECOND, (connections.size * 1000) / Math.max(1, confirmBy - from));
  let count = 0;
  /** Tells those that wait for nothing, as many as the pace allows by now. Answers whether all have been told. */
  const tellSome = (): boolean => {
    const most = AT_ONCE + ((now() - from) * pace) / 1000;
    let all = true;
    for (const connection of connections) {
      if (told.has(connection)) continue;
      const { session } = connection;
      if (count < most && (session.pending === 0 || goesOn(session))) {
        count++;
        tell(connection);
      } else all = false;
    }
    return all;
  };
  const { done } = await until(tellSome, confirmBy, from);
  if (!done && pending() > 0) deps.unconfirmed();
  const over = (): boolean => {
    // One that lost its client meanwhile is not waited for: none can come back.
    resumption.close(SERVICE_RESTART, REASON);
    // A handshake that was under way may still become a connection.
    for (const connection of connections) if (!told.has(connection)) tell(connection);
    return connections.size === 0;
  };
  const { at } = await until(over, closeBy, from);
  for (const connection of connections) connection.destroy(at);
  await until(() => connections.size === 0, now() + DESTROY_MS);
  tracker.shutdown(now(), ({ session }) => goesOn(session));
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
