// The library and the sidecar read the same messages as the same words, and find the same id in the same event.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS, DEFAULT_ID_POINTERS } from '../../src/decode/defaults.ts';
import { eventIdIn } from '../../src/embed/event-id.ts';
import { readConfirmation } from '../../src/embed/message.ts';
import { anyText } from '../support/any-text.ts';
import { propertyOptions } from '../support/seed.ts';
import { NO_CLAIM } from '../support/upgrades.ts';
import { setUp } from './harness.ts';

const reader = createDecoder(DEFAULT_DECODE_OPTIONS).open(NO_CLAIM);
const type = 'event_confirmation';

function sidecar(text: string) {
  const bytes = Buffer.from(text);
  return reader.confirmation(bytes, 0, bytes.length);
}

/** The same message in every form in which a backend may have it. */
function forms(text: string): [string, unknown][] {
  const bytes = Buffer.from(text);
  const all: [string, unknown][] = [
    ['text', text],
    ['Buffer', bytes],
    ['Uint8Array', new Uint8Array(bytes)],
    ['ArrayBuffer', new Uint8Array(bytes).buffer],
    ['pieces', [bytes.subarray(0, 3), bytes.subarray(3)]],
  ];
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) all.push(['parsed', parsed]);
  } catch {
    // There is no such form of what is no JSON.
  }
  return all;
}

const confirmed = (eventId: string) => ({ eventId, rejected: false, error: '' });
const rejected = (eventId: string, error: string) => ({ eventId, rejected: true, error });

test.each<[string, unknown, ReturnType<typeof sidecar>]>([
  ['the documented message', { type, event_id: 'E', status: 'confirmed' }, confirmed('E')],
  ['no status', { type, event_id: 'E' }, confirmed('E')],
  ['a status of null', { type, event_id: 'E', status: null }, confirmed('E')],
  ['the type under `event`', { event: type, event_id: 'E' }, confirmed('E')],
  ['failed', { type, event_id: 'E', status: 'failed', error: 'boom' }, rejected('E', 'boom')],
  ['error', { type, event_id: 'E', status: 'error', error: 'boom' }, rejected('E', 'boom')],
  ['rejected', { type, event_id: 'E', status: 'rejected' }, rejected('E', '')],
  ['an error that is no text', { type, event_id: 'E', status: 'failed', error: { code: 1 } }, rejected('E', '')],
  [
    'a long error',
    { type, event_id: 'E', status: 'failed', error: `${'x'.repeat(255)}😀` },
    rejected('E', 'x'.repeat(255)),
  ],
  ['a numeric id', { type, event_id: 42 }, confirmed('42')],
  ['a numeric id as text', { type, event_id: '42' }, confirmed('42')],
  ['a numeric id with a fraction of nothing', `{"type":"${type}","event_id":42.0}`, confirmed('42')],
  ['zero', { type, event_id: 0 }, confirmed('0')],
  ['minus nothing', `{"type":"${type}","event_id":-0}`, confirmed('0')],
  ['a numeric id of 1e21', { type, event_id: 1e21 }, confirmed('1000000000000000000000')],
  ['an escaped spelling', `{"type":"event\\u005fconfirmation","event_id":"\\u0045"}`, confirmed('E')],
  ['a duplicate key', `{"type":"${type}","event_id":"A","event_id":"B"}`, confirmed('B')],
  ['a long message', { type, event_id: 'E', padding: 'x'.repeat(10_000) }, confirmed('E')],
  ['an unknown status', { type, event_id: 'E', status: 'received' }, undefined],
  ['an unknown status in capitals', { type, event_id: 'E', status: 'CONFIRMED' }, undefined],
  ['an empty status', { type, event_id: 'E', status: '' }, undefined],
  ['a status of true', { type, event_id: 'E', status: true }, undefined],
  ['a status that is an object', { type, event_id: 'E', status: {} }, undefined],
  ['no id', { type, status: 'confirmed' }, undefined],
  ['an empty id', { type, event_id: '' }, undefined],
  ['an id of null', { type, event_id: null }, undefined],
  ['an id that is an object', { type, event_id: { a: 1 } }, undefined],
  ['an id of true', { type, event_id: true }, undefined],
  ['an id of 1,024 bytes', { type, event_id: 'x'.repeat(1024) }, confirmed('x'.repeat(1024))],
  ['an id of 1,025 bytes', { type, event_id: 'x'.repeat(1025) }, undefined],
  ['another type', { type: 'chat', event_id: 'E' }, undefined],
  ['no type', { event_id: 'E' }, undefined],
  ['the word in a chat', { type: 'chat', text: type }, undefined],
  ['alone in an array', [{ type, event_id: 'E' }], { ...confirmed('E'), forward: false }],
  [
    'in an array with something else',
    [{ type, event_id: 'E' }, { type: 'chat' }],
    { ...confirmed('E'), forward: true },
  ],
  ['an array with text in it', [{ type, event_id: 'E' }, 'E'], undefined],
  ['an array in an array', [[{ type, event_id: 'E' }]], undefined],
  ['an empty array', [], undefined],
  ['ended by RS', `{"type":"${type}","event_id":"E"}\x1e`, { ...confirmed('E'), forward: false }],
  ['half a message', `{"type":"${type}"`, undefined],
  ['a wrong number', `{"type":"${type}","event_id":042}`, undefined],
  ['text', 'hello', undefined],
  ['nothing', '', undefined],
  ['the prototype', `{"__proto__":{"type":"${type}","event_id":"E"}}`, undefined],
])('both read it alike: %s', (_name, message, expected) => {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  expect(sidecar(text)).toEqual(expected);
  for (const [form, given] of forms(text)) expect(readConfirmation(given), form).toEqual(expected);
});

