// Messages that could not be read: how far a word may be about one of them (SPEC D13).
import { describe, expect, test } from 'vitest';
import type { Copies } from '../../src/delivery/obscured.ts';
import { facts, MUST_PROCESS, setUp } from './harness.ts';

const MINUTE = 60_000;

/**
 * A session with a message that could not be read ends after a second; another one begins `later`
 * ms after that end, is sent an event, and its client confirms it before any pong.
 */
function comeBack({ before, after, later = 1, copies = 'elsewhere' }: Asked) {
  const { tracker, connect, start } = setUp();
  const first = connect(before);
  tracker.obscured.note(first, copies, start);
  tracker.disconnected(first, start + 1000);
  const at = start + 1000 + later;
  const second = connect(after, true, at);
  tracker.obscured.begun(second);
  const delivery = tracker.track(second, facts(MUST_PROCESS, 'x'), 1, at + 1)!;
  tracker.processed(second, 'x', false, '', at + 2);
  return { tracker, second, delivery, at };
}

interface Asked {
  readonly before?: string;
  readonly after?: string;
  readonly later?: number;
  readonly copies?: Copies;
}

describe('[D13] a client that may have got a message that could not be read, and that confirms an event', () => {
  test.each<[string, Asked]>([
    ['without a user', {}],
    ['of the same user', { before: 'ann', after: 'ann' }],
    ['that has a user only now', { after: 'ann' }],
    ['that has no user any more', { before: 'ann' }],
    ['that comes back ten minutes later', { later: 10 * MINUTE }],
  ])('%s, proves nothing before its pong', (_, asked) => {
    const { tracker, second, delivery, at } = comeBack(asked);
    expect([delivery.status, delivery.word]).toEqual(['pending', 'confirmed']);
    tracker.received(second, 1, at + 3);
    tracker.processed(second, 'x', false, '', at + 4);
    expect([delivery.status, delivery.level]).toEqual(['confirmed', 'processed']);
  });

  test.each<[string, Asked]>([
    ['of another user', { before: 'ann', after: 'bob' }],
    ['that comes later than ten minutes', { later: 10 * MINUTE + 1 }],
    ['where a copy of the message could not be read either', { copies: 'unread' }],
  ])('%s, proves it', (_, asked) => {
    expect(comeBack(asked).delivery.status).toBe('confirmed');
  });

  test('leaves it unverifiable, and no client that never answers a ping has answered by such a word', () => {
    const { tracker, connect, start, run } = setUp();
    tracker.obscured.note(connect(), 'elsewhere', start);
    const second = connect(undefined, false, start + 1);
    tracker.obscured.begun(second);
    const [earlier, named] = ['w', 'x'].map((id, i) => tracker.track(second, facts(undefined, id), i + 1, start + 2)!);
    tracker.processed(second, 'x', false, '', start + 3);
    run(start, start + 31_000);
    expect([earlier!.unverified, named!.unverified]).toEqual(['never_answered', 'ambiguous']);
  });

  test('is one for as long as the session with the message is open', () => {
    const { tracker, connect, start } = setUp();
    const first = connect();
    for (let n = 0; n < 3; n++) tracker.obscured.note(first, 'elsewhere', start);
    const begins = (at: number) => {
      const session = connect(undefined, true, at);
      tracker.obscured.begun(session);
      return session.mayRepeat;
    };
    expect(begins(start + 60 * MINUTE)).toBe(true);
    tracker.disconnected(first, start + 61 * MINUTE);
    expect([begins(start + 71 * MINUTE), begins(start + 72 * MINUTE)]).toEqual([true, false]);
  });

  test('is one of two sessions of its user that had such a message, until the last of them has ended', () => {
    const { tracker, connect, start } = setUp();
    const [first, second] = [connect('ann'), connect('ann')];
    for (const [i, each] of [first, second].entries()) tracker.obscured.note(each, 'elsewhere', start + i);
    tracker.disconnected(second, start + 2);
    const begins = (at: number) => {
      const session = connect('ann', true, at);
      tracker.obscured.begun(session);
      return session.mayRepeat;
    };
    expect(begins(start + 60 * MINUTE)).toBe(true);
    // A session that has ended has ended, however often that is said.
    for (const ms of [0, 1]) tracker.disconnected(first, start + 60 * MINUTE + ms);
    expect([begins(start + 70 * MINUTE), begins(start + 71 * MINUTE)]).toEqual([true, false]);
  });

  test('is none where its session began before the message', () => {
    const { tracker, connect, start } = setUp();
    const early = connect(undefined, true, start - 1);
    tracker.obscured.note(connect(), 'elsewhere', start);
    tracker.obscured.begun(early);
    expect(early.mayRepeat).toBe(false);
  });
});

