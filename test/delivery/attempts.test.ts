// The moments of attempts: a gap apart, spread by a tenth, and none left out because of the spreading.
import { expect, test } from 'vitest';
import { lastAttemptMs, nextLook } from '../../src/delivery/attempts.ts';
import { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { eventType, facts, setUp } from './harness.ts';

const SENT = 1_000_000;
const MOST = 1 - Number.EPSILON;

function delivery(timeoutMs: number, attemptsMs: number[], attempts = 1): Delivery {
  const type = eventType('x', 1, { timeoutMs, attemptsMs });
  return Object.assign(new Delivery(1, new Session('s', new Owner('u')), 1, facts(type), 'received', SENT), {
    attempts,
  });
}

test.each([
  ['at most a tenth early', [4000], 1, 0, 3600],
  ['at its gap', [4000], 1, 0.5, 4000],
  ['at most a tenth late', [4000], 1, MOST, 4400],
  ['by the gap of its own place', [1000, 2000], 2, 0.5, 2000],
  ['when the schedule is used up, at the deadline', [1000, 2000], 3, 0.5, 5000],
  ['a tenth early, where spreading would take it to the deadline', [4600], 1, MOST, 4140],
  ['where the gap alone reaches the deadline, then', [5600], 1, 0.5, 5000],
] as const)('[D5] the next look is %s', (_, gaps, attempts, random, after) => {
  const look = nextLook(delivery(5000, [...gaps], attempts), SENT, random);
  expect(Math.round(look - SENT)).toBe(after);
});

test('[D5] the last attempt is made by then, and where there is none nothing has to fit', () => {
  expect(Math.round(lastAttemptMs([1000, 2000, 4000]))).toBe(6900);
  expect([lastAttemptMs([1000]), lastAttemptMs([])]).toEqual([900, 0]);
});

test('[D2] an attempt that is answered at once is none of a delivery that is still open', () => {
  const { tracker, connect, start, run, recorder } = setUp();
  const session = connect();
  const sent = tracker.track(session, facts(), 1, start)!;
  session.link.probe = () => {
    tracker.received(session, 1, start + 1000);
    return 'sent';
  };
  run(start, start + 31_000);
  expect([sent.status, sent.attempts, recorder.attempts, tracker.waiting]).toEqual(['confirmed', 1, [], 0]);
});

test('[D23] the same holds of one by hand, and what is settled, not kept or without a client is not sent again', () => {
  const { tracker, connect, start, recorder } = setUp({
    ...{ pending: 10, pendingPerUser: 10 },
    retention: { bytes: 100, bytesPerSession: 100, bytesPerUser: 100 },
  });
  const session = connect();
  const [sent, bare, away] = [1, 2, 3].map((n) => tracker.track(session, facts(), n, start)!);
  for (const each of [sent!, away!]) tracker.retention.keep(each, 1, () => new Uint8Array(1));
  const { operator } = tracker;
  expect([operator.obstacle(bare!), operator.resend(bare!, start)]).toEqual(['not_kept', 'not_kept']);
  session.link.resend = () => {
    tracker.received(session, 1, start + 1);
    return 'sent';
  };
  expect([operator.obstacle(sent!), operator.resend(sent!, start + 1)]).toEqual([undefined, 'sent']);
  expect([sent!.status, sent!.attempts, recorder.attempts]).toEqual(['confirmed', 1, []]);
  expect([operator.obstacle(sent!), operator.resend(sent!, start + 2)]).toEqual(['settled', 'settled']);
  (session as { link: unknown }).link = undefined;
  expect([operator.obstacle(away!), operator.resend(away!, start + 2)]).toEqual(['away', 'away']);
});
