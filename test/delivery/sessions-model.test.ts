// [D1] [D2] [R5] [R6] Random histories of a client that has opted in: drops, resumes, lies, lost and kept messages, a backend that may be asked again.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { propertyOptions } from '../support/seed.ts';
import { eventType, FakeLink, facts, Recorder, THINKING, TOOL } from './harness.ts';

const TYPES = [
  THINKING,
  TOOL,
  eventType('seen', 3, { confirm: 'received' }),
  eventType('short', 4, { timeoutMs: 400, attemptsMs: [50] }),
];
const START = 1_750_000_000_000;

const step = fc.record({
  what: fc.constantFrom(
    'send',
    'send',
    'send',
    'pong',
    'confirm',
    'also',
    'reject',
    'byId',
    'wait',
    'drop',
    'resume',
    'over',
  ),
  n: fc.nat(40),
});

test('sums hold at every step, nothing is kept for what has its outcome, and no word confirms what the client never got', () => {
  const property = fc.property(fc.array(step, { maxLength: 150 }), fc.boolean(), (steps, asks) => {
    const recorder = new Recorder();
    const store = createMemoryStore({ history: 8 });
    const retention = { bytes: 300, bytesPerSession: 200, bytesPerUser: 300 };
    const reemit = asks ? () => 'sent' as const : undefined;
    const limits = { pending: 30, pendingPerUser: 30, retention };
    const tracker = new Tracker({ store, observer: recorder, limits, now: START, random: () => 0.5, reemit });
    const session = new Session('s', new Owner('ann'));
    session.optedIn = true;
    session.resumable = true;
    const link = new FakeLink();
    session.link = link;
    const all: Delivery[] = [];
    /** Ordinals that have reached the client. */
    const got = new Set<number>();
    let now = START;
    const kept = () => all.reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0);

    for (const { what, n } of steps) {
      const last = session.lastOrdinal;
      const connected = session.link !== undefined;
      if (what === 'send') {
        session.lastOrdinal++;
        if (connected) got.add(session.lastOrdinal);
        const delivery = tracker.track(
          session,
          facts(TYPES[n % 4]!, n % 5 < 2 ? `e${n % 9}` : undefined),
          session.lastOrdinal,
          now,
        );
        if (delivery !== undefined) {
          all.push(delivery);
          if (n % 3 > 0) tracker.retention.keep(delivery, n, () => Buffer.alloc(n));
        }
      } else if (what === 'wait') for (const end = now + n * 20; now < end; now += 25) tracker.tick(now);
      else if (what === 'over' && n === 0) {
        tracker.ended(session, now);
        break;
      } else if (what === 'drop') tracker.disconnected(session, now);
      else if (what === 'resume' && !connected) {
        const from = Math.max(0, last - (n % 6));
        const replays = tracker.resumed(session, link, from, now);
        expect(replays.map(({ ordinal }) => ordinal)).toEqual(
          replays.map(({ ordinal }) => ordinal).sort((a, b) => a - b),
        );
        for (let ordinal = 1; ordinal <= from; ordinal++) got.add(ordinal);
        for (const { ordinal, payload } of replays) {
          expect(ordinal).toBeGreaterThan(from);
          expect(payload).toBeDefined();
          got.add(ordinal);
        }
      } else if (!connected) continue;
      else if (what === 'pong') tracker.received(session, Math.max(0, last - (n % 3)), now);
      else if (what === 'confirm')
        tracker.processedThrough(session, Math.max(0, last - (n % 5) + (n === 40 ? 9 : 0)), [], now);
      else if (what === 'also') tracker.processedThrough(session, 0, [Math.max(0, last - (n % 9))], now);
      else if (what === 'reject') tracker.rejected(session, Math.max(1, last - (n % 9)), 'no', now);
      else if (what === 'byId') tracker.processed(session, `e${n % 9}`, n % 2 === 0, '', now);

      const open = all.filter(({ status }) => status === 'pending' || status === 'retrying');
      expect(tracker.tracked).toBe(store.pending + tracker.settled);
      expect([session.pending, session.owner.pending, tracker.waiting]).toEqual([
        open.length,
        open.length,
        open.length,
      ]);
      expect([...(session.open?.keys() ?? [])].sort()).toEqual(open.map(({ ordinal }) => ordinal).sort());
      expect([tracker.retention.bytes, session.retained]).toEqual([kept(), kept()]);
      expect(all.filter(({ payload, settledAt }) => payload !== undefined && settledAt > 0)).toEqual([]);
      expect(kept()).toBeLessThanOrEqual(200);
      expect(recorder.settledDeliveries.length).toBe(tracker.settled);
    }
    tracker.shutdown(now);
    expect([store.pending, tracker.waiting, session.pending, tracker.retention.bytes]).toEqual([0, 0, 0, 0]);
    // What has no id can only be confirmed by its ordinal, and so only if the client had it.
    for (const { ordinal, status, eventId } of all) {
      if (eventId === undefined && !got.has(ordinal)) expect([ordinal, status]).not.toEqual([ordinal, 'confirmed']);
    }
  });
  fc.assert(property, propertyOptions(400));
});
