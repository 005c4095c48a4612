// The memory store: the contract, and that memory is bounded by what is in flight and the history, measured on the heap.
import { queryObjects } from 'node:v8';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/delivery/ports.ts';
import { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { chosenSeed, createChance } from '../support/chance.ts';
import { settleIn, storeContract, storedDelivery } from '../support/store-contract.ts';

storeContract('memory', (history) => createMemoryStore({ history }));

/**
 * Events in all the ways that could leak: unique ids, no id, one id for ever, fan-outs; 50 stay in
 * flight throughout.
 */
function churn(store: Store, sessions: readonly Session[], rounds: number): void {
  const waiting: Delivery[] = [];
  for (let seq = 1; seq <= rounds; seq++) {
    const session = sessions[seq % sessions.length] as Session;
    const eventId = ['always the same', undefined, `unique ${seq}`, `fan-out ${seq >> 5}`][seq % 4];
    const delivery = storedDelivery(seq, session, eventId);
    store.add(delivery);
    waiting.push(delivery);
    // Not in order of sending: the middle one settles, so that twins leave in every order.
    if (waiting.length > 50) settleIn(store, waiting.splice(25, 1)[0] as Delivery);
  }
}

/** Deliveries on the heap after a full garbage collection. */
function alive(): number {
  return Number(queryObjects(Delivery, { format: 'count' }));
}

describe('memory store', () => {
  it('[D7] after 100,000 deliveries only those in flight and in the history are alive', () => {
    const sessions = Array.from({ length: 7 }, (_, i) => new Session(`s${i}`, new Owner(`u${i % 3}`)));
    const before = alive();
    const store = createMemoryStore({ history: 100 });
    churn(store, sessions, 100_000);
    expect([store.pending, store.recent]).toEqual([50, 100]);
    // A few may linger in registers and on the stack.
    expect(alive() - before).toBeLessThanOrEqual(150 + 5);
    expect(store.knows('unique 50002')).toBe(false);
  });

  it('one event id sent for ever to one session is found, ordered and forgotten', () => {
    const session = new Session('s', new Owner('ada'));
    const store = createMemoryStore({ history: 20_000 });
    for (let seq = 1; seq <= 60_000; seq++) {
      const delivery = storedDelivery(seq, session, 'e');
      store.add(delivery);
      settleIn(store, delivery);
    }
    expect(store.find(session, 'e')?.seq).toBe(60_000);
    expect(store.withEvent('e').map((delivery) => delivery.seq)).toEqual(
      Array.from({ length: 20_000 }, (_, i) => 60_000 - i),
    );
  });

  it.each([0, 3])('with a history of %i it tells of every settled delivery that leaves, once, in order', (history) => {
    const left: number[] = [];
    const store = createMemoryStore({ history, left: (delivery) => left.push(delivery.seq) });
    const session = new Session('s', new Owner('ada'));
    for (let seq = 1; seq <= 9; seq++) {
      const delivery = storedDelivery(seq, session, seq % 3 === 0 ? undefined : `e${seq % 2}`);
      store.add(delivery);
      settleIn(store, delivery);
    }
    expect(left).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].slice(0, 9 - history));
  });

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a history of %s', (history) => {
    expect(() => createMemoryStore({ history })).toThrow(RangeError);
  });

  it('[D13] notes an event that may have reached the client of a session before that session began, and no other', () => {
    const seed = chosenSeed();
    const chance = createChance(seed);
    const store = createMemoryStore({ history: 30 });
    const owners = ['ann', 'bob', 'carl', undefined].map((user) => new Owner(user));
    const sessions: Session[] = [];
    const sent: Delivery[] = [];
    const waiting: Delivery[] = [];
    for (let seq = 1; seq <= 20_000; seq++) {
      if (sessions.length === 0 || chance.next() < 0.1)
        sessions.unshift(new Session(`s${seq}`, chance.of(owners), '', chance.next() < 0.1 ? undefined : seq));
      const session = sessions[chance.between(0, Math.min(8, sessions.length - 1))] as Session;
      // A new id every so often: most are used by several sessions, one is used for ever.
      const delivery = storedDelivery(
        seq,
        session,
        chance.next() < 0.1 ? 'always' : `e${(seq >> 5) - chance.between(0, 2)}`,
      );
      const held = new Set([...store.withEvent(delivery.eventId as string)]);
      store.add(delivery);
      const could = (one: Delivery) =>
        one.eventId === delivery.eventId &&
        (session.user === undefined || one.session.user === undefined || one.session.user === session.user);
      const before = sent.filter(could);
      const must = before.some((one) => held.has(one) && one.session !== session && one.sentAt < session.began);
      const story = `seed ${seed}, ${delivery.eventId} to ${session.key}`;
      if (must) expect(delivery.repeated, story).toBe(true);
      if (delivery.repeated)
        expect(
          before.some((one) => !held.has(one) || one.sentAt < session.began),
          story,
        ).toBe(true);
      sent.push(delivery);
      waiting.push(delivery);
      if (sent.length > 2000) sent.shift();
      while (waiting.length > 10) settleIn(store, waiting.splice(chance.between(0, 9), 1)[0] as Delivery);
    }
  });
});
