// The number of a message, as a client that has opted in counts it: right, or the client has to come again (SPEC R1, R2).
import { expect, it } from 'vitest';
import { number } from '../../src/connection/numbering.ts';
import type { SpliceHandle } from '../../src/relay/splice-handle.ts';
import { replayText } from '../../src/resume/messages.ts';

const NOTICE = Buffer.from(replayText(7)).toString();

/** What the client is sent, and how its splice is asked, for one message. */
function numbered(audience: SpliceHandle['audience'], text: string, { binary = false, rest = 0, room = true } = {}) {
  const did: string[] = [];
  const splice = {
    audience,
    announce: (buf: Buffer, start: number, end: number, notice: Uint8Array) => {
      did.push(`${Buffer.from(notice)} before ${buf.subarray(start, end)}`);
      return room;
    },
    turnAway: () => void did.push('turned away'),
  } as unknown as SpliceHandle;
  const connection = {
    sendMessage: (data: Uint8Array, as?: boolean) => void did.push(`${as === true} ${Buffer.from(data)}`),
  };
  const buf = Buffer.from(`..${text}.`);
  number(connection, splice, buf, 2, 2 + text.length, text.length + rest, 7, binary);
  return did;
}

it('[R2] a client that is away is sent nothing, and one that is there only counts', () => {
  expect([numbered('absent', NOTICE), numbered('absent', 'x'), numbered('present', 'x')]).toEqual([[], [], []]);
});

it('[R2] a client that came after the beginning of a message gets it again, with its number, if all of it is at hand', () => {
  expect(numbered('arriving', 'hello')).toEqual([`false ${NOTICE}`, 'false hello']);
  expect(numbered('arriving', 'hello', { binary: true })).toEqual([`false ${NOTICE}`, 'true hello']);
  expect(numbered('arriving', 'hello', { rest: 1 })).toEqual(['turned away']);
});

it('[R2] a text that looks like a notice is announced, so that it is taken for no notice', () => {
  expect(numbered('present', NOTICE)).toEqual([`${NOTICE} before ${NOTICE}`]);
  expect(numbered('present', NOTICE, { binary: true })).toEqual([]);
  expect(numbered('present', NOTICE, { room: false })).toEqual([`${NOTICE} before ${NOTICE}`, 'turned away']);
});
