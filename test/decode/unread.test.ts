// Messages that hold no event: by what name they are tracked, and who may say otherwise.
import { expect, test } from 'vitest';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import type { DecodeOptions } from '../../src/decode/options.ts';
import type { Rule } from '../../src/decode/rules.ts';
import { NO_CLAIM } from '../support/upgrades.ts';

const rule = (match: string, over: Partial<Rule> = {}): Rule => ({
  ...{ match: match.split(' '), track: true, priority: 'high', confirm: 'processed' },
  ...{ timeoutMs: 1000, attemptsMs: [], ...over },
});

function decoderOf(changes: Partial<DecodeOptions> = {}) {
  const decoder = createDecoder({ ...DEFAULT_DECODE_OPTIONS, ...changes });
  const reader = decoder.open(NO_CLAIM);
  const see = (message: string | Buffer) => reader.event(Buffer.from(message), 0, Buffer.byteLength(message));
  return { decoder, reader, see };
}

test.each<[string, string | Buffer, string]>([
  ['words', 'hello', 'text'],
  ['nothing', '', 'text'],
  ['a packet of Socket.IO', '42["note",{"event_id":"e"}]', 'text'],
  ['JSON in a JSON string', JSON.stringify('{"type":"x"}'), 'text'],
  ['a STOMP frame', 'MESSAGE\nmessage-id:1\n\n{}\0', 'text'],
  ['JSON that does not end', '{"type":"x"', 'text'],
  ['bytes that are not UTF-8', Buffer.from('7b2274797065223a22ff227d', 'hex'), 'text'],
  ['JSON without a type', ' {"event_id":"e"}', 'json'],
  ['an array', ' [1,2]', 'array'],
])('[D21] %s is tracked by its shape, without an id', (_name, message, shape) => {
  const { decoder, see } = decoderOf();
  expect(see('{"type":"note","event_id":"e","run_id":"r","user_id":"u","tool_name":"t"}')?.id).toBe('e');
  const facts = see(message);
  expect(facts).toMatchObject({ bytes: Buffer.byteLength(message), id: undefined, run: undefined, user: undefined });
  expect(facts?.type).toMatchObject({ name: shape, label: shape, policy: { priority: 'low', confirm: 'auto' } });
  expect(facts?.type.index).toBe(decoder.types.indexOf(facts!.type));
  expect(decoder.unread).toEqual({ text: 0, binary: 0, json: 0, array: 0, [shape]: 1 });
  expect(Object.values(decoder.others).every((count) => count === 0)).toBe(true);
});

test.each<[string, string | Buffer]>([
  ['JSON without a type', ' {"event_id":"e"}'],
  ['JSON that does not end', '{"type":"x"'],
  ['an array of other things', '[1,2]'],
  ['more events than are taken apart', `[${Array(65).fill('{"type":"x"}').join()}]`],
  ['a record that is not UTF-8', Buffer.from('7b2274797065223a22ff227d', 'hex')],
  ['another protocol', Buffer.from([0x0a, 0x7b, 1, 2, 3])],
])('[D21] in a binary message, %s is `binary`', (_name, message) => {
  const { decoder, reader } = decoderOf();
  const buf = Buffer.from(message);
  expect(reader.event(buf, 0, buf.length, buf.length, true, true)).toMatchObject({ type: { name: 'binary' } });
  expect(decoder.unread).toEqual({ text: 0, binary: 1, json: 0, array: 0 });
});

test('[D21] JSON in a binary message is an event as in a text message, and so is each of several', () => {
  const { decoder, reader } = decoderOf();
  const read = (text: string) => reader.event(Buffer.from(text), 0, text.length, text.length, true, true);
  expect(read('{"type":"tool_executing","event_id":"a"}')).toMatchObject({
    type: { name: 'tool_executing', policy: { priority: 'critical' } },
    id: 'a',
  });
  expect(read('[{"type":"note","event_id":"b"},{"type":"note","event_id":"c"}]')?.id).toBe('b');
  expect([reader.more, reader.next()?.id, reader.more]).toEqual([true, 'c', false]);
  expect(read('{"type":"ping"}')).toBeUndefined();
  expect(decoder.others.untracked).toBe(1);
  expect(decoder.unread).toEqual({ text: 0, binary: 0, json: 0, array: 0 });
});

