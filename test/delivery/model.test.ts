// [D1] [D2] Random histories of many sessions: the sums hold at every step and no outcome ever changes.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Delivery } from '../../src/delivery/record.ts';
import { OUTCOMES } from '../../src/delivery/words.ts';
import { propertyOptions } from '../support/seed.ts';
import { eventType, facts, MUST_PROCESS, setUp, THINKING, TOOL } from './harness.ts';

const TYPES = [THINKING, TOOL, MUST_PROCESS, eventType('short', 4, { timeoutMs: 300, attemptsMs: [50, 50] })];

const action = fc.record({
  what: fc.constantFrom(
    'track',
    'track',
    'track',
    'pong',
    'confirm',
    'reject',
    'wait',
    'disconnect',
    'undecoded',
    'decoded',
  ),
  session: fc.nat(3),
  n: fc.nat(30),
});

test('[D1] tracked = pending + settled at every step; [D2] outcomes are final and told once', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), fc.integer({ min: 1, max: 30 }), (actions, limit) => {
      const { tracker, connect, start, recorder, store } = setUp({ pending: limit, pendingPerUser: limit }, 8);
      const sessions = [connect('alice'), connect('alice'), connect('bob', false), connect(undefined, false)];
      const ordinals = [0, 0, 0, 0];
      const outcomes = new Map<Delivery, string>();
      let now = start;
      for (const { what, session: which, n } of actions) {
        const session = sessions[which]!;
        if (what === 'track')
          tracker.track(session, facts(TYPES[n % 4]!, n < 25 ? `e${n % 12}` : undefined), ++ordinals[which]!, now);
        else if (what === 'pong') tracker.received(session, Math.max(0, ordinals[which]! - (n % 4)), now);
        else if (what === 'confirm') tracker.processed(session, `e${n % 12}`, false, '', now);
        else if (what === 'reject') tracker.processed(session, `e${n % 12}`, true, 'no', now);
        else if (what === 'undecoded') session.undecoded = 1;
        else if (what === 'decoded') {
          session.undecoded = 0;
          tracker.decoded(session, now);
        } else if (what === 'disconnect') {
          tracker.disconnected(session, now);
          sessions[which] = connect(which < 2 ? 'alice' : undefined, n % 2 === 0);
          ordinals[which] = 0;
        } else for (const end = now + n * 40; now < end; now += 25) tracker.tick(now);

        expect(tracker.tracked).toBe(store.pending + tracker.settled);
        expect(tracker.settled).toBe(recorder.settledDeliveries.length);
        expect(tracker.waiting).toBe(store.pending);
        expect(store.recent).toBeLessThanOrEqual(8);
        expect(store.pending).toBeLessThanOrEqual(limit);
        for (const delivery of recorder.settledDeliveries) {
          const told = `${delivery.status} ${delivery.errorType} ${delivery.settledAt}`;
          expect(outcomes.get(delivery) ?? told).toBe(told);
          outcomes.set(delivery, told);
          expect(OUTCOMES).toContain(delivery.status);
          expect(delivery.errorType === '').toBe(delivery.status === 'confirmed' || delivery.status === 'unverifiable');
        }
        expect(outcomes.size).toBe(recorder.settledDeliveries.length);
      }
      tracker.shutdown(now);
      expect([store.pending, tracker.waiting]).toEqual([0, 0]);
      for (const session of sessions) expect([session.pending, session.owner.pending]).toEqual([0, 0]);
    }),
    propertyOptions(400),
  );
});