test('both read random confirmations alike', () => {
  const value = fc.oneof(
    fc.constantFrom('confirmed', 'failed', 'error', 'rejected', 'unknown', '', 'E', null, true, 7, 1.5, -0, {}, []),
    anyText(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.anything({ maxDepth: 2 }),
  );
  const message = fc.record(
    {
      type: fc.constantFrom(type, 'chat', 7),
      event: fc.constantFrom(type, 'x'),
      event_id: value,
      status: value,
      error: value,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(message, (one) => {
      const text = jsonOf(one);
      if (text === undefined) return;
      for (const [form, given] of forms(text)) expect(readConfirmation(given), form).toEqual(sidecar(text));
    }),
    propertyOptions(2000),
  );
});

test('whatever a client sends, reading it never throws', () => {
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const thrower = {
    get type(): string {
      throw new Error('no');
    },
  };
  for (const message of [
    revoked.proxy,
    thrower,
    { type, event_id: 7n },
    Symbol('s'),
    () => {},
    new Map(),
    null,
    undefined,
  ])
    expect(() => setUp().tracker.receive(message, { user: 'u' })).not.toThrow();
});

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // A bigint or a circle: nothing that a client can send.
    return undefined;
  }
}

describe('the id of an event', () => {
  const found = (event: object) => {
    const bytes = Buffer.from(JSON.stringify({ type: 'x', ...event }));
    return reader.event(bytes, 0, bytes.length)?.id;
  };
  /** An event with the id at that pointer. */
  const withIdAt = (pointer: string, id: unknown) =>
    pointer
      .slice(1)
      .split('/')
      .reduceRight<unknown>((inner, key) => ({ [key]: inner }), id) as Record<string, unknown>;

  test.each(DEFAULT_ID_POINTERS)('both find it at %s, as text and as a number', (pointer) => {
    for (const [id, expected] of [
      ['E', 'E'],
      [7, '7'],
    ] as const) {
      expect(found(withIdAt(pointer, id))).toBe(expected);
      expect(eventIdIn(withIdAt(pointer, id))).toBe(expected);
    }
  });

  test('payload.event_id and payload.message_id are among the places', () => {
    expect(eventIdIn({ payload: { event_id: 'E' } })).toBe('E');
    expect(eventIdIn({ payload: { message_id: 'M' } })).toBe('M');
    expect(eventIdIn({ payload: { message_id: 'M', parameters: { event_id: 'E' } } })).toBe('E');
  });

  test('both look in one order, and take the same for no id', () => {
    const id = fc.oneof(
      fc.constantFrom('a', 'b', '', 'x'.repeat(1025), null, false, 0, 1.5, 2 ** 53, 1e300, {}, []),
      anyText({ minLength: 300, maxLength: 1100 }),
    );
    const inner = fc.record({ event_id: id, message_id: id }, { requiredKeys: [] });
    const middle = fc.oneof(
      fc.record({ event_id: id, message_id: id, parameters: inner, result: inner }, { requiredKeys: [] }),
      fc.constantFrom(null, 'text', []),
    );
    const event = fc.record(
      { event_id: id, message_id: id, data: middle, payload: middle, results: inner, parameters: inner, result: inner },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(event, (one) => {
        expect(eventIdIn(one)).toBe(found(one));
      }),
      propertyOptions(3000),
    );
  });

  class Dated {
    readonly event_id = 'not what is sent';
    toJSON() {
      return { event_id: 'E' };
    }
  }
  const key = (given: string) => ({ toJSON: (name: string) => `${given} of ${name}` });

  test.each<[string, unknown, string | undefined]>([
    ['an object that says what it is in JSON', new Dated(), 'E'],
    ['one in an event', { data: new Dated() }, 'E'],
    ['an id that says what it is in JSON', { event_id: key('id') }, 'id of event_id'],
    ['a date', { event_id: new Date(0) }, '1970-01-01T00:00:00.000Z'],
    ['an object without JSON', { toJSON: () => undefined }, undefined],
    ['a String', { event_id: new String('E') }, 'E'],
    ['a Number', { payload: { event_id: new Number(7) } }, '7'],
    ['a number beyond 2^53 as text', '{"event_id":9007199254740993}', '9007199254740993'],
    ['a text that is no event', '"E"', undefined],
    ['a text that is no JSON', '{"event_id":"E"', undefined],
    ['a wrong escape', '{"event_id":"\\x"}', undefined],
    ['a lone surrogate', '{"event_id":"\ud800"}', '\ufffd'],
    ['no bytes', new Uint8Array(), undefined],
    ['an empty list', [], undefined],
    ['a list of events', [{ event_id: 'E' }], undefined],
  ])('%s', (_name, data, id) => {
    expect(eventIdIn(data)).toBe(id);
  });

  test('events as text and as bytes have the id that the sidecar finds in them', () => {
    for (const text of [
      '{"type":"x","event_id":"E"}',
      ' \n{"type":"x","payload":{"event_id":7.0}}',
      `{"type":"x","event_id":"E","text":"${'y'.repeat(200_000)}"}`,
      `{"type":"x","text":"${'y'.repeat(200_000)}","event_id":"E"}`,
      '{"type":"x","event_id":"\\u0045"}',
      '{"type":"x"}',
    ]) {
      const bytes = Buffer.from(text);
      const expected = reader.event(bytes, 0, bytes.length)?.id;
      for (const [form, data] of [...forms(text).filter(([name]) => name !== 'parsed'), ['String', Object(text)]])
        expect([form, eventIdIn(data)]).toEqual([form, expected]);
    }
  });

  test('one is confirmed under the id that is in its text, in its bytes and in its JSON', () => {
    const { tracker } = setUp();
    const text = '{"type":"t","event_id":"E"}';
    for (const data of [text, Buffer.from(text), new Uint8Array(Buffer.from(text)), new Dated()]) {
      expect(tracker.track({ type: 't', data, user: 'u' })).toBe('E');
      expect(tracker.receive({ type, event_id: 'E' }, { user: 'u' })).toBe('confirmed');
    }
  });

  test('data that cannot be looked at has no id, and costs nothing else', () => {
    const { tracker } = setUp();
    const data = {
      get payload(): object {
        throw new Error('not loaded');
      },
    };
    expect(tracker.status(tracker.track({ type: 't', data }))?.status).toBe('pending');
  });

  test('an event with a numeric id is confirmed by the number and by its text', () => {
    const { tracker } = setUp();
    expect(tracker.track({ type: 't', data: { event_id: 7 }, user: 'u' })).toBe('7');
    expect(tracker.receive('{"type":"event_confirmation","event_id":7.0}', { user: 'u' })).toBe('confirmed');
    tracker.track({ type: 't', id: 8, user: 'u' });
    expect(tracker.confirm('8', { user: 'u' })).toBe('confirmed');
    tracker.track({ type: 't', id: '9', user: 'u' });
    expect(tracker.confirm(9, { user: 'u' })).toBe('confirmed');
  });

  test('beyond 2^53 the text of a message keeps every digit', () => {
    const { tracker } = setUp();
    tracker.track({ type: 't', id: '9007199254740993' });
    tracker.track({ type: 't', id: '9007199254740992' });
    expect(tracker.receive('{"type":"event_confirmation","event_id":9007199254740993}')).toBe('confirmed');
    expect(tracker.pending().map(({ id }) => id)).toEqual(['9007199254740992']);
  });
});
