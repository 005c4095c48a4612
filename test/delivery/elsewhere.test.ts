// A word on an event that no session here was sent: when other processes are asked, and when nobody can say (SPEC D6, D13).
import { expect, test } from 'vitest';
import type { Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { facts, MUST_PROCESS, Recorder, setUp, THINKING } from './harness.ts';

function world(answers = true) {
  const { connect, start } = setUp();
  const asked: string[] = [];
  const recorder = new Recorder();
  const tracker = new Tracker({
    ...{ store: createMemoryStore({ history: 0 }), observer: recorder, now: start, random: () => 0.5 },
    limits: { pending: 100, pendingPerUser: 100 },
    elsewhere: (session, { eventId, rejected, error }) => {
      asked.push(`${session.key} ${eventId} ${rejected} ${error}`);
      return answers;
    },
  });
  const says = (session: Session) => tracker.processed(session, 'x', true, 'no', start + 9);
  return { tracker, connect, start, asked, recorder, says };
}

test('[D6] they are asked of a user of whom no session here was sent the event; it counts nowhere before they answer', () => {
  const { connect, asked, recorder, says } = world();
  expect([says(connect('ann')), asked, recorder.unmatchedReasons]).toEqual(['noted', ['s-1 x true no'], []]);
});

test('[D6] where none of them can be asked, it is counted here', () => {
  const { connect, asked, recorder, says } = world(false);
  expect([says(connect('ann')), asked.length, recorder.unmatchedReasons]).toEqual(['unknown', 1, ['unknown']]);
});

test.each<[string, string | undefined, (session: Session, it: ReturnType<typeof world>) => void]>([
  ['has no user', undefined, () => {}],
  ['was sent a message that could not be read', 'ann', (session) => (session.obscured = true)],
  ['had events from an earlier process', 'ann', (session) => (session.owner.restored = true)],
  [
    'was sent the event in a message that has left the books',
    'ann',
    (session, { tracker, start }) => {
      tracker.track(session, facts(THINKING, 'x'), 1, start);
      tracker.received(session, 1, start + 1);
    },
  ],
])('[D6] they are not asked for a session that %s', (_, user, make) => {
  const it = world();
  const session = it.connect(user);
  make(session, it);
  expect([it.says(session), it.asked]).toEqual(['unknown', []]);
});

test('[D6] they are not asked of an event that two sessions here were sent', () => {
  const { tracker, connect, start, asked, says } = world();
  for (const each of [connect('ann'), connect('ann')]) tracker.track(each, facts(THINKING, 'x'), 1, start);
  expect([says(connect('ann')), asked]).toEqual(['foreign', []]);
});

test('[D13] a word that came before its event was sent is about none that comes later, where all could be read', () => {
  const { tracker, connect, start, says } = world();
  const session = connect();
  expect(says(session)).toBe('unknown');
  const sent = tracker.track(session, facts(THINKING, 'x'), 1, start + 10)!;
  expect([sent.repeated, tracker.processed(session, 'x', false, '', start + 11), sent.status]).toEqual([
    ...[false, 'confirmed', 'confirmed'],
  ]);
});

test.each<[string, string | undefined, boolean]>([
  ['a client without a user', undefined, false],
  ['one that had events from an earlier process', 'ann', true],
])('[D6] what %s says is about no delivery of another session', (_, user, restored) => {
  const { tracker, connect, start, asked, says } = world();
  const [one, two] = [connect(user), connect(user)];
  const sent = tracker.track(one, facts(MUST_PROCESS, 'x'), 1, start)!;
  tracker.received(one, 1, start + 1);
  two.owner.restored = restored;
  expect([says(two), sent.status, sent.word, asked]).toEqual(['foreign', 'pending', '', []]);
});
