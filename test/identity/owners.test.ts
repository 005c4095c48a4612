// One owner per user while any session of the user lives; limits per user; nothing left behind.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createOwners, type Owned } from '../../src/identity/owners.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { facts } from '../support/deliveries.ts';
import { propertyOptions } from '../support/seed.ts';
import { silentObserver } from '../support/silent-observer.ts';

describe('owners', () => {
  it('are shared by the sessions of a user and forgotten with the last', () => {
    const owners = createOwners({ connectionsPerUser: 10 });
    const first = owners.acquire('u1');
    expect(owners.acquire('u1')).toBe(first);
    expect(owners.acquire('u2')).not.toBe(first);
    owners.release(first);
    expect(owners.acquire('u1')).toBe(first);
    owners.release(first);
    owners.release(first);
    expect(owners.size).toBe(1);
    expect(owners.acquire('u1')).not.toBe(first);
  });

  it('nobody is not a user: each session has an owner of its own, without limit', () => {
    const owners = createOwners({ connectionsPerUser: 1 });
    const [a, b] = [owners.acquire(undefined), owners.acquire(undefined)];
    expect(a).not.toBe(b);
    expect([owners.connect(a), owners.connect(a), owners.full(undefined)]).toEqual([true, true, false]);
    owners.disconnect(a);
    owners.release(a);
    expect(owners.size).toBe(0);
  });

  it('[D7] a user has so many connections; others are unaffected', () => {
    const owners = createOwners({ connectionsPerUser: 2 });
    const mine = owners.acquire('u1');
    expect([owners.connect(mine), owners.connect(mine)]).toEqual([true, true]);
    expect(owners.full('u1')).toBe(true);
    expect(owners.connect(mine)).toBe(false);
    expect(owners.refused).toBe(1);
    expect(owners.full('u2')).toBe(false);
    expect(owners.connect(owners.acquire('u2'))).toBe(true);
    owners.disconnect(mine);
    expect(owners.full('u1')).toBe(false);
    expect(owners.connect(mine)).toBe(true);
  });

  it('an owner that was given back changes nothing of the one that came after it', () => {
    const owners = createOwners({ connectionsPerUser: 1 });
    const old = owners.acquire('u1');
    owners.release(old);
    const fresh = owners.acquire('u1');
    owners.connect(fresh);
    owners.disconnect(old);
    owners.release(old);
    expect([owners.connections('u1'), owners.size]).toEqual([1, 1]);
  });
});

describe('a session whose user an event names', () => {
  function open() {
    const owners = createOwners({ connectionsPerUser: 1 });
    const limits = { pending: 100, pendingPerUser: 100 };
    const store = createMemoryStore({ history: 10 });
    const tracker = new Tracker({ store, observer: silentObserver, limits, now: 0, random: () => 0.5 });
    const session = new Session('s', owners.acquire(undefined));
    tracker.track(session, facts({ id: 'e-1' }), 1, 1);
    tracker.track(session, facts({ id: 'e-2' }), 2, 2);
    return { owners, tracker, session, store };
  }

  it('moves there with what it has in flight', () => {
    const { owners, tracker, session, store } = open();
    const before = session.owner;
    owners.adopt(session as Owned, ' u1 ', true);
    expect([session.user, session.owner.pending, before.pending]).toEqual(['u1', 2, 0]);
    expect(store.findForUser('u1', 'e-1')).toHaveLength(1);
    tracker.received(session, 2, 3);
    expect(session.owner.pending).toBe(0);
    expect([owners.connections('u1'), owners.full('u1')]).toEqual([1, true]);
    owners.disconnect(session.owner);
    owners.release(session.owner);
    expect(owners.size).toBe(0);
  });

  it('[D6] stays with the first, and with none that cannot be a user', () => {
    const { owners, session } = open();
    owners.adopt(session as Owned, 'a\nb', true);
    expect(session.user).toBeUndefined();
    owners.adopt(session as Owned, 'u1', true);
    owners.adopt(session as Owned, 'u2', true);
    expect([session.user, owners.size]).toEqual(['u1', 1]);
  });
});

it('[D7] random lives: counts never go wrong and nothing is left when all have gone', () => {
  const step = fc.record({ user: fc.constantFrom('a', 'b', undefined), out: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const owners = createOwners({ connectionsPerUser: 3 });
      const open = new Map<string | undefined, ReturnType<typeof owners.acquire>[]>();
      for (const { user, out } of steps) {
        const mine = open.get(user) ?? [];
        open.set(user, mine);
        if (out) {
          const owner = mine.pop();
          if (owner === undefined) continue;
          owners.disconnect(owner);
          owners.release(owner);
        } else {
          const owner = owners.acquire(user);
          const allowed = user === undefined || mine.length < 3;
          expect(owners.connect(owner)).toBe(allowed);
          if (allowed) mine.push(owner);
          else owners.release(owner);
        }
        if (user !== undefined) expect(owners.connections(user)).toBe(mine.length);
      }
      for (const mine of open.values()) {
        for (const owner of mine) {
          owners.disconnect(owner);
          owners.release(owner);
        }
      }
      expect(owners.size).toBe(0);
    }),
    propertyOptions(200),
  );
});
