// The client's side of the protocol, frame by frame.
import { expect, test } from 'vitest';
import { Conversation } from '../../src/client/conversation.ts';

const welcome = (session: string, next: number, recovered: boolean) =>
  JSON.stringify({ ackspan: 'welcome', session, token: 't', next, recovered });

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
