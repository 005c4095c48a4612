// Evidence behind an outcome is counted, each time for the deliveries that it is about, and for each of them once (SPEC D2).
import { expect, test } from 'vitest';
import { facts, MUST_PROCESS, setUp, THINKING } from './harness.ts';

test('[D2] of several that ended without evidence, each is late when its own evidence comes', () => {
  const { tracker, connect, start, run, recorder } = setUp();
  const session = connect();
  for (const [i, id] of ['a', 'b', 'c', 'd'].entries()) tracker.track(session, facts(THINKING, id), i + 1, start);
  run(start, start + 30_100);
  tracker.received(session, 1, start + 31_000);
  expect(recorder.unmatchedReasons).toHaveLength(1);
  // The word is late, and the evidence that it gives of `c` and before is late for `b` alone.
  expect(tracker.processed(session, 'c', false, '', start + 31_001)).toBe('late');
  expect(recorder.unmatchedReasons).toHaveLength(3);
  tracker.received(session, 4, start + 31_002);
  expect(recorder.unmatchedReasons).toEqual(['late', 'late', 'late', 'late']);
});

test('[D2] a pong is not the evidence that is late where a rule had asked for the word of the application', () => {
  const { tracker, connect, start, run, recorder } = setUp();
  const session = connect();
  session.optedIn = true;
  session.lastOrdinal = 2;
  const [strict, plain] = [MUST_PROCESS, { ...THINKING, policy: { ...THINKING.policy, confirm: 'received' as const } }];
  const first = tracker.track(session, facts(strict, 'a'), 1, start)!;
  tracker.track(session, facts(plain, 'b'), 2, start);
  run(start, start + 30_100);
  tracker.received(session, 2, start + 31_000);
  expect([recorder.unmatchedReasons, first.receivedAt]).toEqual([['late'], start + 31_000]);
  tracker.processedThrough(session, 2, [], start + 32_000);
  expect([recorder.unmatchedReasons, first.receivedAt]).toEqual([['late', 'late'], start + 31_000]);
});

test('[D2] of one session no more than 1,024 ended deliveries are watched', () => {
  const { tracker, connect, start, run, recorder } = setUp({ pending: 2000, pendingPerUser: 2000 }, 0);
  const session = connect();
  for (let n = 1; n <= 1100; n++) tracker.track(session, facts(), n, start);
  run(start, start + 30_100);
  tracker.received(session, 1100, start + 31_000);
  expect(recorder.unmatchedReasons).toHaveLength(1024);
});

test('[D13] a word on an event that was never sent is about none that ended without evidence, and proves nothing', () => {
  const { tracker, connect, start, run, recorder } = setUp();
  const session = connect();
  const patient = { ...THINKING, policy: { ...THINKING.policy, timeoutMs: 60_000 } };
  const open = tracker.track(session, facts(patient, 'a'), 1, start)!;
  tracker.track(session, facts(THINKING, 'b'), 2, start);
  run(start, start + 30_100);
  expect(tracker.processed(session, 'zzz', false, '', start + 31_000)).toBe('unknown');
  expect([open.status, session.receivedThrough, recorder.unmatchedReasons]).toEqual(['retrying', 0, ['unknown']]);
});

test('[D2] [E7] a word on what was received and lost all the same is late: it raises no level and is no objection', () => {
  const { tracker, connect, start, run, recorder } = setUp();
  const session = connect();
  const [one, two] = ['a', 'b'].map((id, i) => tracker.track(session, facts(MUST_PROCESS, id), i + 1, start)!);
  tracker.received(session, 2, start + 1);
  run(start, start + 30_100);
  expect(tracker.processed(session, 'a', false, '', start + 31_000)).toBe('late');
  expect(tracker.processed(session, 'b', true, 'no', start + 31_001)).toBe('late');
  expect([one, two].map((each) => [each!.status, each!.level, each!.upgradedAt, each!.rejectedAt])).toEqual([
    ['timeout', 'received', 0, 0],
    ['timeout', 'received', 0, 0],
  ]);
  expect([recorder.upgrades, recorder.rejections, recorder.unmatchedReasons]).toEqual([0, 0, ['late', 'late']]);
});

test('[D2] a rejection of what the application has confirmed is late, and no objection (E8)', () => {
  const { tracker, connect, start, recorder } = setUp();
  const session = connect();
  const sent = tracker.track(session, facts(MUST_PROCESS, 'a'), 1, start)!;
  tracker.processed(session, 'a', false, '', start + 1);
  expect(tracker.processed(session, 'a', true, 'no', start + 2)).toBe('late');
  expect(tracker.processed(session, 'a', false, '', start + 3)).toBe('duplicate');
  expect([sent.status, sent.errorText, recorder.rejections]).toEqual(['confirmed', '', 0]);
  expect(recorder.unmatchedReasons).toEqual(['late', 'duplicate']);
});

test('[D2] the end of the process gives no second outcome to what an observer has ended meanwhile', () => {
  const { tracker, connect, start, recorder } = setUp();
  const session = connect();
  const [one, two] = [1, 2].map((n) => tracker.track(session, facts(), n, start)!);
  const told = recorder.settled.bind(recorder);
  recorder.settled = (delivery) => {
    told(delivery);
    for (const each of [one, two]) if (each !== delivery) tracker.operator.fail(each!, start + 1);
  };
  tracker.shutdown(start + 1);
  expect([recorder.settledDeliveries.length, tracker.settled, session.pending]).toEqual([2, 2, 0]);
});
