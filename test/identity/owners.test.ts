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
    owners.connect(a);
    owners.connect(a);
    expect(owners.full(undefined)).toBe(false);
    owners.disconnect(a);
    owners.release(a);
    expect(owners.size).toBe(0);
  });

  it('[D7] a user has so many connections; others are unaffected', () => {
    const owners = createOwners({ connectionsPerUser: 2 });
    const mine = owners.acquire('u1');
    const fill = [];
    for (let n = 0; n < 4; n++) {
      fill.push(owners.full('u1'));
      owners.connect(mine);
    }
    expect(fill).toEqual([false, false, true, true]);
    expect([owners.full('u2'), owners.connections('u1')]).toEqual([false, 4]);
    for (let n = 4; n > 2; n--) owners.disconnect(mine);
    expect(owners.full('u1')).toBe(true);
    owners.disconnect(mine);
    expect(owners.full('u1')).toBe(false);
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
    session.retained = before.retained = 30;
    owners.adopt(session as Owned, 'u1', true);
    expect([session.user, session.owner.pending, before.pending]).toEqual(['u1', 2, 0]);
    expect(session.formerOwner).toBe(before);
    expect([session.owner.retained, before.retained]).toEqual([30, 0]);
    expect(store.findForUser('u1', 'e-1')).toHaveLength(1);
    tracker.received(session, 2, 3);
    expect(session.owner.pending).toBe(0);
    expect([owners.connections('u1'), owners.full('u1')]).toEqual([1, true]);
    owners.disconnect(session.owner);
    owners.release(session.owner);
    expect(owners.size).toBe(0);
  });

  it('does not come back by what is decoded after its end, nor counts a connection that is not there', () => {
    const { owners, session } = open();
    owners.adopt(session as Owned, 'u1', false);
    expect([owners.connections('u1'), owners.size]).toEqual([0, 1]);
    const over = open();
    over.owners.release(over.session.owner);
    over.owners.adopt(over.session as Owned, 'u1', false);
    expect([over.session.user, over.owners.size]).toEqual([undefined, 0]);
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
  const step = fc.record({
    act: fc.constantFrom('open', 'open', 'close', 'adopt'),
    user: fc.constantFrom('a', 'b', undefined),
    at: fc.nat(20),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const owners = createOwners({ connectionsPerUser: 3 });
      const live: Owned[] = [];
      const end = (session: Owned): void => {
        owners.disconnect(session.owner);
        owners.release(session.owner);
      };
      for (const { act, user, at } of steps) {
        const index = at % Math.max(1, live.length);
        if (act === 'open') {
          const session: Owned = { owner: owners.acquire(user), formerOwner: undefined, pending: 0, retained: 0 };
          owners.connect(session.owner);
          live.push(session);
        } else if (act === 'adopt') {
          if (live[index] !== undefined && user !== undefined) owners.adopt(live[index], user, true);
        } else for (const session of live.splice(index, 1)) end(session);
        for (const name of ['a', 'b']) {
          const mine = live.filter(({ owner }) => owner.user === name);
          expect(owners.connections(name)).toBe(mine.length);
          expect(owners.full(name)).toBe(mine.length >= 3);
          expect(new Set(mine.map(({ owner }) => owner)).size).toBeLessThanOrEqual(1);
        }
        expect(owners.size).toBe(new Set(live.map(({ owner }) => owner.user).filter((name) => name)).size);
      }
      for (const session of live) end(session);
      expect(owners.size).toBe(0);
    }),
    propertyOptions(200),
  );
});
