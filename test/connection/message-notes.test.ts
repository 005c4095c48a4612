// What is noted of each data message for people who look later: which way it went, what it was, and to which delivery it belongs.
import { expect, it } from 'vitest';
import { CONTINUATION } from '../../src/relay/frames.ts';
import { event, openOptedIn } from '../support/opted-in-connection.ts';
import { clientFrame, frame } from '../support/raw-frames.ts';
import { settle } from '../support/socket-pair.ts';

/** Notes one line a message. */
function watch() {
  const lines: string[] = [];
  return {
    lines,
    line: (connection: number) => ({ connection }),
    toClient(
      { connection }: { connection?: number },
      isText: boolean,
      type: string | undefined,
      ...[bytes, , ordinal, delivery]: [number, number, number, number]
    ): void {
      lines.push(
        `${connection} to client: ${isText ? 'text' : 'binary'} ${type} ${bytes} bytes, #${ordinal} of ${delivery}`,
      );
    },
    toUpstream: ({ connection }: { connection?: number }, isText: boolean, bytes: number) =>
      void lines.push(`${connection} to upstream: ${isText ? 'text' : 'binary'} ${bytes} bytes`),
    consumed: () => void lines.push('for us'),
    payload: (buf: Uint8Array, start: number, end: number) =>
      void lines.push(Buffer.from(buf.subarray(start, end)).toString()),
  };
}

it('a text, a binary message that is read, and one that is not, each with its delivery', async () => {
  const messages = watch();
  const { upstream } = await openOptedIn({ messages });
  upstream.send(event('a'));
  upstream.send(frame('{"type":"agent_thinking"}', { opcode: 2 }));
  upstream.send(frame('\x01\x02\x03', { opcode: 2 }));
  expect(messages.lines).toEqual([
    '1 to client: text agent_thinking 40 bytes, #1 of 1',
    '{"type":"agent_thinking","event_id":"a"}',
    '1 to client: binary agent_thinking 25 bytes, #2 of 2',
    '{"type":"agent_thinking"}',
    '1 to client: binary binary 3 bytes, #3 of 3',
  ]);
});

it('what the client says, with its whole size, and whether it was for us', async () => {
  const messages = watch();
  const { client } = await openOptedIn({ messages });
  client.send(clientFrame('four', { fin: false }));
  client.send(clientFrame('more', { opcode: CONTINUATION }));
  client.send(clientFrame('abc', { opcode: 2 }));
  const word = '{"ackspan":"confirm","through":0}';
  client.send(clientFrame(word));
  await settle();
  expect(messages.lines).toEqual([
    '1 to upstream: text 8 bytes',
    '1 to upstream: binary 3 bytes',
    `1 to upstream: text ${word.length} bytes`,
    word,
    'for us',
  ]);
});

it('over a new client: on the line of its connection', async () => {
  const messages = watch();
  const { client, upstream, rejoin } = await openOptedIn({ messages });
  client.reset();
  await settle();
  await rejoin(0);
  upstream.send(event('a'));
  expect(messages.lines[0]).toMatch(/^2 to client/);
});
