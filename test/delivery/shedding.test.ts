// What a CRITICAL event finds at a full limit: every less important delivery that is in flight (SPEC D7).
import { expect, test } from 'vitest';
import { eventType, facts, MUST_PROCESS, setUp, TOOL } from './harness.ts';

const LOW = eventType('low', 4, { priority: 'low' });

/** A tracker whose limit is filled to 80 % with LOW deliveries and then with CRITICAL ones. */
function full(limit: number, pending = limit) {
  const { tracker, connect, start, recorder } = setUp({ pending, pendingPerUser: limit });
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

test.each([
  ['in all', 10],
  ['of its user', 1000],
])(
  '[D7] a CRITICAL event takes the place of a LOW delivery that came after the last look found none, %s',
  (_, pending) => {
    const { send, fill, confirmAll } = full(10, pending);
    fill();
    expect(send(TOOL, 9)).toBe(8);
    confirmAll();
    expect(fill()).toEqual([8, 2]);
    expect(send(TOOL, 8)).toBe(8);
  },
);

test('[D7] at the limit of one user no delivery of another user gives way, also in a record that is used again', () => {
  const { tracker, connect, start } = setUp({ pending: 1000, pendingPerUser: 10 }, 1);
  const [ann, bob] = [connect('ann'), connect('bob')];
  let ordinal = 0;
  const send = (type: typeof LOW, count: number) =>
    Array.from({ length: count }, () => tracker.track(ann, facts(type), ++ordinal, start)!);
  const low = send(LOW, 8);
  send(TOOL, 3);
  expect(low[0]!.unverified).toBe('limit');
  // The second LOW delivery, which would be the next to give way, leaves the books.
  tracker.received(ann, 2, start);
  tracker.received(ann, 3, start);
  const other = tracker.track(bob, facts(LOW), 1, start)!;
  expect(other).toBe(low[1]);
  send(TOOL, 3);
  expect([other.status, low[3]!.unverified, ann.owner.pending, bob.owner.pending]).toEqual(['pending', 'limit', 10, 1]);
});

test('[D13] a word may be about an event that a limit shed: it proves nothing of a later one with its id', () => {
  const { tracker, connect, start, recorder } = setUp({ pending: 2, pendingPerUser: 2 });
  const session = connect('ann');
  for (const n of [1, 2]) tracker.track(session, facts(TOOL), n, start);
  expect([tracker.track(session, facts(LOW, 'x'), 3, start), recorder.shedReasons]).toEqual([undefined, ['pending']]);
  tracker.received(session, 3, start + 1);
  const later = tracker.track(session, facts(MUST_PROCESS, 'x'), 4, start + 2)!;
  expect(tracker.processed(session, 'x', false, '', start + 3)).toBe('noted');
  expect([later.repeated, later.status]).toEqual([true, 'pending']);
});
