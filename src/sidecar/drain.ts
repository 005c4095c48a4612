// sidecar: parts from clients: last barriers, Close frames over a while, their answers (SPEC D10, D15).

import type { Connection } from '../connection/connection.ts';
import type { Resumption } from '../connection/resumption.ts';
import type { Session } from '../delivery/session.ts';
import type { Tracker } from '../delivery/tracker.ts';
import { now } from '../time/clock.ts';
import { stillSince } from '../time/pulse.ts';

/** RFC 6455 registry, "Service Restart". */
export const SERVICE_RESTART = 1012;
export const SERVICE_RESTART_REASON = 'service restart';
/** Gap between two looks whether a wait is over, ms. */
const LOOK_MS = 10;
/**
 * How long the sockets that are destroyed in the end may take to close, ms. They close in one turn
 * of the event loop, or after what lay unread (`UNREAD_MS` of the relay), and a turn of a process
 * that is short of its processor is long.
 */
const DESTROY_MS = 1000;
/**
 * Clients that are told to come again at once, and per second after that. Those of a large instance
 * are told faster where its time would not do, but evenly: all at once they would be a storm for
 * the other instances.
 */
const PACE: Pace = { atOnce: 100, perSecond: 500 };

interface Pace {
  readonly atOnce: number;
  readonly perSecond: number;
}

export interface DrainDeps {
  readonly connections: ReadonlySet<Connection>;
  readonly resumption: Pick<Resumption, 'close'>;
  readonly tracker: Tracker;
  /** Deliveries in flight. */
  readonly pending: () => number;
  /**
   * Whether the next process goes on with a session and what it has in flight. Default: with none.
   */
  readonly goesOn?: (session: Session) => boolean;
  /** Upstream connections of clients that are away may still bring messages. Default: none. */
  readonly parked?: { readonly count: number };
  /** Handshakes under way: each may still become a connection. Default: none. */
  readonly handshaking?: () => number;
  /** A test has fewer clients. */
  readonly pace?: Pace;
  /** Called when confirmations were waited for in vain. */
  unconfirmed(): void;
}

/**
 * Sends last barriers. Tells every client with Close 1012 to come again, one after the other, those
 * first that have nothing in flight; the others when their confirmations have come, or at
 * `confirmBy`, or in the second half of that time where they are many. Reads their answers until
 * `closeBy` (monotonic ms, both put off by standstills since `from`, when the stop was decided). A
 * delivery without an outcome then ends `failed: shutdown`, dated at that decision.
 */
export async function drain(deps: DrainDeps, confirmBy: number, closeBy: number, from = now()): Promise<void> {
  const { connections, resumption, tracker, pending, goesOn = () => false, pace = PACE } = deps;
  const { parked = { count: 0 }, handshaking = () => 0 } = deps;
  const begun = now() - stillSince(from);
  for (const connection of connections) connection.probe(now());
  const told = new WeakSet<Connection>();
  const tell = (connection: Connection): void => {
    told.add(connection);
    connection.close(SERVICE_RESTART, SERVICE_RESTART_REASON, 'shutdown');
  };
  const perSecond = Math.max(pace.perSecond, (connections.size * 1000) / Math.max(1, confirmBy - begun));
  const mayWait = thinOut(begun + (confirmBy - begun) / 2, confirmBy, pace.atOnce);
  let count = 0;
  let forced = false;
  /**
   * Tells those that wait for nothing, as many as the pace allows by now. Answers whether all have
   * been told.
   */
  const tellSome = (): boolean => {
    const at = now() - stillSince(from);
    const most = pace.atOnce + ((at - begun) * perSecond) / 1000;
    const busy: Connection[] = [];
    let all = true;
    for (const connection of connections) {
      if (told.has(connection)) continue;
      const { session } = connection;
      if (session.pending > 0 && !goesOn(session)) busy.push(connection);
      else if (count < most) {
        count++;
        tell(connection);
      } else all = false;
    }
    const over = busy.splice(0, busy.length - mayWait(at, busy.length));
    for (const connection of over) tell(connection);
    forced ||= over.length > 0;
    return all && busy.length === 0;
  };
  const { done } = await until(tellSome, confirmBy, from);
  if ((!done || forced) && pending() > 0) deps.unconfirmed();
  const over = (): boolean => {
    // One that lost its client meanwhile is not waited for: none can come back.
    resumption.close(SERVICE_RESTART, SERVICE_RESTART_REASON, from);
    // A handshake that was under way may still become a connection.
    for (const connection of connections) if (!told.has(connection)) tell(connection);
    return connections.size === 0 && parked.count === 0 && handshaking() === 0;
  };
  const { at } = await until(over, closeBy, from);
  for (const connection of connections) connection.destroy(at);
  await until(() => connections.size === 0, now() - stillSince(from) + DESTROY_MS, from);
  // A session whose connection has ended just now has begun to wait, and the store may have failed
  // since others were left to the next process.
  resumption.close(SERVICE_RESTART, SERVICE_RESTART_REASON, at, true);
  tracker.shutdown(at, ({ session }) => goesOn(session));
}

/**
 * How many of so many clients may still wait for confirmations: all until `half`, then ever fewer,
 * so that no more than `last` are left to be told together at `end`.
 */
function thinOut(half: number, end: number, last: number): (at: number, waiting: number) => number {
  let peak = 0;
  return (at, waiting) => {
    if (at <= half) return waiting;
    peak ||= waiting;
    return Math.min(waiting, Math.max(last, Math.ceil((peak * (end - at)) / (end - half))));
  };
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
