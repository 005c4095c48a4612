// Files that the page opens come from anywhere: a case is read strictly, a HAR file for what it is, and neither reaches what objects inherit.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConnectionDetailJson, DeliveryDetailJson, MessageJson } from '../../src/admin/shapes.ts';
import { isCase, readCase, writeCase } from '../../src/page/case-file.ts';
import { readHar, unkept, writeHar } from '../../src/page/har.ts';
import { layOut, ticksTo } from '../../src/page/timeline-scale.ts';
import { propertyOptions } from '../support/seed.ts';

const CONNECTION: ConnectionDetailJson = {
  id: 'c-1',
  session: 's-1',
  user: 'ada',
  claimed_user: null,
  capability: 'received',
  opened_at: '2026-03-01T12:00:00.000Z',
  closed_at: '2026-03-01T12:00:10.000Z',
  closed_by: 'client',
  close_code: 1006,
  remote: '127.0.0.1',
  path: '/ws?a=1',
  pending: 0,
  messages: 2,
  life: [{ step: 'opened', at: '2026-03-01T12:00:00.000Z' }],
  deliveries: { pending: 0, retrying: 0, confirmed: 1, failed: 0, timeout: 0, unverifiable: 0 },
  remembered: 2,
};

const MESSAGE: MessageJson = {
  seq: 1,
  direction: 'to_client',
  kind: 'text',
  type: 'agent_thinking',
  bytes: 12,
  at: '2026-03-01T12:00:01.000Z',
  ordinal: 1,
  consumed: false,
  delivery: 'd-1',
  status: 'confirmed',
  reason: null,
  payload: '{"secret":1}',
  cut: false,
};

const STEP = { step: 'send', at: '2026-03-01T12:00:01.000Z', after_ms: 0 } as const;
const DELIVERY: DeliveryDetailJson = {
  id: 'd-1',
  event_id: 'e-1',
  type: 'agent_thinking',
  priority: 'normal',
  status: 'failed',
  error_type: 'disconnected',
  unverifiable_reason: null,
  level: null,
  required: 'received',
  attempts: 1,
  session: 's-1',
  user: 'ada',
  claimed_user: null,
  run: null,
  tool: null,
  tool_call: null,
  ordinal: 1,
  bytes: 12,
  kept: false,
  sent_at: '2026-03-01T12:00:01.000Z',
  deadline_at: '2026-03-01T12:00:31.000Z',
  received_ms: null,
  settled_ms: 9000,
  rejected_ms: null,
  trace_id: null,
  error_text: null,
  connection: null,
  sent_over: null,
  timeline: [STEP],
  same_event: { count: 0, deliveries: [] },
};

const ABOUT = { service: 'agent', version: '1.2.3' };
const parts = { delivery: null, connection: CONNECTION, messages: [MESSAGE] };

/** Through a file. */
const saved = (value: object): unknown => JSON.parse(JSON.stringify(value));

describe('a case', () => {
  it('is read as it was written; payloads go along only when that was wished', () => {
    expect(readCase(saved(writeCase(ABOUT, parts, true)))).toMatchObject({
      connection: CONNECTION,
      messages: [MESSAGE],
    });
    const without = readCase(saved(writeCase(ABOUT, parts, false)));
    expect(without).toMatchObject({ messages: [{ payload: null }] });
    expect(JSON.stringify(without)).not.toContain('secret');
  });

  it.each([
    ['id', 7],
    ['id', { toString: 'x' }],
    ['opened_at', 'yesterday'],
    ['life', {}],
    ['life', [null]],
    ['close_code', '1006'],
    ['user', ['ada']],
  ])('a connection whose %s is %j is refused with its name', (name, value) => {
    const file = saved(writeCase(ABOUT, { ...parts, connection: { ...CONNECTION, [name]: value } as never }, true));
    expect(readCase(file)).toMatch(new RegExp(`^This case cannot be read: connection\\.${name}`));
  });

  it.each<[string, object]>([
    ['a status that is none', { status: 'constructor' }],
    ['a priority that is none', { priority: 'hidden-input' }],
    ['a step that is none', { timeline: [{ ...STEP, step: '__proto__' }] }],
    ['a step at the end of all numbers', { timeline: [{ ...STEP, after_ms: 1e308 }] }],
    ['a time line as long as a book', { timeline: Array.from({ length: 200_000 }, () => STEP) }],
  ])('a delivery with %s is refused in words', (_, change) => {
    const file = saved(writeCase(ABOUT, { ...parts, delivery: { ...DELIVERY, ...change } as never }, true));
    expect(readCase(file)).toMatch(/^This case cannot be read: delivery\./);
    expect(readCase(saved(writeCase(ABOUT, { ...parts, delivery: DELIVERY }, true)))).toMatchObject({
      delivery: DELIVERY,
    });
  });

  it('whatever spans of time a file claims, they are laid out with few ticks', () => {
    const ms = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true, min: -9e15, max: 9e15 }));
    fc.assert(
      fc.property(
        ms,
        fc.date({ noInvalidDate: true }),
        fc.date({ noInvalidDate: true }),
        (after_ms, sent, deadline) => {
          const times = { sent_at: sent.toISOString(), deadline_at: deadline.toISOString() };
          const delivery = { ...DELIVERY, ...times, timeline: [{ ...STEP, after_ms }] };
          for (const status of ['pending', 'timeout', 'confirmed'] as const) {
            const { marks, ticks } = layOut(
              { ...delivery, status },
              CONNECTION.life,
              Date.parse('2026-03-01T12:00:00Z'),
            );
            expect(ticks.length).toBeLessThanOrEqual(11);
            for (const { at } of [...marks, ...ticks]) expect(at >= 0 && at <= 1).toBe(true);
          }
        },
      ),
      propertyOptions(300),
    );
    expect(ticksTo(Number.MAX_VALUE).length).toBeLessThanOrEqual(11);
    expect(ticksTo(1000)).toEqual([0, 200, 400, 600, 800]);
  });

  it('whatever else is in a file, it is shown, or refused in words: it never throws', () => {
    const shapes = fc.oneof(fc.jsonValue(), fc.record({ ackspan_case: fc.constant(1), messages: fc.jsonValue() }));
    const broken = fc.tuple(fc.constantFrom(...Object.keys(writeCase(ABOUT, parts, true))), fc.jsonValue());
    fc.assert(
      fc.property(shapes, broken, (any, [name, value]) => {
        for (const file of [any, saved({ ...writeCase(ABOUT, parts, true), [name]: value })]) {
          const read = isCase(file) ? readCase(file) : readHar(file);
          expect(['string', 'object']).toContain(typeof read);
        }
      }),
    );
  });

  it('what it only inherits is not there', () => {
    const file: unknown = JSON.parse('{"__proto__":{"ackspan_case":1,"messages":[]}}');
    expect(isCase(Object.create({ ackspan_case: 1 }))).toBe(false);
    expect(isCase(file)).toBe(false);
  });
});