test.each<[Copies, boolean]>([
  ['anywhere', false],
  ['elsewhere', true],
  ['unread', true],
])(
  '[D13] where copies of the message are read %s, a word over the same connection proves a later event: %s',
  (copies, proves) => {
    const { tracker, connect, start } = setUp();
    const session = connect();
    tracker.obscured.note(session, copies, start);
    const delivery = tracker.track(session, facts(MUST_PROCESS, 'x'), 2, start + 1)!;
    tracker.processed(session, 'x', false, '', start + 2);
    expect(delivery.status === 'confirmed').toBe(proves);
  },
);

test('[D13] a rejection that may be about such a message is noted with its text, and rejects nothing', () => {
  const { tracker, connect, start } = setUp();
  const session = connect();
  tracker.obscured.note(session, 'anywhere', start);
  const delivery = tracker.track(session, facts(MUST_PROCESS, 'x'), 2, start + 1)!;
  expect(tracker.processed(session, 'x', true, 'no', start + 2)).toBe('noted');
  expect([delivery.status, delivery.word, delivery.errorText]).toEqual(['pending', 'rejected', 'no']);
});

test('a message that is read on the side after the end of its session keeps nothing open', () => {
  const { tracker, connect, start } = setUp();
  const first = connect();
  tracker.disconnected(first, start);
  tracker.obscured.note(first, 'elsewhere', start + 1);
  const [soon, late] = [start + 2, start + 1 + 11 * MINUTE].map((at) => {
    const session = connect(undefined, true, at);
    tracker.obscured.begun(session);
    return session.mayRepeat;
  });
  expect([soon, late]).toEqual([true, false]);
});

test('users whose messages were all long ago are let go of', () => {
  const { tracker, connect, start } = setUp();
  for (let i = 0; i < 3; i++) {
    const at = start + i * 20 * MINUTE;
    const session = connect(`user-${i}`, true, at);
    tracker.obscured.note(session, 'elsewhere', at);
    tracker.disconnected(session, at + 1);
  }
  const late = connect('user-0', true, start + 41 * MINUTE);
  tracker.obscured.begun(late);
  expect(late.mayRepeat).toBe(false);
});

test('[D13] users whose messages may still be confirmed are not let go of when another user gets one', () => {
  const { tracker, connect, start } = setUp();
  for (const user of ['ann', 'bob', 'cat']) tracker.obscured.note(connect(user), 'elsewhere', start);
  const again = ['ann', 'bob', 'cat', 'dan'].map((user) => {
    const session = connect(user, true, start + 1);
    tracker.obscured.begun(session);
    return session.mayRepeat;
  });
  expect(again).toEqual([true, true, true, false]);
});

describe('[D13] a message that was too long, once the limit was raised', () => {
  const word = (own: boolean, raises: boolean) => {
    const { tracker, connect, start } = setUp();
    const first = connect('ann');
    tracker.obscured.note(first, 'unread', start);
    const second = connect('ann', true, start + 1);
    const session = own ? first : second;
    tracker.obscured.begun(second);
    if (raises) tracker.obscured.raised(start + 2);
    const delivery = tracker.track(session, facts(MUST_PROCESS, 'x'), 2, start + 3)!;
    tracker.processed(session, 'x', false, '', start + 4);
    return delivery.status;
  };

  test.each([true, false])('may be what a word on a copy means, over the same connection: %s', (own) => {
    expect([word(own, false), word(own, true)]).toEqual(['confirmed', 'pending']);
  });

  test('is not of sessions whose message was too long under the new limit as well', () => {
    const { tracker, connect, start } = setUp();
    tracker.obscured.raised(start);
    const session = connect('ann', true, start + 1);
    tracker.obscured.note(session, 'unread', start + 2);
    const delivery = tracker.track(session, facts(MUST_PROCESS, 'x'), 2, start + 3)!;
    tracker.processed(session, 'x', false, '', start + 4);
    expect(delivery.status).toBe('confirmed');
  });

  test('is not of sessions without such a message', () => {
    const { tracker, connect, start } = setUp();
    const [long, other] = [connect('ann'), connect('bob')];
    tracker.obscured.note(long, 'unread', start);
    tracker.obscured.raised(start + 1);
    const delivery = tracker.track(other, facts(MUST_PROCESS, 'x'), 2, start + 2)!;
    tracker.processed(other, 'x', false, '', start + 3);
    expect(delivery.status).toBe('confirmed');
  });

  test('is of a session that begins until ten minutes after the end of the one that had it', () => {
    const { tracker, connect, start } = setUp();
    const first = connect('ann');
    tracker.obscured.note(first, 'unread', start);
    tracker.obscured.raised(start + 1);
    tracker.disconnected(first, start + 20 * MINUTE);
    const begins = (at: number, user = 'ann') => {
      const session = connect(user, true, at);
      tracker.obscured.begun(session);
      return session.mayRepeat;
    };
    expect([begins(start + 25 * MINUTE), begins(start + 25 * MINUTE, 'bob')]).toEqual([true, false]);
    expect(begins(start + 31 * MINUTE)).toBe(false);
  });
});
