// A delivery that an earlier process left: what it was, it is again, and it goes on from there (SPEC P2).
import { describe, expect, test } from 'vitest';
import { type LeftDelivery, revive } from '../../src/delivery/restoring.ts';
import { facts, setUp, THINKING } from './harness.ts';

const LIMITS = {
  ...{ pending: 100, pendingPerUser: 100 },
  retention: { bytes: 1000, bytesPerSession: 1000, bytesPerUser: 1000 },
};

function world() {
  const base = setUp(LIMITS);
  const session = base.connect('ann');
  session.optedIn = session.resumable = true;
  session.lastOrdinal = 9;
  const restore = (n: number, left: Partial<LeftDelivery> = {}, message?: Uint8Array) => {
    const delivery = revive(session, {
      ...{ seq: 40 + n, ordinal: n, facts: facts(THINKING, `e${n}`), required: 'processed', sentAt: base.start - 5000 },
      ...{ receivedAt: 0, attempts: [], word: '', errorText: '', missed: false, shownAs: '', binary: false },
      ...left,
    });
    base.tracker.restore(delivery, message, base.start);
    return delivery;
  };
  return { ...base, session, restore };
}

describe('[P2] a delivery that goes on in another process', () => {
  test('is what it was, with its number, its times and what was known of it', () => {
    const { start, restore, session } = world();
    const sentAt = start - 5000;
    const word = { word: 'rejected', errorText: 'no', shownAs: 'a-b', binary: true } as const;
    const delivery = restore(1, { ...word, receivedAt: sentAt + 7 });
    expect(delivery).toMatchObject({ ...word, seq: 41, ordinal: 1, eventId: 'e1', required: 'processed', sentAt });
    expect(delivery).toMatchObject({ receivedAt: sentAt + 7, level: 'received', status: 'pending', attempts: 1 });
    expect([delivery.attemptLog, delivery.kept, delivery.queue]).toEqual([undefined, true, 'processed']);
    const plain = restore(2);
    expect([plain.level, plain.receivedAt, plain.queue, plain.word]).toEqual(['', 0, 'received', '']);
    expect(session.pending).toBe(2);
  });

  test('has the attempts that were made, and makes the ones that are left', () => {
    const { start, run, restore, recorder } = world();
    const sentAt = start - 5000;
    const delivery = restore(1, {
      attempts: [
        { kind: 'probe', at: sentAt + 1000, result: 'blocked' },
        { kind: 'probe', at: sentAt + 3500, result: 'sent' },
      ],
    });
    expect([delivery.status, delivery.attempts, delivery.attemptLog]).toEqual([
      ...['retrying', 3],
      [
        { kind: 'probe', number: 2, at: sentAt + 1000, delay: 1000, result: 'blocked' },
        { kind: 'probe', number: 3, at: sentAt + 3500, delay: 2500, result: 'sent' },
      ],
    ]);
    run(start, start + 24_900);
    // The third gap is 4 s, and counts from where this process took over.
    expect(recorder.attempts.map(({ number, at }) => [number, Math.abs(at - start - 4000) < 50])).toEqual([[4, true]]);
    expect(delivery.status).toBe('retrying');
    run(start + 24_900, start + 25_100);
    expect(delivery.status).toBe('timeout');
  });

  test('is confirmed by its ordinal, but one that its client missed by its event id alone (R6)', () => {
    const { tracker, start, session, restore } = world();
    const [sent, had, missed, also] = [
      restore(1),
      restore(2, { receivedAt: 1 }),
      restore(3, { missed: true }),
      restore(4, { missed: true, receivedAt: 1 }),
    ];
    expect([missed.queue, also.queue, session.missed?.size]).toEqual(['reemission', 'reemission', 2]);
    tracker.processedThrough(session, 9, [], start + 1);
    expect([sent.status, had.status, missed.status, also.status]).toEqual([
      ...['confirmed', 'confirmed', 'pending', 'pending'],
    ]);
    tracker.processed(session, 'e3', false, '', start + 2);
    expect([missed.status, also.status]).toEqual(['confirmed', 'pending']);
  });

  test('has its message, and is counted with it', () => {
    const { tracker, store, restore, session } = world();
    const message = new Uint8Array(30);
    const [kept, other] = [restore(1, {}, message), restore(2)];
    expect([kept.payload, other.payload, tracker.retention.bytes]).toEqual([message, undefined, 30]);
    expect([tracker.tracked, store.pending, session.owner.pending]).toEqual([2, 2, 2]);
  });

  test('ends with the copy that the earlier process had asked the backend for (R6)', () => {
    const { tracker, start, session, restore } = world();
    const asked = restore(1, { missed: true, attempts: [{ kind: 'reemit', at: start - 1, result: 'sent' }] });
    const copy = tracker.track(session, facts(THINKING, 'e1'), 10, start + 1)!;
    session.lastOrdinal = 10;
    tracker.processedThrough(session, 10, [], start + 2);
    expect([copy.status, asked.status]).toEqual(['confirmed', 'confirmed']);
  });

  test('was not the only one: a word may mean an event that left with the earlier process (D13)', () => {
    const { tracker, start, session } = world();
    session.owner.restored = true;
    session.lastOrdinal = 10;
    const sent = tracker.track(session, facts(THINKING, 'x'), 10, start + 1)!;
    expect([tracker.processed(session, 'x', false, '', start + 2), sent.status]).toEqual(['noted', 'pending']);
    tracker.received(session, 10, start + 3);
    expect([tracker.processed(session, 'x', false, '', start + 4), sent.status]).toEqual(['confirmed', 'confirmed']);
  });
});

test('[P7] a delivery that goes on elsewhere is gone from here, with its message, and has no outcome', () => {
  const { tracker, store, recorder, restore, session } = world();
  const [gone, stays] = [restore(1, {}, new Uint8Array(30)), restore(2)];
  tracker.handOver(gone);
  expect([tracker.tracked, store.pending, session.owner.pending, session.pending]).toEqual([1, 1, 1, 1]);
  expect([tracker.waiting, tracker.retention.bytes, gone.payload, gone.status]).toEqual([1, 0, undefined, 'pending']);
  expect([store.find(session, 'e1'), store.find(session, 'e2'), recorder.settledDeliveries]).toEqual([
    ...[undefined, stays, []],
  ]);
});
