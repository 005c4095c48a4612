// The ring of relayed messages: what it keeps of payloads is its own, and bounded.
import { expect, it } from 'vitest';
import { createMessageLog, type LoggedMessage } from '../../src/admin/message-log.ts';

function logOf(payloadBytes: number) {
  const log = createMessageLog({ capacity: 4096, payloadBytes })!;
  const line = log.line(1);
  const note = (buf: Uint8Array, start = 0, end = buf.length): void => {
    log.toClient(line, true, 'a', end - start, 0, 1, 0);
    log.payload(buf, start, end);
  };
  const payloads = (): (string | undefined)[] => {
    const found: LoggedMessage[] = [];
    log.each(1, Number.POSITIVE_INFINITY, (message) => found.push(message) > 0);
    return found.reverse().map(({ payload }) => (payload === undefined ? undefined : Buffer.from(payload).toString()));
  };
  return { note, payloads };
}

it.each([
  ['a Buffer, whose `slice` is a view', (text: string) => Buffer.from(text)],
  ['plain bytes', (text: string) => new Uint8Array(Buffer.from(text))],
])('a payload out of %s stays as it was when the next message is read into the same memory', (_, bytesOf) => {
  const { note, payloads } = logOf(1000);
  const shared = bytesOf('..{"secret of":"ada"}..');
  note(shared, 2, 21);
  shared.set(Buffer.from('..{"secret of":"bob"}..'));
  note(shared, 2, 21);
  shared.fill(0);
  expect(payloads()).toEqual(['{"secret of":"ada"}', '{"secret of":"bob"}']);
});

it('[D11] payloads are kept up to the bound over all, the oldest go first, and one that is larger is not kept', () => {
  const { note, payloads } = logOf(10);
  note(Buffer.from('aaaa'));
  note(Buffer.from('bbbb'));
  note(Buffer.from('cccccccccccc'));
  note(Buffer.from('dddd'));
  expect(payloads()).toEqual([undefined, 'bbbb', undefined, 'dddd']);
});
