// What every store must do, as one suite: named cases, and a model test that compares it with a naive reference.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventType } from '../../src/delivery/policy.ts';
import type { Store } from '../../src/delivery/ports.ts';
import { Delivery, isSettled } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { propertyOptions } from './seed.ts';

const type: EventType = {
  name: 'agent_started',
  index: 0,
  label: 'agent_started',
  policy: { priority: 'high', confirm: 'auto', timeoutMs: 30_000, attemptsMs: [1000, 2000, 4000] },
};

/** A delivery for store tests; time is its number. */
export function storedDelivery(seq: number, session: Session, eventId: string | undefined): Delivery {
  const none = undefined;
  const facts = { type, id: eventId, run: none, user: none, tool: none, toolCall: none, traceparent: none, bytes: 10 };
  return new Delivery(seq, session, seq, facts, 'received', seq);
}

/** Gives the delivery an outcome, then tells the store, as the tracker does. */
export function settleIn(store: Store, delivery: Delivery): Delivery | undefined {
  delivery.status = 'confirmed';
  return store.settle(delivery);
}

function seen(store: Store): Delivery[] {
  const all: Delivery[] = [];
  store.each((delivery) => {
    all.push(delivery);
    return true;
  });
  return all;
}

function newestPerSession(held: readonly Delivery[]): Delivery[] {
  const bySession = new Map<Session, Delivery>();
  for (const delivery of held) {
    const known = bySession.get(delivery.session);
    if (known === undefined || known.seq < delivery.seq) bySession.set(delivery.session, delivery);
  }
  return [...bySession.values()];
}

const bySeq = (a: Delivery, b: Delivery): number => b.seq - a.seq;
const names = (deliveries: readonly (Delivery | undefined)[]): string[] => deliveries.map((d) => d?.id ?? 'none');

/** The reference: two arrays, newest first, and a filter for every question. */
class Naive {
  inFlight: Delivery[] = [];
  history: Delivery[] = [];
  readonly capacity: number;
  constructor(capacity: number) {
    this.capacity = capacity;
  }
  add(delivery: Delivery): void {
    this.inFlight.unshift(delivery);
  }
  settle(delivery: Delivery): Delivery | undefined {
    this.inFlight = this.inFlight.filter((other) => other !== delivery);
    const left = this.capacity === 0 ? undefined : this.history[this.capacity - 1];
    this.history = [delivery, ...this.history].slice(0, this.capacity);
    return left;
  }
  get all(): Delivery[] {
    return [...this.inFlight, ...this.history];
  }
  of(eventId: string): Delivery[] {
    return this.all.filter((delivery) => delivery.eventId === eventId).sort(bySeq);
  }
}

function expectSame(store: Store, naive: Naive, sessions: readonly Session[], eventIds: readonly string[]): void {
  expect(store.pending).toBe(naive.inFlight.length);
  expect(store.recent).toBe(naive.history.length);
  expect(names(seen(store))).toEqual(names(naive.all));
  for (const eventId of eventIds) {
    const held = naive.of(eventId);
    expect(store.knows(eventId)).toBe(held.length > 0);
    expect(names(store.withEvent(eventId))).toEqual(names(held));
    for (const session of sessions) {
      const chain: Delivery[] = [];
      for (let twin = store.find(session, eventId); twin !== undefined; twin = twin.olderTwin) chain.push(twin);
      expect(names(chain)).toEqual(names(held.filter((delivery) => delivery.session === session)));
    }
    for (const user of new Set(sessions.map((session) => session.user)))
      if (user !== undefined)
        expect(names([...store.findForUser(user, eventId)].sort(bySeq))).toEqual(
          names(newestPerSession(held.filter((delivery) => delivery.session.user === user)).sort(bySeq)),
        );
  }
}

/** Checks that no delivery that left the store is reachable from one that is still in it. */
function expectNoGhosts(naive: Naive): void {
  const held = new Set(naive.all);
  for (const delivery of held)
    for (const neighbour of [delivery.storePrev, delivery.storeNext, delivery.olderTwin])
      if (neighbour !== undefined) expect(held.has(neighbour), `${delivery.id} keeps ${neighbour.id}`).toBe(true);
}

interface Step {
  /** 0–5: track an event; 6–9: settle one. */
  readonly act: number;
  readonly session: number;
  readonly event: number;
  readonly pick: number;
}

function playAgainstModel(store: Store, capacity: number, steps: readonly Step[]): void {
  const ada = new Owner('ada');
  const sessions = [
    new Session('s1', ada),
    new Session('s2', ada),
    new Session('s3', new Owner('bob')),
    new Session('s4', new Owner(undefined)),
  ];
  const eventIds = ['e1', 'e2', 'e3'];
  const naive = new Naive(capacity);
  let seq = 0;
  for (const step of steps) {
    if (step.act < 6) {
      // The fourth event has no id.
      const delivery = storedDelivery(++seq, sessions[step.session] as Session, eventIds[step.event]);
      store.add(delivery);
      naive.add(delivery);
    } else {
      const delivery = naive.inFlight[step.pick % Math.max(1, naive.inFlight.length)];
      if (delivery === undefined) continue;
      const left = settleIn(store, delivery);
      const leaves = naive.settle(delivery);
      // A store need not tell who left, but must never name a delivery that is still there.
      if (left !== undefined) expect(left).toBe(leaves);
    }
    expectSame(store, naive, sessions, eventIds);
    expectNoGhosts(naive);
  }
}

