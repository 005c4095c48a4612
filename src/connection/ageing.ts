// connection: ends connections in good order that are old or carry nothing (limits.connection_age, limits.idle).
import { onBeat, stillSince } from '../time/pulse.ts';

/** A connection as far as its age goes. */
export interface Ageing {
  /** Names the client's connection: another one that takes its place is as old as itself. */
  readonly id: string;
  readonly facts: { readonly openedAt: number };
  readonly session: { readonly pending: number };
  /** Data messages so far, both ways. */
  readonly traffic: number;
  /** Whether a client is there. */
  readonly attended: boolean;
  /** Has the client come again; false: not at this moment. */
  retire(code: number, reason: string): boolean;
  /** Whether bytes of the client may wait unread. */
  blind(now: number): boolean;
  /** Cuts the client off, as if its network had failed. */
  drop(at: number): void;
  close(code: number, reason: string): void;
}

export interface AgeingDeps {
  readonly connections: Iterable<Ageing>;
  /** How old a connection may grow, ms; 0 = as old as it likes. */
  readonly ageMs: number;
  /** How long a connection may carry no data message, ms; 0 = for ever. */
  readonly idleMs: number;
  now(): number;
  /** In [0, 1). */
  random(): number;
  /** Told of each that is ended, and why. */
  ended(why: 'age' | 'idle'): void;
}

/**
 * Share of the age by which connections end earlier, by chance: those that came together do not go
 * together.
 */
const SPREAD = 0.1;
/** Gap between two looks, ms. */
const LOOK_MS = 1000;
/**
 * How long it is tried to have the client of an old connection come again, ms. A message that is
 * under way may never end.
 */
const RETIRE_MS = 10_000;
/** RFC 6455 registry, "Service Restart": come again. §7.4.1, "going away". */
const [COME_AGAIN, GOING_AWAY] = [1012, 1001];

interface Seen {
  readonly id: string;
  /** From when on it may end, and when it must, monotonic ms. */
  readonly mayAt: number;
  readonly mustAt: number;
  traffic: number;
  movedAt: number;
  /** Whether its end has begun. */
  told: boolean;
}

/** Looks at every connection once a second. The result ends it. */
export function watchAge({ connections, ageMs, idleMs, now, random, ended }: AgeingDeps): () => void {
  if (ageMs === 0 && idleMs === 0) return () => {};
  const seen = new WeakMap<Ageing, Seen>();
  let next = now();
  return onBeat((at) => {
    if (at < next) return;
    next = at + LOOK_MS;
    for (const connection of connections) if (connection.attended) look(connection, at);
  });

  function look(connection: Ageing, at: number): void {
    const { id, traffic } = connection;
    let known = seen.get(connection);
    if (known === undefined || known.id !== id) {
      known = begin(connection, at);
      seen.set(connection, known);
    }
    if (known.told) return;
    if (known.traffic !== traffic) {
      known.traffic = traffic;
      known.movedAt = at;
    }
    const idle = idleMs > 0 && at - known.movedAt - stillSince(known.movedAt) >= idleMs;
    if (idle && connection.session.pending === 0) {
      known.told = true;
      ended('idle');
      connection.close(GOING_AWAY, 'nothing was sent for too long');
    } else if (at >= known.mustAt || (at >= known.mayAt && connection.session.pending === 0)) {
      known.told = connection.retire(COME_AGAIN, 'the connection is old');
      const tried = at - known.mustAt - stillSince(known.mustAt);
      if (!known.told && tried >= RETIRE_MS && !connection.blind(at)) {
        known.told = true;
        connection.drop(at);
      }
      if (known.told) ended('age');
    }
  }

  function begin({ id, facts, traffic }: Ageing, at: number): Seen {
    const mustAt = ageMs === 0 ? Number.POSITIVE_INFINITY : facts.openedAt + ageMs;
    const mayAt = mustAt - random() * SPREAD * ageMs;
    return { id, mayAt, mustAt, traffic, movedAt: at, told: false };
  }
}
