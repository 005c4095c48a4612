// identity: one owner per user, shared by the user's sessions, so that limits and confirmations see them as one.
import { Owner } from '../delivery/session.ts';
import { readUser } from './user.ts';

/** A session as far as a change of its owner goes. */
export interface Owned {
  owner: Owner;
  /** The owner before an event named the user. */
  formerOwner: Owner | undefined;
  /** The session's deliveries in flight, which count against the owner. */
  readonly pending: number;
  /** Bytes of messages kept for the session, which count against the owner. */
  readonly retained: number;
}

export interface Owners {
  /** Users with a session now. */
  readonly size: number;
  /**
   * Whether the user has as many connections as allowed. A request without a user is never full.
   */
  full(user: string | undefined): boolean;
  /** Returns the owner for a new session. Give it back with `release`. */
  acquire(user: string | undefined): Owner;
  /**
   * Notes that a session of that owner is over, once for each. After the last one the user is
   * forgotten.
   */
  release(owner: Owner): void;
  /**
   * Notes that a connection of the owner opens. It counts even past the limit, until `disconnect`.
   */
  connect(owner: Owner): void;
  /** Notes that a counted connection is over. */
  disconnect(owner: Owner): void;
  /**
   * Moves a session, and its deliveries in flight, to the user that an event named. Does nothing if
   * the session has a user or is over, or if `user` cannot be one. `connected`: the session's
   * connection counts.
   */
  adopt(session: Owned, user: string, connected: boolean): void;
  /** Open connections of the user. */
  connections(user: string): number;
}

interface Entry {
  readonly owner: Owner;
  sessions: number;
  connections: number;
}

/** `connectionsPerUser` ≥ 1; read each time, because a reload changes it. */
export function createOwners(limits: { readonly connectionsPerUser: number }): Owners {
  const entries = new Map<string, Entry>();
  /**
   * Owners without a user whose session lives. A message that is decoded after the session's end
   * must not bring it back.
   */
  const unnamed = new WeakSet<Owner>();

  function entryOf(owner: Owner): Entry | undefined {
    const entry = owner.user === undefined ? undefined : entries.get(owner.user);
    return entry?.owner === owner ? entry : undefined;
  }

  function acquire(user: string | undefined): Owner {
    if (user === undefined) {
      const nobody = new Owner(undefined);
      unnamed.add(nobody);
      return nobody;
    }
    let entry = entries.get(user);
    if (entry === undefined) {
      entry = { owner: new Owner(user), sessions: 0, connections: 0 };
      entries.set(user, entry);
    }
    entry.sessions++;
    return entry.owner;
  }

  return {
    get size() {
      return entries.size;
    },
    full: (user) => user !== undefined && (entries.get(user)?.connections ?? 0) >= limits.connectionsPerUser,
    acquire,
    release(owner) {
      unnamed.delete(owner);
      const entry = entryOf(owner);
      if (entry !== undefined && --entry.sessions === 0) entries.delete(owner.user!);
    },
    connect(owner) {
      const entry = entryOf(owner);
      if (entry !== undefined) entry.connections++;
    },
    disconnect(owner) {
      const entry = entryOf(owner);
      if (entry !== undefined && entry.connections > 0) entry.connections--;
    },
    adopt(session, user, connected) {
      const from = session.owner;
      const named = readUser(user);
      if (typeof named === 'string' || !unnamed.delete(from)) return;
      const to = acquire(named.user);
      to.pending += session.pending;
      from.pending -= session.pending;
      to.retained += session.retained;
      from.retained -= session.retained;
      session.owner = to;
      session.formerOwner = from;
      // The connection is open already. It counts even past the limit, which holds for the next
      // one.
      if (connected) entryOf(to)!.connections++;
    },
    connections: (user) => entries.get(user)?.connections ?? 0,
  };
}
