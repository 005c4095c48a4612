// identity: one owner per user, shared by all of the user's sessions, so that limits and confirmations see them as one. Bounded by the sessions.
import { Owner } from '../delivery/session.ts';
import { readUser } from './user.ts';

/** A session as far as changing its owner goes. */
export interface Owned {
  owner: Owner;
  /** Its deliveries in flight: they count against the owner. */
  readonly pending: number;
}

export interface Owners {
  /** Users with a session now. */
  readonly size: number;
  /** Connections refused because their user had enough, ever. */
  readonly refused: number;
  /** Whether the user has as many connections as allowed. A request without a user is never full. */
  full(user: string | undefined): boolean;
  /** The owner for a new session; give it back with `release`. */
  acquire(user: string | undefined): Owner;
  /** The session of that owner is over. The last one lets the user be forgotten. */
  release(owner: Owner): void;
  /** A connection of the owner's opens; false (and counted) = the user has enough, end it. */
  connect(owner: Owner): boolean;
  /** A connection that `connect` let in is over. */
  disconnect(owner: Owner): void;
  /** An event has told whose session it is: moves it, and what it has in flight, from nobody to that user. Does nothing if it has a user, or `user` cannot be one. */
  adopt(session: Owned, user: string, connected: boolean): void;
  /** Open connections of the user. */
  connections(user: string): number;
}

interface Entry {
  readonly owner: Owner;
  sessions: number;
  connections: number;
}

/** `connectionsPerUser` ≥ 1. */
export function createOwners({ connectionsPerUser }: { readonly connectionsPerUser: number }): Owners {
  const entries = new Map<string, Entry>();
  let refused = 0;

  function entryOf(owner: Owner): Entry | undefined {
    const entry = owner.user === undefined ? undefined : entries.get(owner.user);
    return entry?.owner === owner ? entry : undefined;
  }

  function acquire(user: string | undefined): Owner {
    if (user === undefined) return new Owner(undefined);
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
    get refused() {
      return refused;
    },
    full: (user) => user !== undefined && (entries.get(user)?.connections ?? 0) >= connectionsPerUser,
    acquire,
    release(owner) {
      const entry = entryOf(owner);
      if (entry !== undefined && --entry.sessions === 0) entries.delete(owner.user!);
    },
    connect(owner) {
      const entry = entryOf(owner);
      if (entry === undefined) return true;
      if (entry.connections >= connectionsPerUser) {
        refused++;
        return false;
      }
      entry.connections++;
      return true;
    },
    disconnect(owner) {
      const entry = entryOf(owner);
      if (entry !== undefined && entry.connections > 0) entry.connections--;
    },
    adopt(session, user, connected) {
      const from = session.owner;
      const named = readUser(user);
      if (from.user !== undefined || typeof named === 'string') return;
      const to = acquire(named.user);
      to.pending += session.pending;
      from.pending -= session.pending;
      session.owner = to;
      // Open already: it counts, even past the limit, which holds for the next one.
      if (connected) entryOf(to)!.connections++;
    },
    connections: (user) => entries.get(user)?.connections ?? 0,
  };
}
