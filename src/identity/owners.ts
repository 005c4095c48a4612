// identity: one owner per user, shared by all of the user's sessions, so that limits and confirmations see them as one. Bounded by the sessions.
import { Owner } from '../delivery/session.ts';
import { readUser } from './user.ts';

/** A session as far as changing its owner goes. */
export interface Owned {
  owner: Owner;
  /** Its deliveries in flight: they count against the owner. */
  readonly pending: number;
  /** Bytes of messages kept for it: the same. */
  readonly retained: number;
}

export interface Owners {
  /** Users with a session now. */
  readonly size: number;
  /** Whether the user has as many connections as allowed. A request without a user is never full. */
  full(user: string | undefined): boolean;
  /** The owner for a new session; give it back with `release`. */
  acquire(user: string | undefined): Owner;
  /** A session of that owner is over: once for each. The last one lets the user be forgotten. */
  release(owner: Owner): void;
  /** A connection of the owner's opens. It counts even past the limit, until `disconnect`. */
  connect(owner: Owner): void;
  /** A connection that was counted is over. */
  disconnect(owner: Owner): void;
  /**
   * An event has told whose session it is: moves it, and what it has in flight, from nobody to that user. Does nothing if it has
   * a user, is over, or `user` cannot be one. `connected`: its connection counts.
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
  /** Owners without a user whose session lives: what is decoded after its end must not bring it back. */
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
      // Open already: it counts, even past the limit, which holds for the next one.
      if (connected) entryOf(to)!.connections++;
    },
    connections: (user) => entries.get(user)?.connections ?? 0,
  };
}
