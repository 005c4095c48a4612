// Evidence of a client while others may have its session: when it counts, for which deliveries, and what ends meanwhile.
import { describe, expect, it } from 'vitest';
import { Fence, tellReceived, tellWords } from '../../src/connection/fence.ts';
import type { SessionConnection } from '../../src/connection/session-connection.ts';
import type { Delivery } from '../../src/delivery/record.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { FACTS, openSession } from '../support/bare-connection.ts';
import { facts } from '../support/deliveries.ts';
import { fakeTimers } from '../support/fake-timers.ts';

/** A fenced session with messages 1 to 3; the last one was sent after the lease had run out. */
function fenced() {
  fakeTimers();
  const handedOver: Delivery[] = [];
  const tracker = new Tracker({
    ...{ store: createMemoryStore({ history: 10 }), now: 1, random: () => 0.5 },
    observer: { handedOver: (delivery) => void handedOver.push(delivery) },
    limits: { pending: 10, pendingPerUser: 10 },
  });
  const opening = openSession(tracker);
  const { resumable } = opening;
  const { session } = resumable;
  const did: string[] = [];
  const connection: SessionConnection = {
    ...{ id: 'c', facts: FACTS, messages: 0, attended: true, rejoinable: false, answerable: true },
    // As that of a connection: what waits holds deadlines up.
    blind: () => resumable.fence !== undefined,
    ...{ probe: () => 'sent', resend: () => 'sent', sendMessage() {}, rejoin() {}, close() {}, yieldPlace() {} },
    replaceBy: (code) => void did.push(`closed ${code}`),
  };
  opening.begin(connection);
  session.link = connection;
  const sent = [10, 20, 90].map((at, i) => {
    session.lastOrdinal = i + 1;
    return tracker.track(session, facts({ id: `e-${i + 1}` }), i + 1, at)!;
  });
  const fence = new Fence();
  resumable.fence = fence;
  const says = (message: object, now: number): void => {
    const text = Buffer.from(JSON.stringify(message));
    expect(resumable.clientText(connection, text, 0, text.length, now, false)).toBe(true);
  };
  const statuses = () => sent.map(({ status }) => status);
  return { tracker, resumable, session, connection, fence, sent, statuses, says, handedOver, did };
}

describe('[P8] evidence while others may have the session', () => {
  it('counts when the session is back, at the time at which it came', () => {
    const { tracker, resumable, session, fence, sent, statuses, says } = fenced();
    tellReceived(tracker, session, 1, 100, fence);
    tellWords(tracker, session, { eventId: 'e-1', rejected: false, error: '' }, 110, fence);
    says({ ackspan: 'confirm', through: 2, s: 1 }, 120);
    expect([statuses(), resumable.heard]).toEqual([['pending', 'pending', 'pending'], 0]);
    resumable.openFence();
    expect([statuses(), resumable.heard]).toEqual([['confirmed', 'confirmed', 'pending'], 1]);
    expect(sent.map(({ receivedAt, settledAt }) => [receivedAt, settledAt])).toEqual([
      [100, 110],
      [0, 120],
      [0, 0],
    ]);
  });

  it('that came before the deadline proves a delivery whose deadline passes meanwhile', () => {
    const { tracker, resumable, session, statuses, says } = fenced();
    session.capability = 'processed';
    says({ ackspan: 'confirm', through: 2, s: 1 }, 120);
    for (let now = 1000; now <= 60_000; now += 1000) tracker.tick(now);
    expect(tracker.settled).toBe(0);
    resumable.openFence();
    for (let now = 61_000; now <= 62_000; now += 250) tracker.tick(now);
    expect(statuses()).toEqual(['confirmed', 'confirmed', 'timeout']);
  });

  it('says nothing of what goes on elsewhere, where the session stays there; what was sent here alone ends here', () => {
    const { tracker, resumable, session, fence, sent, says, handedOver, did } = fenced();
    says({ ackspan: 'confirm', through: 3, s: 1 }, 120);
    tellReceived(tracker, session, 3, 130, fence);
    resumable.leave(4409, 'replaced', { told() {}, elsewhere: ({ sentAt }) => sentAt <= 80, why: 'disconnected' });
    expect(handedOver).toEqual(sent.slice(0, 2));
    expect(sent[2]).toMatchObject({ status: 'confirmed', level: 'processed', settledAt: 120 });
    expect([tracker.tracked, tracker.settled, did]).toEqual([1, 1, ['closed 4409']]);
  });

  it('without a word, what was sent here alone is not called lost: its client could still have answered', () => {
    const { resumable, session, sent } = fenced();
    session.capability = 'processed';
    resumable.leave(4409, 'replaced', { told() {}, elsewhere: ({ sentAt }) => sentAt <= 80, why: 'disconnected' });
    expect(sent[2]).toMatchObject({ status: 'unverifiable', unverified: 'client_left' });
  });

  it('waits with the session, where the client closes for good meanwhile', () => {
    const { tracker, resumable, session, statuses, says } = fenced();
    says({ ackspan: 'confirm', through: 3, s: 1 }, 120);
    resumable.closed('client', 1000, undefined, 130);
    tracker.disconnected(session, 130);
    expect([resumable.waits, statuses()]).toEqual([true, ['pending', 'pending', 'pending']]);
    resumable.openFence();
    expect(statuses()).toEqual(['confirmed', 'confirmed', 'confirmed']);
  });

  it('counts before the end, where the session ends here all the same', () => {
    const { resumable, statuses, says } = fenced();
    says({ ackspan: 'confirm', through: 2, s: 1 }, 120);
    resumable.expire('expired');
    expect(statuses()).toEqual(['confirmed', 'confirmed', 'failed']);
  });

  it('beyond 10,000 pieces counts at once', () => {
    const fence = new Fence();
    let told = 0;
    for (let i = 0; i < 10_002; i++) fence.hold(() => told++);
    expect(told).toBe(2);
    fence.open();
    expect([told, fence.holds]).toEqual([10_002, false]);
  });
});