test('[D21] what cannot be read at all is tracked by its shape, and its size is not known', () => {
  const { decoder } = decoderOf();
  expect(decoder.unreadable('binary')).toMatchObject({ type: { name: 'binary' }, bytes: 0 });
  expect(decoder.unread.binary).toBe(1);
});

test('[D21] with `count` nothing of it is tracked: the reasons count, and so do the shapes', () => {
  const { decoder, see } = decoderOf({ unread: 'count' });
  expect([see('hello'), see('[]'), decoder.unreadable('binary')]).toEqual([undefined, undefined, undefined]);
  expect(decoder.others).toMatchObject({ not_json: 1, not_object: 1 });
  expect(decoder.unread).toEqual({ text: 1, binary: 1, json: 0, array: 1 });
});

test('[D21] a rule that spells a shape out decides, except that nothing waits for a word that cannot come', () => {
  const { see } = decoderOf({ rules: [rule('text', { resend: true }), rule('*')] });
  const policy = { priority: 'high', confirm: 'auto', timeoutMs: 1000, attemptsMs: [] };
  expect(see('hello')?.type.policy).toEqual(policy);
  expect(see('[]')?.type.policy).toMatchObject({ priority: 'low', confirm: 'auto', timeoutMs: 15_000 });
});

test.each<[string, Partial<DecodeOptions>, boolean]>([
  ['the defaults', {}, true],
  ['no rule, shapes tracked', { rules: [] }, true],
  ['no rule, shapes counted', { rules: [], unread: 'count' }, false],
  ['nothing but what comes behind everything', { rules: [rule('*', { track: false }), rule('a')] }, false],
  ['one type before that', { rules: [rule('a'), rule('*', { track: false })] }, true],
  ['one shape', { rules: [rule('text array json', { track: false })] }, true],
])('[D21] whether any message is tracked: %s', (_name, options, tracks) => {
  expect(decoderOf(options).decoder.tracks).toBe(tracks);
});

test('[D21] globs speak of events; but where `*` is not tracked, no shape is that no rule names', () => {
  const globs = decoderOf({ rules: [rule('t* a*', { track: false })] });
  expect([globs.see('hello')?.type.name, globs.see('[]')?.type.name]).toEqual(['text', 'array']);
  const { decoder, see } = decoderOf({
    rules: [rule('json array', { track: false }), rule('text'), rule('*', { track: false })],
  });
  expect([see('[]'), see('{}'), decoder.unreadable('binary')]).toEqual([undefined, undefined, undefined]);
  expect(see('hello')?.type.name).toBe('text');
  expect(decoder.others).toMatchObject({ untracked: 2, no_type: 0, not_object: 0 });
  expect(decoder.unread).toEqual({ text: 1, binary: 0, json: 0, array: 0 });
});

test('[D21] a shape and the events that are called so share an index, whichever comes first', () => {
  for (const first of ['hello', '{"type":"text"}']) {
    const { decoder, see } = decoderOf({ rules: [rule('*')], maxTypes: 1 });
    see(first);
    const [shape, event] = [see('hello')!.type, see('{"type":"text"}')!.type];
    expect([shape.index, shape.label, shape.policy.priority]).toEqual([event.index, 'text', 'low']);
    expect([event.label, event.policy.priority]).toEqual(['text', 'high']);
    expect(decoder.types.map((type) => type.index)).toEqual(decoder.types.map((_, i) => i));
  }
});

test('[D21] shapes take no place from the types of events', () => {
  const { decoder, see } = decoderOf({ maxTypes: DEFAULT_DECODE_OPTIONS.rules.flatMap((one) => one.match).length });
  for (const message of ['hello', '[]', '{}']) see(message);
  decoder.unreadable('binary');
  const before = decoder.types.length;
  for (let i = 0; i < 100; i++) see(`{"type":"t${i}"}`);
  const { decoder: plain, see: seen } = decoderOf({
    maxTypes: DEFAULT_DECODE_OPTIONS.rules.flatMap((one) => one.match).length,
  });
  const start = plain.types.length;
  for (let i = 0; i < 100; i++) seen(`{"type":"t${i}"}`);
  expect(decoder.types.length - before).toBe(plain.types.length - start);
});
