// What a client's message confirms, and what it must never be mistaken for.
import { expect, test } from 'vitest';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import type { DecodeOptions } from '../../src/decode/options.ts';
import { NO_CLAIM } from '../support/upgrades.ts';

function read(message: unknown, changes: Partial<DecodeOptions> = {}) {
  const reader = createDecoder({ ...DEFAULT_DECODE_OPTIONS, ...changes }).open(NO_CLAIM);
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  const buf = Buffer.from(`#${text}#`);
  return reader.confirmation(buf, 1, buf.length - 1);
}

const type = 'event_confirmation';
const confirmed = { eventId: 'E', rejected: false, error: '' };

test.each<[string, unknown]>([
  ['the documented message', { type, event_id: 'E', status: 'confirmed' }],
  ['no status', { type, event_id: 'E' }],
  ['a status of null', { type, event_id: 'E', status: null }],
  ['the type under the other pointer', { event: type, event_id: 'E' }],
  ['both type pointers, one of them fitting', { event: 'x', type, event_id: 'E' }],
  ['an escaped spelling', '{"type":"event\\u005fconfirmation","event_id":"\\u0045","status":"con\\u0066irmed"}'],
  ['an error of null', { type, event_id: 'E', error: null }],
])('%s confirms', (_name, message) => {
  expect(read(message)).toEqual(confirmed);
});

test.each<[string, string]>([
  ['ended by RS, as every message of SignalR is', `{"type":"${type}","event_id":"E"}\x1e`],
  ['behind RS, as in RFC 7464', `\x1e{"type":"${type}","event_id":"E"}\n`],
  ['alone in an array', ` [{"type":"${type}","event_id":"E"}]`],
])('[E3] a confirmation %s is one, and nothing of the message goes on', (_name, text) => {
  expect(read(text)).toEqual({ ...confirmed, forward: false });
});

test.each<[string, (one: string, other: string) => string]>([
  ['in an array', (one, other) => `[${one}, ${other}]`],
  ['in lines', (one, other) => `${one}\n${other}\n`],
  ['each ended by RS', (one, other) => `${one}\x1e${other}\x1e`],
])(
  '[E3] several confirmations %s are taken in their order; with something else the message goes on too',
  (_name, join) => {
    const one = `{"type":"${type}","event_id":"A"}`;
    const other = `{"type":"${type}","event_id":"B","status":"failed","error":"boom"}`;
    const [a, b] = [
      { ...confirmed, eventId: 'A', forward: false },
      { eventId: 'B', rejected: true, error: 'boom', forward: false },
    ];
    expect(read(join(one, other))).toEqual({ ...a, next: b });
    expect(read(join(other, one))).toEqual({ ...b, next: a });
    expect(read(join('{"type":"user_message"}', other))).toEqual({ ...b, forward: true });
  },
);

test('an id that is a number confirms', () => {
  expect(read({ type, event_id: 42 })).toEqual({ ...confirmed, eventId: '42' });
});

test.each(['failed', 'error', 'rejected'])('status %s rejects, with the reason given', (status) => {
  expect(read({ type, event_id: 'E', status, error: 'boom "x" é' })).toEqual({
    eventId: 'E',
    rejected: true,
    error: 'boom "x" é',
  });
});

test('a long reason is cut between characters at 256', () => {
  const cut = (error: string) => read({ type, event_id: 'E', status: 'failed', error })?.error;
  expect(cut('x'.repeat(5000))).toBe('x'.repeat(256));
  expect(cut(`${'x'.repeat(255)}😀`)).toBe('x'.repeat(255));
  expect(cut(`${'\n'.repeat(254)}😀!`)).toBe(`${'\n'.repeat(254)}😀`);
});

test.each<[string, unknown]>([
  ['another type', { type: 'user_message', event_id: 'E' }],
  ['a type that only begins alike', { type: `${type}s`, event_id: 'E' }],
  ['no type', { event_id: 'E' }],
  ['no id', { type, status: 'confirmed' }],
  ['an empty id', { type, event_id: '' }],
  ['an id that is an object', { type, event_id: { a: 1 } }],
  ['an id of more than 1024 bytes', { type, event_id: 'x'.repeat(1025) }],
  ['an unknown status', { type, event_id: 'E', status: 'received' }],
  ['an empty status', { type, event_id: 'E', status: '' }],
  ['a status that is no string', { type, event_id: 'E', status: true }],
  ['an array of something else', [{ type: 'user_message', event_id: 'E' }]],
  ['an array with something in it that is no object', [{ type, event_id: 'E' }, 'E']],
  ['an array that does not end', `[{"type":"${type}","event_id":"E"}`],
  ['an empty array', []],
  ['more than 64', Array.from({ length: 65 }, () => ({ type, event_id: 'E' }))],
  ['one of several that is no JSON', `{"type":"${type}","event_id":"E"}\n{"type":"\\q"}`],
  ['not JSON', `{"type":"${type}","event_id":"E"`],
  ['a wrong escape in the id', `{"type":"${type}","event_id":"\\q"}`],
  ['a wrong escape in the error', `{"type":"${type}","event_id":"E","error":"\\q"}`],
  ['text', 'hello'],
  ['nothing', ''],
])('%s is no confirmation', (_name, message) => {
  expect(read(message)).toBeUndefined();
});

test('invalid UTF-8 is no confirmation', () => {
  const reader = createDecoder(DEFAULT_DECODE_OPTIONS).open(NO_CLAIM);
  const buf = Buffer.from(`{"type":"${type}","event_id":"\xff"}`, 'latin1');
  expect(reader.confirmation(buf, 0, buf.length)).toBeUndefined();
});

test('a message that is longer than what may be scanned is no confirmation, however it begins', () => {
  const message = { type, event_id: 'E', padding: 'x'.repeat(200) };
  expect(read(message, { scanBytes: 300 })).toEqual(confirmed);
  expect(read(message, { scanBytes: 200 })).toBeUndefined();
});

test('matchers are tried in order, and an empty pointer looks for nothing', () => {
  const confirmations = [
    { type: 'ack', id: '/id', status: '', error: '' },
    { type: 'ack', id: '/ids/0', status: '/ok', error: '/why' },
  ];
  expect(read({ type: 'ack', id: 'A', ids: ['B'], status: 'failed' }, { confirmations })?.eventId).toBe('A');
  expect(read({ type: 'ack', ids: ['B'], ok: 'failed', why: 'w' }, { confirmations })).toEqual({
    eventId: 'B',
    rejected: true,
    error: 'w',
  });
});

test('a client message counts nowhere among the upstream messages that are no events', () => {
  const decoder = createDecoder(DEFAULT_DECODE_OPTIONS);
  const reader = decoder.open(NO_CLAIM);
  const buf = Buffer.from('not json');
  reader.confirmation(buf, 0, buf.length);
  expect(Object.values(decoder.others)).toEqual([0, 0, 0, 0, 0]);
});
