// The end of a delivery: its message is there while its outcome is told, and gone and uncounted afterwards.
import { describe, expect, it } from 'vitest';
import type { Observer } from '../../src/delivery/ports.ts';
import type { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { facts, Recorder, THINKING } from './harness.ts';

const START = 1_750_000_000_000;
const MESSAGE = Buffer.from('{"type":"agent_thinking"}');

/** One delivery whose message is kept, on a connection that answers barriers. */
function keepOne(settled: (delivery: Delivery) => void) {
  const observer: Observer = Object.assign(new Recorder(), { settled });
  const store = createMemoryStore({ history: 10 });
  const limits = {
    pending: 10,
    pendingPerUser: 10,
    retention: { bytes: 1000, bytesPerSession: 1000, bytesPerUser: 1000 },
  };
  const tracker = new Tracker({ store, observer, limits, now: START, random: () => 0.5 });
  const session = new Session('s', new Owner('u'));
  tracker.received(session, 0, START);
  const delivery = tracker.track(session, facts(THINKING, 'e1'), 1, START)!;
  expect(tracker.retention.keep(delivery, MESSAGE.length, () => MESSAGE)).toBe(true);
  return { tracker, session, delivery };
}

const ENDS: Record<string, (tracker: Tracker, session: Session) => void> = {
  confirmed: (tracker, session) => tracker.received(session, 1, START + 5),
  timeout: (tracker) => {
    for (let now = START; now <= START + 31_000; now += 25) tracker.tick(now);
  },
  'failed, disconnected': (tracker, session) => tracker.disconnected(session, START + 5),
  'failed, shutdown': (tracker) => tracker.shutdown(START + 5),
};

describe.each(Object.entries(ENDS))('[D11] %s', (_, end) => {
  it('the observer still has the message; afterwards it is neither kept nor counted', () => {
    const seen: (Uint8Array | undefined)[] = [];
    const { tracker, session, delivery } = keepOne(({ payload }) => seen.push(payload));
    end(tracker, session);
    expect(seen).toEqual([MESSAGE]);
    expect(delivery.payload).toBeUndefined();
    expect([tracker.retention.bytes, session.retained]).toEqual([0, 0]);
  });

  it('an observer that throws keeps no bytes', () => {
    const { tracker, session, delivery } = keepOne(() => {
      throw new Error('an observer failed');
    });
    expect(() => end(tracker, session)).toThrow('an observer failed');
    expect(delivery.payload).toBeUndefined();
    expect([tracker.retention.bytes, session.retained]).toEqual([0, 0]);
  });
});
