// Several events in one message: which spellings are taken apart, and what is left whole.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import type { DecodeOptions } from '../../src/decode/options.ts';
import { propertyOptions } from '../support/seed.ts';
import { NO_CLAIM } from '../support/upgrades.ts';

const RS = '\x1e';
const event = (id: number) => `{"type":"note","event_id":"e${id}","text":"[{\\"}]"}`;

function decode(message: string, changes: Partial<DecodeOptions> = {}, split = true) {
  const decoder = createDecoder({ ...DEFAULT_DECODE_OPTIONS, ...changes });
  const reader = decoder.open(NO_CLAIM);
  const around = Buffer.from('}],[{"type":"outside"}');
  const buf = Buffer.concat([around, Buffer.from(message), around]);
  const [start, end] = [around.length, buf.length - around.length];
  const found: string[] = [];
  const note = (facts: ReturnType<typeof reader.event>) =>
    facts !== undefined && found.push(facts.id === undefined ? facts.type.name : `${facts.type.name} ${facts.id}`);
  note(reader.event(buf, start, end, end - start, split));
  const ids = [...reader.leftOut];
  const { mayHide } = reader;
  while (reader.more) note(reader.next());
  expect(decoder.batched).toBe(Math.max(0, found.length - 1));
  return { found, ids, mayHide, others: Object.entries(decoder.others).filter(([, count]) => count > 0) };
}

test.each<[string, string]>([
  ['an array', `[${event(1)}, ${event(2)} ,${event(3)}]`],
  ['an array with white space around it', ` \n[ ${event(1)},${event(2)},${event(3)}\n]\n`],
  ['lines', `${event(1)}\n${event(2)}\r\n${event(3)}\n`],
  ['objects one behind the other', `${event(1)}${event(2)}${event(3)}`],
  ['records that RS ends (SignalR)', [event(1), event(2), event(3), ''].join(RS)],
  ['records that RS begins (RFC 7464)', ['', event(1), event(2), event(3)].join(RS)],
])('[D21] %s: each event by itself', (_name, message) => {
  expect(decode(message).found).toEqual(['note e1', 'note e2', 'note e3']);
  expect(decode(message, {}, false).found).toHaveLength(1);
  expect(decode(message, {}, false).found[0]).not.toContain('note');
});

test.each<[string, string, string]>([
  ['one record that RS ends', event(1) + RS, 'note e1'],
  ['an array of one', `[${event(1)}]`, 'note e1'],
  ['events among objects without a type, and among chatter', `[{},${event(1)},{"type":"ping"},{"a":1}]`, 'note e1'],
  ['a record without a type', `{"a":1}${RS}`, 'json'],
  ['objects without a type', '{"a":1}\n{"a":2}', 'json'],
  ['an array of objects without a type', '[{"a":1},{"a":2}]', 'array'],
  ['an empty array', '[]', 'array'],
  ['an array of something else (Phoenix)', `[null,null,"room:1","note",${event(1)}]`, 'array'],
  ['an array with a comma too many', `[${event(1)},]`, 'array'],
  ['an array that does not end', `[${event(1)}`, 'array'],
  ['an array and more', `[${event(1)}] x`, 'array'],
  ['an array whose last object is broken', `[${event(1)},{"type":"\\x"}]`, 'array'],
  ['objects and words', `${event(1)} and ${event(2)}`, 'text'],
  ['objects with a comma between them', `${event(1)},${event(2)}`, 'text'],
])('[D21] %s', (_name, message, found) => {
  expect(decode(message).found).toEqual([found]);
});

test('[D21] only chatter in a message is what the rules leave out', () => {
  expect(decode('[{"type":"ping"},{"type":"pong"}]')).toMatchObject({ found: [], others: [['untracked', 1]] });
});

test('[D21] 64 events are taken apart; more are one message of the shape array, and so is what is longer than is scanned', () => {
  const many = (count: number, by: string) => Array.from({ length: count }, (_, i) => event(i)).join(by);
  expect(decode(`[${many(64, ',')}]`).found).toHaveLength(64);
  expect(decode(many(64, '\n')).found).toHaveLength(64);
  expect(decode(`[${many(65, ',')}]`).found).toEqual(['array']);
  expect(decode(many(65, '\n')).found).toEqual(['array']);
  expect(decode(`[${many(20, ',')}]`, { scanBytes: 256 }).found).toEqual(['array']);
});

test.each<[string, string, boolean?]>([
  ['more than 64 events', `[${Array.from({ length: 70 }, (_, i) => event(i)).join(',')}]`],
  ['an object without a type', '{"event_id":"e0"}'],
  ['objects without a type', '{"event_id":"e0"}\n{"event_id":"e1"}'],
  ['an array of something else (Phoenix)', `[null,"{",[${event(0)}],${event(1)}]`],
  ['objects among words', `data: ${event(0)}\n\ndata: ${event(1)}\n\n`],
  ['an array whose last object is broken', `[${event(0)},{"type":"\\x"}]`],
  ['events towards a client that has opted in', `[${event(0)},${event(1)}]`, false],
])('[D13] ids in a message that is not taken apart are left out by name: %s', (_name, message, split = true) => {
  const { ids, mayHide } = decode(message, {}, split);
  const wanted = [...new Set(message.match(/(?<="event_id":")e\d+/g))];
  expect([[...new Set(ids)], mayHide]).toEqual([wanted, false]);
});

test('[D13] a message may hide ids where there is more of it than is scanned, more objects than are looked at, or what only seems to be one', () => {
  const hides = (message: string, scanBytes = 65_536) => decode(message, { scanBytes }).mayHide;
  expect(hides(`[${event(0)},${event(1)},${event(2)}]`, 80)).toBe(true);
  expect(hides(`{"type":"note","text":"${'x'.repeat(100)}"}`, 80)).toBe(false);
  expect(hides(`[${'1,'.repeat(100)}1]`, 80)).toBe(false);
  expect(hides(`[${'{},'.repeat(1024)}5]`)).toBe(false);
  expect(hides(`[${'{},'.repeat(1024)}{}]`)).toBe(true);
  expect(hides(`${'{'.repeat(40_000)}`)).toBe(true);
});

test('[D21] with `count` what is taken apart is tracked all the same', () => {
  expect(decode(`[${event(1)},${event(2)}]`, { unread: 'count' }).found).toHaveLength(2);
});

test('[D21] random batches have the events that JSON.parse finds, and garbage never throws', () => {
  const part = fc.record({ type: fc.constantFrom('note', 'x', ''), event_id: fc.string(), more: fc.jsonValue() });
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 2, maxLength: 8 }),
      fc.constantFrom('array', '\n', '', RS),
      fc.nat(),
      (parts, how, cut) => {
        const texts = parts.map((one) => JSON.stringify(one));
        const message = how === 'array' ? JSON.stringify(parts) : texts.join(how);
        const wanted = parts.filter(({ type }) => type !== '');
        const found = wanted.map(({ type, event_id }) => (event_id === '' ? type : `${type} ${event_id}`));
        expect(decode(message).found).toEqual(found.length > 0 ? found : [how === 'array' ? 'array' : 'json']);
        decode(message.slice(0, cut % message.length));
      },
    ),
    propertyOptions(300),
  );
});
