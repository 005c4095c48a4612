// Which protocol a connection speaks: by the upgrade, by the first messages of either side, or else plain JSON.
import { describe, expect, it, test } from 'vitest';
import { FIRST_MESSAGES } from '../../src/decode/choice.ts';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import { FIRST_BYTE, firstBytes } from '../../src/decode/first-bytes.ts';
import type { Upgrade } from '../../src/decode/protocol.ts';
import { OBJECTS, FIRST_BYTE as RELAYED } from '../../src/relay/first-byte.ts';
import { lineProtocol } from '../support/line-protocol.ts';

/** A reader that tells which messages it understands. */
function open(upgrade: Partial<Upgrade>) {
  const decoder = createDecoder(DEFAULT_DECODE_OPTIONS, [lineProtocol]);
  const reader = decoder.open({ path: '/ws', subprotocol: undefined, ...upgrade });
  const read = (text: string) => {
    const bytes = Buffer.from(text);
    return reader.event(bytes, 0, bytes.length)?.id;
  };
  const say = (text: string) => {
    const bytes = Buffer.from(text);
    return reader.confirmation(bytes, 0, bytes.length)?.eventId;
  };
  const offers = (first: string) => reader.begins[first.charCodeAt(0)] === FIRST_BYTE.ours;
  return { decoder, reader, read, say, offers };
}

const LINE = 'EVENT note l1';
const JSON_EVENT = '{"type":"note","event_id":"j1"}';
const JSON_WORD = '{"type":"event_confirmation","event_id":"j1"}';

describe('the protocol of a connection', () => {
  test.each([
    ['the subprotocol', { subprotocol: 'lines' }],
    ['the path', { path: '/lines/7' }],
  ])('is told by %s', (_, upgrade) => {
    const { read, say, offers } = open(upgrade);
    expect([read(LINE), read(JSON_EVENT), say('OK l1'), offers('O')]).toEqual(['l1', undefined, 'l1', true]);
  });

  it('is told by the first message of the backend, which is read in it', () => {
    const { read, say } = open({});
    expect([read(LINE), say('OK l1'), say(JSON_WORD)]).toEqual(['l1', 'l1', undefined]);
  });

  it('is told by the first message of the client', () => {
    const { say, read } = open({});
    expect([say('HELLO'), read(LINE), read(JSON_EVENT)]).toEqual([undefined, 'l1', undefined]);
  });

  it('is plain JSON where every other protocol says no', () => {
    const { read, offers } = open({ path: '/json' });
    expect([read(LINE), read(JSON_EVENT), offers('O'), offers('{')]).toEqual([undefined, 'j1', false, true]);
  });

  it('is plain JSON once the others have said no to a message, and no more is held for them', () => {
    const { read, offers } = open({});
    expect(offers('O')).toBe(true);
    expect([read(JSON_EVENT), offers('O'), offers('{'), read(LINE)]).toEqual(['j1', false, true, undefined]);
  });

  it('is read as plain JSON while it is open, and is that for good behind the first messages', () => {
    const { read, offers } = open({});
    for (let n = 1; n < FIRST_MESSAGES; n++) expect(read('anything')).toBeUndefined();
    expect(offers('O')).toBe(true);
    expect(read('anything')).toBeUndefined();
    expect(offers('O')).toBe(false);
    expect([read(LINE), read(JSON_EVENT)]).toEqual([undefined, 'j1']);
  });
});

test('connections of different protocols share event types and counts', () => {
  const decoder = createDecoder({ ...DEFAULT_DECODE_OPTIONS, unread: 'count' }, [lineProtocol]);
  const [lines, json] = ['/lines/1', '/json'].map((path) => decoder.open({ path, subprotocol: undefined }));
  const typeOf = (text: string, reader = json) => reader!.event(Buffer.from(text), 0, text.length)?.type;
  expect(typeOf(LINE, lines)).toBe(typeOf(JSON_EVENT));
  typeOf('HELLO', lines);
  typeOf('{}');
  expect(decoder.others.no_type).toBe(2);
});

test('the relay and the protocols mean the same by a first byte', () => {
  expect(RELAYED).toEqual(FIRST_BYTE);
  expect(firstBytes()).toEqual(OBJECTS);
});

test('without another protocol, all connections share one reader', () => {
  const decoder = createDecoder(DEFAULT_DECODE_OPTIONS);
  const [one, other] = ['/a', '/b'].map((path) => decoder.open({ path, subprotocol: path }));
  expect(one).toBe(other);
});