describe('a HAR file', () => {
  it('has the WebSocket messages where Chrome looks for them, oldest first, and is read again', () => {
    const har = saved(writeHar(CONNECTION, [MESSAGE, { ...MESSAGE, seq: 2, direction: 'to_upstream' }], '1.2.3'));
    expect(har).toMatchObject({
      log: {
        version: '1.2',
        entries: [
          {
            _resourceType: 'websocket',
            request: { method: 'GET', url: 'ws://ackspan.invalid/ws?a=1' },
            response: { status: 101 },
            _webSocketMessages: [
              { type: 'receive', time: Date.parse(MESSAGE.at) / 1000, opcode: 1, data: '{"secret":1}' },
              { type: 'send', opcode: 1 },
            ],
          },
        ],
      },
    });
    expect(readHar(har)).toMatchObject([{ messages: [{ type: 'receive', data: '{"secret":1}' }, { type: 'send' }] }]);
  });

  it('says of a message whose payload is not kept what is known of it, and no more', () => {
    const [entry] = readHar(saved(writeHar(CONNECTION, [{ ...MESSAGE, payload: null }], '1'))) as readonly {
      messages: readonly { data: string }[];
    }[];
    expect(JSON.parse(entry!.messages[0]!.data)).toMatchObject({ 'ackspan: payload not kept': { delivery: 'd-1' } });
  });

  it('what was not kept comes back as what is known of it, and is not taken for a payload', () => {
    const lost = { ...MESSAGE, bytes: 5_000, payload: null, status: 'timeout', reason: 'timeout' } as const;
    const [entry] = readHar(saved(writeHar(CONNECTION, [lost], '1'))) as readonly {
      messages: readonly { data: string }[];
    }[];
    const { type, kind, bytes, delivery, status, reason, consumed, payload } = lost;
    expect(unkept(entry!.messages[0]!.data)).toEqual({
      type,
      kind,
      bytes,
      delivery,
      status,
      reason,
      consumed,
      payload,
    });
  });

  it.each([
    ['{"type":"x"}'],
    ['{"ackspan: payload not kept"'],
    ['{"ackspan: payload not kept":'],
    ['x {"ackspan: payload not kept":{}}'],
  ])('%s is a payload', (data) => expect(unkept(data)).toBeUndefined());

  it('a file of strangers that says so of itself gives no values of the wrong kind', () => {
    const facts = { type: 1, kind: [], bytes: -1, delivery: {}, outcome: 'evil', reason: null, confirmation: 'yes' };
    const none = {
      type: null,
      kind: 'text',
      bytes: null,
      delivery: null,
      status: null,
      reason: null,
      consumed: false,
      payload: null,
    };
    expect(unkept(JSON.stringify({ 'ackspan: payload not kept': facts }))).toEqual(none);
    expect(unkept('{"ackspan: payload not kept":null}')).toEqual(none);
  });

  it('messages that are none are left out; a file without any is refused in words', () => {
    const odd = [null, 7, {}, { type: 'send', time: 1e300, data: '' }, { type: 'evil', time: 1, data: '' }];
    const entry = (list: unknown) => ({ log: { entries: [{ _webSocketMessages: list }] } });
    expect(readHar(entry([...odd, { type: 'send', time: 1, opcode: 9, data: 'x' }]))).toEqual([
      { url: '', messages: [{ type: 'send', time: 1, opcode: 1, data: 'x' }] },
    ]);
    const many = {
      log: { entries: Array.from({ length: 500 }, () => entry([{ type: 'send', time: 1, data: 'x' }]).log.entries[0]) },
    };
    expect(readHar(many)).toHaveLength(100);
    const long = entry(Array.from({ length: 150_000 }, () => ({ type: 'send', time: 1, data: 'x' })));
    expect((readHar(long) as readonly { messages: readonly unknown[] }[])[0]!.messages).toHaveLength(100_000);
    for (const file of [entry('x'), {}, null, { log: { entries: [] } }, { log: { entries: 'x' } }])
      expect(readHar(file)).toMatch(/^This (?:is no )?HAR file/);
  });
});
