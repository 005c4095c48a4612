// Messages, good and bad, and what the decoder makes of them under the default options.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import type { OtherReason } from '../../src/decode/event-types.ts';
import type { DecodeOptions } from '../../src/decode/options.ts';
import { NO_CLAIM } from '../support/upgrades.ts';

const lines = readFileSync(new URL('../fixtures/agent-events.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n');

function decode(message: string | Buffer, changes: Partial<DecodeOptions> = {}, size?: number) {
  const decoder = createDecoder({ ...DEFAULT_DECODE_OPTIONS, unread: 'count', ...changes });
  const reader = decoder.open(NO_CLAIM);
  const buf = Buffer.from(message);
  const facts = reader.event(buf, 0, buf.length, size ?? buf.length);
  const why = (Object.keys(decoder.others) as OtherReason[]).filter((reason) => decoder.others[reason] > 0);
  if (facts === undefined) return why.join();
  expect(why).toEqual([]);
  const { type, bytes, ...fields } = facts;
  const found = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  return { type: type.name, priority: type.policy.priority, bytes, ...found };
}

test('every shape of the agent events is recognised by default', () => {
  const common = { run: 'run_1', user: 'u1' };
  const tool = { ...common, type: 'tool_executing', priority: 'critical' };
  const done = { ...common, type: 'tool_completed', priority: 'critical' };
  const expected = [
    {
      ...common,
      type: 'agent_started',
      priority: 'high',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
    { type: 'agent_thinking', priority: 'normal', run: 'run_1' },
    { ...tool, tool: 'cost_analyzer', id: 'tool_executing_u1_run_1_1757620212123_ab12cd34' },
    { ...tool, tool: 'web_search', id: 'tool_executing_u1_run_1_1757620212900_00ff00ff' },
    { ...done, tool: 'cost_analyzer', id: 'tool_completed_u1_run_1_1757620212535_1234abcd' },
    { ...done, tool: 'web_search', id: 'tool_completed_u1_run_1_1757620213000_9876fedc' },
    { type: 'agent_completed', priority: 'high', run: 'run_1' },
    { type: 'agent_error', priority: 'high', run: 'run_2' },
  ];
  const decoded = lines.map((line) => decode(line));
  expect(decoded).toEqual([
    ...expected.map((one, i) => ({ ...one, bytes: Buffer.byteLength(lines[i]!) })),
    'untracked',
    'untracked',
  ]);
});

test.each([
  ...['ping', 'pong', 'heartbeat', 'heartbeat_ack', 'ack', 'subscribe_ack', 'keepalive', 'ka'],
  ...['connection_established', 'handshake_start', 'handshake_complete', 'authentication_required'],
])('[D21] %s is chatter: it is not tracked by default, so that it cannot flatter the rate', (type) => {
  expect(decode(JSON.stringify({ type, event_id: 'e' }))).toBe('untracked');
});

test.each([
  ['{"payload":{"event_id":"e"}', 'e'],
  ['{"payload":{"message_id":"m"}', 'm'],
  ['{"payload":{"message_id":"m","event_id":"e"}', 'e'],
])('%s…: the id is found by default', (start, id) => {
  expect(decode(`${start},"type":"note"}`)).toMatchObject({ type: 'note', id });
});

test.each<[string, string | Buffer, OtherReason]>([
  ['nothing', '', 'not_json'],
  ['white space', ' \n', 'not_json'],
  ['words', 'hello', 'not_json'],
  ['an object that does not end', '{"type":"x"', 'not_json'],
  ['an object that ends twice', '{"type":"x"}}', 'not_json'],
  ['two objects and a comma', '{"type":"x"},{"type":"x"}', 'not_json'],
  ['a comma too many', '{"type":"x",}', 'not_json'],
  ['a missing colon', '{"type" "x"}', 'not_json'],
  ['a missing value', '{"type":}', 'not_json'],
  ['a key that is no string', '{type:"x"}', 'not_json'],
  ['closers in the wrong order', '{"a":[{]},"type":"x"}', 'not_json'],
  ['a wrong word', '{"a":nul,"type":"x"}', 'not_json'],
  ['a wrong escape in the type', '{"type":"\\x"}', 'not_json'],
  ['a wrong escape in a key', '{"\\x":1,"type":"x"}', 'not_json'],
  ['a wrong escape in the id', '{"type":"x","event_id":"\\u12"}', 'not_json'],
  ['a wrong number as id', '{"type":"x","event_id":01}', 'not_json'],
  ['a line feed in the type', '{"type":"a\nb"}', 'not_json'],
  ['a byte order mark', '\ufeff{"type":"x"}', 'not_json'],
  ['an array', '[1,{"type":"x"}]', 'not_object'],
  ['a string', '"type"', 'not_object'],
  ['a number', '-1', 'not_object'],
  ['null', 'null', 'not_object'],
  ['no type', '{"event_id":"1"}', 'no_type'],
  ['a type that is null', '{"type":null}', 'no_type'],
  ['a type that is a number', '{"type":5}', 'no_type'],
  ['an empty type', '{"type":""}', 'no_type'],
  ['a type of 1025 bytes', `{"type":"${'x'.repeat(1025)}"}`, 'no_type'],
  ['a type overwritten by null', '{"type":"x","type":null}', 'no_type'],
  ['invalid UTF-8 in the type', Buffer.from('7b2274797065223a22ff227d', 'hex'), 'invalid_utf8'],
  ['an overlong character', Buffer.from('{"type":"x","a":"\xc0\xaf"}', 'latin1'), 'invalid_utf8'],
  ['a surrogate in UTF-8 in a key', Buffer.from('{"\xed\xa0\x80":1,"type":"x"}', 'latin1'), 'invalid_utf8'],
  [
    'invalid UTF-8 far into a long string',
    Buffer.from(`{"type":"x","a":"${'-'.repeat(900)}\xff"}`, 'latin1'),
    'invalid_utf8',
  ],
  ['fifty thousand arrays without an end', `{"type":"x","a":${'['.repeat(50_000)}`, 'not_json'],
  ['a comma behind the last element', '{"type":"x","a":[1, ]}', 'not_json'],
  ['a comma behind the last member, further in', '{"type":"x","a":[{"b":1,}]}', 'not_json'],
  ['a line feed in a string', '{"type":"x","a":"a\nb"}', 'not_json'],
  ['half a NaN', '{"type":"x","a":Na}', 'not_json'],
])('%s is passed on and counted', (_name, message, reason) => {
  expect(decode(message)).toBe(reason);
});

test('however deep a document is, its fields are found; only pointers into more than 64 containers lead nowhere', () => {
  const deep = (n: number) => `{"type":"x","a":${'{"a":'.repeat(n - 1)}"id"${'}'.repeat(n)}`;
  const pointer = (n: number) => ({ id: ['/a'.repeat(n)] });
  for (const n of [63, 64, 200, 10_000]) {
    const text = `{"a":${'['.repeat(n)}${']'.repeat(n)},"type":"x"}`;
    expect(decode(text)).toMatchObject({ type: 'x' });
    expect(decode(text.replace(',"type"', ']'))).toBe('not_json');
  }
  expect(decode(deep(64), pointer(64))).toMatchObject({ id: 'id' });
  expect(decode(deep(65), pointer(65))).toEqual({ type: 'x', priority: 'low', bytes: deep(65).length });
});

test.each(['NaN', 'Infinity', '-Infinity', '[NaN,-Infinity]', '{"a":Infinity}'])(
  '%s is a value, as Python writes and reads it, and never a field',
  (value) => {
    expect(decode(`{"event_id":${value},"type":"x","run_id":"r"}`)).toMatchObject({ type: 'x', run: 'r' });
    expect(decode(`{"event_id":${value},"type":"x"}`)).not.toHaveProperty('id');
  },
);

test('the first pointer that hits wins, wherever it stands in the message', () => {
  expect(decode('{"data":{"event_id":"late"},"type":"b","event_id":"first","event":"a"}')).toMatchObject({
    type: 'a',
    id: 'first',
  });
  expect(decode('{"event":null,"type":"b","event_id":{},"message_id":false,"data":{"event_id":7}}')).toMatchObject({
    type: 'b',
    id: '7',
  });
});

test('of duplicate keys the last wins, with everything inside it', () => {
  expect(decode('{"type":"a","type":"b","data":{"run_id":"r","tool_name":"t"},"data":{"tool_name":"u"}}')).toEqual({
    type: 'b',
    priority: 'low',
    bytes: 86,
    tool: 'u',
  });
  expect(decode('{"type":"a","\\u0074ype":"b"}')).toMatchObject({ type: 'b' });
});

test('numbers are ids, each with one text however it is spelled', () => {
  expect(decode('{"type":"x","event_id":12345678901234567890,"run_id":-1.50,"tool_name":3}')).toMatchObject({
    id: '12345678901234567890',
    run: '-1.5',
  });
  expect(decode('{"type":"x","tool_name":3}')).not.toHaveProperty('tool');
});

test('beyond scanBytes nothing is looked for or judged; what was found counts', () => {
  const big = `{"type":"x","text":"${'é'.repeat(50_000)}","event_id":"far"} what is this`;
  expect(decode(big)).toEqual({ type: 'x', priority: 'low', bytes: Buffer.byteLength(big) });
  expect(decode(`{"text":"${'x'.repeat(70_000)}","type":"x"}`)).toBe('no_type');
  // Wherever the cut falls, in a character too, valid text stays valid.
  for (let scanBytes = 12; scanBytes < 40; scanBytes++) {
    expect(decode('{"type":"x","a":"é€😀é€😀é€😀"}', { scanBytes })).toMatchObject({ type: 'x' });
  }
  expect(decode('{"type":"x","event_id":"12', {}, 5_000_000)).toEqual({ type: 'x', priority: 'low', bytes: 5_000_000 });
  expect(decode('{"type":"x","event_id":12', {}, 5_000_000)).not.toHaveProperty('id');
});

test('text is copied exactly: escapes, other alphabets, emoji', () => {
  expect(decode('{"type":"r\\u00e9sum\\u00e9","event_id":"\\ud83d\\ude00\\n","run_id":"日本 😀"}')).toMatchObject({
    type: 'résumé',
    id: '😀\n',
    run: '日本 😀',
  });
});

test('long strings full of escaped quotes and backslashes end where they end', () => {
  for (let n = 0; n < 200; n++) {
    const message = JSON.stringify({
      text: `${'-'.repeat(n)}"\\${'\\'.repeat(n % 5)}"${'='.repeat(130)}\\`,
      type: 'x',
    });
    expect(decode(message)).toMatchObject({ type: 'x' });
  }
});

test('array indexes in pointers count elements', () => {
  const options = { id: ['/items/2/id', '/items/0'], run: ['/items/01'], user: ['/items/-'] };
  expect(decode('{"type":"x","items":["zero",{"id":"one"},{"id":"two"},{"id":"three"}]}', options)).toMatchObject({
    id: 'two',
  });
  expect(decode('{"type":"x","items":["zero"]}', options)).toEqual({
    type: 'x',
    priority: 'low',
    bytes: 29,
    id: 'zero',
  });
  expect(decode('{"type":"x","items":{"0":"key","01":"r","-":"u"}}', options)).toMatchObject({
    id: 'key',
    run: 'r',
    user: 'u',
  });
  expect(decode('{"type":"x","items":[1 2]}', options)).toBe('not_json');
  expect(decode('{"type":"x","items":[]}', options)).toMatchObject({ type: 'x' });
});

test('the facts are one object, emptied for each event', () => {
  const reader = createDecoder(DEFAULT_DECODE_OPTIONS).open(NO_CLAIM);
  const full = Buffer.from('{"type":"x","event_id":"1","run_id":"2"}');
  const bare = Buffer.from('{"type":"x"}');
  const first = reader.event(full, 0, full.length);
  expect(first?.id).toBe('1');
  expect(reader.event(bare, 0, bare.length)).toBe(first);
  expect(first).toMatchObject({ id: undefined, run: undefined, bytes: bare.length });
});
