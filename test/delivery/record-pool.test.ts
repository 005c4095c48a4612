// Records used again: a reused record is a new one in every field, and a record that somebody may still hold is never reused.
import { describe, expect, it } from 'vitest';
import { Delivery } from '../../src/delivery/record.ts';
import { RecordPool } from '../../src/delivery/record-pool.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { silentObserver } from '../support/silent-observer.ts';
import { facts, MUST_PROCESS, THINKING } from './harness.ts';

function track(history: number) {
  const session = new Session('s', new Owner('ada'));
  const store = createMemoryStore({ history });
  const limits = { pending: 1000, pendingPerUser: 1000 };
  const tracker = new Tracker({ store, observer: silentObserver, limits, now: 0, random: () => 0.5 });
  let ordinal = 0;
  const send = (type = THINKING, id = `evt-${ordinal + 1}`) =>
    tracker.track(session, { ...facts(type, id), traceparent: 'tp', run: 'r', tool: 't' }, ++ordinal, ordinal)!;
  return { session, store, tracker, send };
}

describe('spares', () => {
  it('a record that left the history becomes the next delivery, with every field as if it were new', () => {
    const { session, tracker, send } = track(1);
    const first = send();
    tracker.received(session, 1, 10);
    tracker.processed(session, 'evt-1', false, '', 11);
    expect([first.status, first.level, first.upgradedAt]).toEqual(['confirmed', 'processed', 11]);
    send(MUST_PROCESS, 'other');
    tracker.processed(session, 'other', false, '', 12);
    const third = send();
    expect(third).toBe(first);
    const { seq, ordinal, required, sentAt } = third;
    const fresh = new Delivery(
      seq,
      session,
      ordinal,
      { ...facts(THINKING, 'evt-3'), traceparent: 'tp', run: 'r', tool: 't' },
      required,
      sentAt,
    );
    for (const field of ['due', 'wheelSlot', 'queue', 'eventHash', 'eventMark'] as const) {
      expect(third[field]).not.toBe(fresh[field]);
      Object.assign(fresh, { [field]: third[field] });
    }
    expect(Object.entries(third)).toEqual(Object.entries(fresh));
  });

  it('a record that is used again tells nothing of the delivery that it was', () => {
    const [ada, bob] = ['ada', 'bob'].map((user) => new Session(user, new Owner(user)));
    const one = { ...facts(THINKING, 'e1'), run: 'r1', tool: 't1', toolCall: 'c1', traceparent: 'p1' };
    const other = { ...facts(MUST_PROCESS, 'e2'), run: 'r2', tool: 't2', toolCall: 'c2', traceparent: 'p2', bytes: 7 };
    const used = new Delivery(1, ada!, 2, one, 'received', 3);
    Object.assign(used, { status: 'confirmed', level: 'processed', receivedAt: 4, settledAt: 5, upgradedAt: 6 });
    Object.assign(used, { errorText: 'no', rejectedAt: 8, word: 'rejected', repeated: true });
    Object.assign(used, { span: {}, shownAs: 'a-b', binary: true, eventHash: 9, eventMark: 10 });
    used.reuse(11, bob!, 12, other, 'processed', 13);
    expect(Object.entries(used)).toEqual(Object.entries(new Delivery(11, bob!, 12, other, 'processed', 13)));
  });

  it('a record is not reused after an attempt, another outcome, or when somebody keeps it', () => {
    for (const spoil of [{ attempts: 2 }, { status: 'timeout' as const }, { kept: true }]) {
      const spares = new RecordPool();
      const session = new Session('s', new Owner('ada'));
      const left = new Delivery(1, session, 1, facts(), 'received', 0);
      Object.assign(left, { status: 'confirmed' }, spoil);
      spares.offer(left);
      expect(spares.take(2, session, 2, facts(), 'received', 0)).not.toBe(left);
    }
  });

  it('a store without history gives nothing back, because whoever settles still looks at the record', () => {
    const { session, tracker, send } = track(0);
    const first = send();
    tracker.received(session, 1, 10);
    expect(send()).not.toBe(first);
  });
});
