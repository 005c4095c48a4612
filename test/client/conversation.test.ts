// The client's side of the protocol, frame by frame.
import { afterEach, expect, test, vi } from 'vitest';
import { Conversation } from '../../src/client/conversation.ts';

const welcome = (session: string, next: number, recovered: boolean) =>
  JSON.stringify({ ackspan: 'welcome', session, token: 't', next, recovered });

afterEach(() => void vi.useRealTimers());

const drop = (): void => expect.fail('dropped');

test.each([
  ['the session it had', welcome('a', 9, true), true, ['{"ackspan":"confirm","through":5,"s":1}']],
  ['another session', welcome('b', 9, true), false, []],
  ['not recovered', welcome('a', 9, false), false, []],
  ['a next that it has had already: better twice than never', welcome('a', 5, true), false, []],
])('welcome: %s', (_, text, recovered, frames) => {
  const resumed: boolean[] = [];
  const sent: string[] = [];
  const conversation = new Conversation(
    { session: 'a', token: 'x', last: 5 },
    (one) => resumed.push(one),
    drop,
    () => 0,
  );
  expect(conversation.receive(text, (frame) => sent.push(frame))).toBeUndefined();
  expect(resumed).toEqual([recovered]);
  expect(sent).toEqual(frames);
  // The next message is new in any case.
  expect(conversation.receive('hello', () => {})).toBeTypeOf('function');
});

test.each([
  ['a next that it has had already', welcome('a', 4, true)],
  ['another session', welcome('b', 4, true)],
])('[R3] %s: a message that is sent again is handed over, and not confirmed before', (_, text) => {
  vi.useFakeTimers();
  const sent: string[] = [];
  const send = (frame: string): number => sent.push(frame);
  const conversation = new Conversation(
    { session: 'a', token: 'x', last: 5 },
    () => {},
    drop,
    () => 0,
  );
  conversation.receive(text, send);
  expect(conversation.receive('{"ackspan":"replay","n":2}', send)).toBeUndefined();
  const done = conversation.receive('two', send);
  vi.advanceTimersByTime(1000);
  expect(sent).toEqual([]);
  done!();
  vi.advanceTimersByTime(1000);
  expect(sent).toEqual(['{"ackspan":"confirm","through":2,"s":1}']);
});

test('no sidecar after all: the message arrives, the loss is told once, nothing is sent', () => {
  const resumed: boolean[] = [];
  const conversation = new Conversation(
    { session: 'a', token: 'x', last: 5 },
    (one) => resumed.push(one),
    drop,
    () => 0,
  );
  const send = (): void => expect.fail('sent');
  conversation.receive('one', send)?.();
  conversation.receive('two', send)?.('broken');
  conversation.flush();
  expect(resumed).toEqual([false]);
  conversation.look(true);
});

/** A conversation with a new session, of a sidecar that acknowledges or not. */
function opened(more = '', dropped: () => void = drop) {
  const sent: string[] = [];
  const conversation = new Conversation(
    undefined,
    () => {},
    dropped,
    () => 0,
  );
  const hear = (text: string) => conversation.receive(text, (frame) => sent.push(frame));
  conversation.call();
  conversation.answered();
  hear(welcome('a', 1, false).replace('}', `${more}}`));
  return { conversation, hear, sent };
}

test('[R12] no message is taken while ten thousand results are unacknowledged: the connection is left', () => {
  vi.useFakeTimers();
  let drops = 0;
  const { hear } = opened(',"silence":0', () => drops++);
  // The first handler does not finish, so that `through` covers none of the others.
  hear('slow');
  for (let n = 0; n < 10_000; n++) hear('x')!();
  expect(drops).toBe(0);
  expect(hear('one more')).toBeUndefined();
  expect(drops).toBe(1);
});

test('nothing more is said once the connection is being closed', () => {
  vi.useFakeTimers();
  const { conversation, hear, sent } = opened();
  const done = hear('x');
  conversation.leave();
  done!();
  conversation.flush();
  vi.advanceTimersByTime(1000);
  expect(sent).toEqual([]);
});

test('[R10] a 4409 is final where the requests without an answer were for an earlier session', () => {
  for (const recovered of [true, false]) {
    const { conversation, hear } = opened();
    conversation.lose(true, 1006);
    conversation.call();
    conversation.lose(true, 1006);
    conversation.call();
    conversation.answered();
    hear(welcome('a', 9, recovered));
    expect(conversation.lose(true, 4409)).toBe(recovered);
  }
});