function modelTest(create: (history: number) => Store): void {
  it('answers like the naive reference after every step of any sequence', () => {
    const step = fc.record({
      act: fc.nat({ max: 9 }),
      session: fc.nat({ max: 3 }),
      event: fc.nat({ max: 3 }),
      pick: fc.nat({ max: 20 }),
    });
    const steps = fc.array(step, { maxLength: 60, size: 'max' });
    fc.assert(
      fc.property(fc.nat({ max: 6 }), steps, (capacity, sequence) =>
        playAgainstModel(create(capacity), capacity, sequence),
      ),
      propertyOptions(150),
    );
  });
}

function twinTests(create: (history: number) => Store): void {
  const session = new Session('s1', new Owner('ada'));

  it('the newest delivery of an event to a session is found first, older ones follow it', () => {
    const store = create(10);
    const first = storedDelivery(1, session, 'e');
    const second = storedDelivery(2, session, 'e');
    store.add(first);
    store.add(second);
    expect(store.find(session, 'e')).toBe(second);
    expect(second.olderTwin).toBe(first);
    expect(names(store.withEvent('e'))).toEqual(['d-2', 'd-1']);
  });

  it('a newer twin keeps its place when the older one leaves the history', () => {
    const store = create(1);
    const [older, newer, other] = [1, 2, 3].map((seq) => storedDelivery(seq, session, seq === 3 ? 'x' : 'e'));
    for (const delivery of [older, newer, other] as Delivery[]) store.add(delivery);
    settleIn(store, older as Delivery);
    settleIn(store, other as Delivery);
    expect(store.find(session, 'e')).toBe(newer);
    expect(newer?.olderTwin).toBeUndefined();
  });

  it('an older twin still in flight takes over when the newer one leaves the history', () => {
    const store = create(0);
    const older = storedDelivery(1, session, 'e');
    const newer = storedDelivery(2, session, 'e');
    store.add(older);
    store.add(newer);
    settleIn(store, newer);
    expect(store.find(session, 'e')).toBe(older);
    expect(newer.olderTwin).toBeUndefined();
    settleIn(store, older);
    expect(store.knows('e')).toBe(false);
  });
}

/**
 * Runs the contract on a store. `create(history)` makes an empty one that keeps that many settled
 * deliveries.
 */
export function storeContract(name: string, create: (history: number) => Store): void {
  describe(`store contract: ${name}`, () => {
    const ada = new Session('s1', new Owner('ada'));
    const bob = new Session('s2', new Owner('bob'));

    it('an empty store holds and knows nothing', () => {
      const store = create(5);
      expect([store.pending, store.recent, seen(store).length]).toEqual([0, 0, 0]);
      expect([store.knows('e'), store.find(ada, 'e'), store.get('d-1')]).toEqual([false, undefined, undefined]);
      expect([store.withEvent('e'), store.findForUser('ada', 'e')]).toEqual([[], []]);
    });

    it('[D6] one event to two users is found only by its own session and user', () => {
      const store = create(5);
      const toAda = storedDelivery(1, ada, 'e');
      const toBob = storedDelivery(2, bob, 'e');
      store.add(toAda);
      store.add(toBob);
      expect([store.find(ada, 'e'), store.find(bob, 'e')]).toEqual([toAda, toBob]);
      expect(store.findForUser('ada', 'e')).toEqual([toAda]);
      expect(store.findForUser('eve', 'e')).toEqual([]);
    });

    it('sessions without a user belong to no user, not to each other', () => {
      const store = create(5);
      store.add(storedDelivery(1, new Session('a', new Owner(undefined)), 'e'));
      store.add(storedDelivery(2, new Session('b', new Owner(undefined)), 'e'));
      expect(store.findForUser('undefined', 'e')).toEqual([]);
      expect(store.findForUser('', 'e')).toEqual([]);
    });

    it('[D1] what is settled moves from in flight to the history', () => {
      const store = create(5);
      const delivery = storedDelivery(1, ada, 'e');
      store.add(delivery);
      expect([store.pending, store.recent]).toEqual([1, 0]);
      settleIn(store, delivery);
      expect([store.pending, store.recent]).toEqual([0, 1]);
      expect(store.find(ada, 'e')).toBe(delivery);
    });

    it('lists what is in flight before what is recent, each newest first, and stops when told', () => {
      const store = create(3);
      const all = [1, 2, 3, 4, 5, 6].map((seq) => storedDelivery(seq, ada, undefined));
      for (const delivery of all) store.add(delivery);
      for (const delivery of all.slice(0, 4)) settleIn(store, delivery);
      expect(names(seen(store))).toEqual(['d-6', 'd-5', 'd-4', 'd-3', 'd-2']);
      let visits = 0;
      store.each((delivery) => ++visits < 3 && !isSettled(delivery));
      expect(visits).toBe(3);
    });

    it('finds a delivery by its own id, with and without an event id, and only by the exact spelling', () => {
      const store = create(2);
      const all = Array.from({ length: 40 }, (_, i) => storedDelivery(i + 1, ada, i % 2 === 0 ? 'e' : undefined));
      for (const delivery of all) store.add(delivery);
      settleIn(store, all[35] as Delivery);
      expect(store.get('d-10')).toBe(all[35]);
      expect(store.get('d-z')).toBe(all[34]);
      for (const wrong of ['d-Z', 'd-z ', 'd-0z', 'z', 'd-', 'd-15', 'e']) expect(store.get(wrong)).toBeUndefined();
    });

    it('keeps no outcome when the history is 0', () => {
      const store = create(0);
      const delivery = storedDelivery(1, ada, 'e');
      store.add(delivery);
      settleIn(store, delivery);
      expect([store.pending, store.recent, store.knows('e'), store.get('d-1')]).toEqual([0, 0, false, undefined]);
    });

    twinTests(create);
    modelTest(create);
  });
}
