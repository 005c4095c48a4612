// What a CRITICAL event finds at a full limit: every less important delivery that is in flight (SPEC D7).
import { expect, test } from 'vitest';
import { eventType, facts, setUp, TOOL } from './harness.ts';

const LOW = eventType('low', 4, { priority: 'low' });

/** A tracker whose limit is filled to 80 % with LOW deliveries and then with CRITICAL ones. */
function full(limit: number) {
  const { tracker, connect, start, recorder } = setUp({ pending: limit, pendingPerUser: limit });
  const session = connect();
  let ordinal = 0;
  const send = (type: typeof LOW, count: number) =>
    Array.from({ length: count }, () => tracker.track(session, facts(type), ++ordinal, start)).filter(Boolean).length;
  const fill = () => [send(LOW, limit * 0.8), send(TOOL, limit * 0.2)];
  const confirmAll = () => tracker.received(session, ordinal, start);
  return { recorder, send, fill, confirmAll };
}

test('[D7] a burst of CRITICAL events takes the places of all LOW deliveries, however many', () => {
  const { send, fill, recorder } = full(5000);
  expect(fill()).toEqual([4000, 1000]);
  expect([send(TOOL, 4000), recorder.shedReasons]).toEqual([4000, []]);
  expect([send(TOOL, 1), recorder.shedReasons]).toEqual([0, ['pending']]);
});

test('[D7] a CRITICAL event takes the place of a LOW delivery that came after the last look found none', () => {
  const { send, fill, confirmAll } = full(10);
  fill();
  expect(send(TOOL, 9)).toBe(8);
  confirmAll();
  expect(fill()).toEqual([8, 2]);
  expect(send(TOOL, 8)).toBe(8);
});
