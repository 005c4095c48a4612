// After any random history the index that follows from what the journal was told is the one in memory. Connections play their part in test/simulation.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ObserverList } from '../../src/delivery/observers.ts';
import { isSettled } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { eventType, FakeLink, facts, Recorder, THINKING, TOOL } from '../delivery/harness.ts';
import { type LiveSession, Rebuilt, recordJournal } from '../support/recorded-journal.ts';
import { propertyOptions } from '../support/seed.ts';

const TYPES = [
  THINKING,
  TOOL,
  eventType('seen', 3, { confirm: 'received' }),
  eventType('short', 4, { timeoutMs: 400 }),
];
const START = 1_750_000_000_000;
const STEPS = ['send', 'send', 'send', 'pong', 'confirm', 'also', 'reject', 'byId', 'wait', 'drop', 'resume', 'over'];
const step = fc.record({ what: fc.constantFrom(...STEPS), n: fc.nat(40), who: fc.nat(3) });

test('after any random history, rebuild = original', () => {
  const property = fc.property(fc.array(step, { maxLength: 200 }), fc.boolean(), (steps, asks) => {
    const recorded = recordJournal();
    const { journal } = recorded;
    const rebuilt = new Rebuilt();
    const recorder = new Recorder();
    const store = createMemoryStore({ history: 8 });
    const retention = { bytes: 300, bytesPerSession: 200, bytesPerUser: 300 };
    const limits = { pending: 30, pendingPerUser: 30, retention };
    const observer = new ObserverList([recorder, journal.steps]);
    const reemit = asks ? () => 'sent' as const : undefined;
    const tracker = new Tracker({ store, observer, limits, now: START, random: () => 0.5, reemit });
    // Two that their clients may come back to, of one user; and two that end with their connection.
    const sessions = [0, 1, 2, 3].map((i) => new Session(`s${i}`, new Owner(i < 2 ? 'ann' : undefined)));
    const live: LiveSession[] = sessions.slice(0, 2).map((session) => {
      session.optedIn = session.resumable = true;
      journal.opened(session);
      return { session, user: 'ann', serial: 0, used: 0, heard: 0 };
    });
    for (const session of sessions) session.link = new FakeLink();
    let now = START;

    for (const { what, n, who } of steps) {
      const session = sessions[who]!;
      const connected = session.link !== undefined;
      const last = session.lastOrdinal;
      if (what === 'send') {
        session.lastOrdinal++;
        const id = n % 5 < 2 ? `e${n % 9}` : undefined;
        const delivery = tracker.track(session, facts(TYPES[n % 4], id), session.lastOrdinal, now);
        const open = delivery !== undefined && !isSettled(delivery);
        if (open && session.optedIn && n % 3 > 0) tracker.retention.keep(delivery, n, () => Buffer.alloc(n, n));
        if (open) journal.tracked(delivery);
        else if (session.resumable) journal.counted(session, session.lastOrdinal);
        if (open && !connected && !session.resumable) tracker.unsent(delivery, 'disconnected', now);
      } else if (what === 'wait') for (const end = now + n * 20; now < end; now += 25) tracker.tick(now);
      else if (what === 'over' && n < 4) {
        if (session.resumable) {
          tracker.ended(session, now);
          journal.ended(session);
        } else tracker.disconnected(session, now);
      } else if (what === 'drop') tracker.disconnected(session, now);
      else if (what === 'resume' && !connected && session.resumable)
        tracker.resumed(session, new FakeLink(), Math.max(0, last - (n % 6)), now);
      else if (what === 'resume') session.link ??= new FakeLink();
      else if (!connected) continue;
      else if (what === 'pong') tracker.received(session, Math.max(0, last - (n % 3)), now);
      else if (what === 'byId') tracker.processed(session, `e${n % 9}`, n % 2 === 0, '', now);
      else if (!session.optedIn) continue;
      else if (what === 'confirm') tracker.processedThrough(session, Math.max(0, last - (n % 5)), [], now);
      else if (what === 'also') tracker.processedThrough(session, 0, [Math.max(0, last - (n % 9))], now);
      else if (what === 'reject') tracker.rejected(session, Math.max(1, last - (n % 9)), 'no', now);
      for (const { session: each } of live) if (each.resumable) journal.shown(each);
      // Whatever is still in flight has been for long enough.
      journal.look(now);
      expect(rebuilt.differences(recorded.entries, store, live)).toEqual([]);
      expect(rebuilt.agrees(recorded.entries, store, live)).toBe(true);
    }
    tracker.shutdown(now);
    expect(rebuilt.differences(recorded.entries, store, live)).toEqual([]);
    const told = new Set(recorded.entries.flatMap((each) => (each.kind === 'tracked' ? [each.delivery.seq] : [])));
    expect([rebuilt.image.open.size, rebuilt.outcomes.size]).toEqual([0, told.size]);
    for (const { seq, status } of recorder.settledDeliveries)
      if (told.has(seq)) expect(rebuilt.outcomes.get(seq)!.map((each) => each.status)).toEqual([status]);
  });
  fc.assert(property, propertyOptions(300));
});
