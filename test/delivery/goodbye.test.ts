// What a Close frame leaves open: which deliveries nobody can call lost behind it, and which are lost (SPEC D15, D24).
import { describe, expect, test } from 'vitest';
import { type Goodbye, noteGoodbye } from '../../src/delivery/goodbye.ts';
import type { Journal } from '../../src/delivery/journal.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { eventType, facts, MUST_PROCESS, setUp, THINKING } from './harness.ts';

const SINCE = 1_750_000_000_500;
const GOODBYE: Goodbye = { orderly: true, own: true, since: SINCE, through: 1 };

interface Case extends Partial<Goodbye> {
  readonly optedIn?: boolean;
  readonly received?: boolean;
  readonly answered?: boolean;
  readonly sentAt?: number;
  readonly type?: typeof THINKING;
}

/** How one message ends whose session ends with that Close frame. */
function endOf({ optedIn = true, received = false, answered = true, sentAt = SINCE, type, ...goodbye }: Case) {
  const { tracker, connect } = setUp();
  const session = connect('ann', answered);
  session.optedIn = optedIn;
  const delivery = tracker.track(session, facts(type ?? THINKING), 1, sentAt)!;
  if (received) tracker.received(session, 1, sentAt + 1);
  tracker.disconnected(session, sentAt + 100, 'disconnected', { ...GOODBYE, ...goodbye });
  return `${delivery.status} ${delivery.unverified || delivery.errorType}`;
}

describe('[D15] a message whose receipt is not proven, when its client closes', () => {
  test.each<[string, Case, string]>([
    ['right behind it, in good order', {}, 'unverifiable client_left'],
    ['in good order, and has not opted in', { optedIn: false }, 'unverifiable client_left'],
    ['in good order, under a rule that asks for more', { type: MUST_PROCESS }, 'unverifiable client_left'],
    ['long after it', { sentAt: SINCE - 1 }, 'failed disconnected'],
    ['with a complaint', { orderly: false }, 'failed disconnected'],
    ['before it was written', { through: 0 }, 'failed disconnected'],
    ['and has never answered', { answered: false }, 'unverifiable never_answered'],
  ])('%s', (_, asked, end) => expect(endOf(asked)).toBe(end));
});

describe('[D24] a message that was received, when a Close frame comes before the word', () => {
  test.each<[string, Case, string]>([
    ['of the client', {}, 'unverifiable client_left'],
    ['of the client, that complains', { orderly: false }, 'unverifiable client_left'],
    ['of the other side', { own: false }, 'unverifiable closed'],
    ['long after it', { own: false, sentAt: SINCE - 1 }, 'unverifiable closed'],
    ['before it was written', { own: false, through: 0 }, 'failed disconnected'],
    ['under a rule that asks for the word itself', { own: false, type: MUST_PROCESS }, 'failed disconnected'],
    ['of a client that has not opted in, likewise', { optedIn: false, type: MUST_PROCESS }, 'failed disconnected'],
  ])('%s', (_, asked, end) => expect(endOf({ ...asked, received: true })).toBe(end));
});

describe('[D24] at the deadline', () => {
  const SHORT = eventType('short', 5, { timeoutMs: 1000, attemptsMs: [] });

  test('what stands before a Close frame that is not answered yet is not called lost, where it was received', () => {
    const { tracker, connect, start, run } = setUp();
    const session = connect();
    session.optedIn = true;
    const all = [1, 2, 3, 4].map((n) => tracker.track(session, facts(SHORT), n, start)!);
    tracker.received(session, 2, start + 1);
    Object.assign(session.link, { closedBehind: 1 });
    tracker.received(session, 3, start + 2);
    run(start, start + 1100);
    expect(all.map(({ status, unverified }) => `${status} ${unverified}`)).toEqual([
      ...['unverifiable closed', 'timeout ', 'timeout ', 'timeout '],
    ]);
  });

  test('what was never received is lost, although a Close frame of the other side stands behind it', () => {
    const { tracker, connect, start, run } = setUp();
    const session = connect();
    session.optedIn = true;
    const sent = tracker.track(session, facts(SHORT), 1, start)!;
    Object.assign(session.link, { closedBehind: 1 });
    run(start, start + 1100);
    expect(sent.status).toBe('timeout');
  });

  test('of a session that waits, the Close frame with which its client went holds', () => {
    const { tracker, connect, start, run } = setUp();
    const session = connect();
    session.optedIn = session.resumable = true;
    const sent = tracker.track(session, facts(SHORT), 1, start)!;
    tracker.received(session, 1, start + 1);
    noteGoodbye(session, GOODBYE, undefined);
    tracker.disconnected(session, start + 2);
    run(start, start + 1100);
    expect([sent.status, sent.unverified]).toEqual(['unverifiable', 'client_left']);
  });
});

test('[P2] the journal is told of a Close frame, and that the client is back, once each, where the session waits', () => {
  const session = new Session('s', new Owner(undefined));
  const told: (boolean | undefined)[] = [];
  const journal = { parted: ({ goodbye }: Session) => void told.push(goodbye?.own) } as Partial<Journal> as Journal;
  noteGoodbye(session, GOODBYE, journal);
  expect([session.goodbye, told]).toEqual([GOODBYE, []]);
  session.resumable = true;
  for (const goodbye of [undefined, undefined, GOODBYE, GOODBYE]) noteGoodbye(session, goodbye, journal);
  expect([session.goodbye, told]).toEqual([GOODBYE, [undefined, true]]);
});
