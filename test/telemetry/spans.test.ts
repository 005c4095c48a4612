// Every way a delivery can end, and the exact span that a collector receives for it.
import { type Attributes, type Span, TraceFlags } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventFacts } from '../../src/delivery/record.ts';
import type { ErrorType, Outcome } from '../../src/delivery/words.ts';
import { SCHEMA_URL } from '../../src/telemetry/names/names.ts';
import { startTelemetry, type Telemetry } from '../../src/telemetry/sdk.ts';
import { createSpans, type SpanDeps, type Spans } from '../../src/telemetry/spans/spans.ts';
import { eventType, facts, session, Walk } from '../support/deliveries.ts';
import type { ReceivedSpan } from '../support/otlp-decode.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';

const T0 = 1_760_000_000_000.25;
const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const OTHER = '00-1bf7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01';
const CONNECTION = { id: 'c-1', serverAddress: 'chat.example', serverPort: 443, openedAt: T0 - 50 };

let receiver: OtlpReceiver;
let telemetry: Telemetry;
const faults: string[] = [];

beforeEach(async () => {
  receiver = await startOtlpReceiver();
  faults.length = 0;
});

afterEach(async () => {
  await telemetry.shutdown();
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  delete process.env.OTEL_EXPORTER_OTLP_PROTOCOL;
  await receiver.close();
});

function start(over: Partial<SpanDeps> = {}, protocol = 'http/protobuf'): Spans {
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = receiver.endpoint;
  process.env.OTEL_EXPORTER_OTLP_PROTOCOL = protocol;
  telemetry = startTelemetry({
    serviceName: 'ackspan',
    version: '9.9.9',
    metricProducers: [],
    metricReaders: [],
    report: ({ error }) => faults.push(String(error)),
    env: { ...process.env, OTEL_METRICS_EXPORTER: 'none' },
  });
  return createSpans({
    tracer: telemetry.tracer!,
    sampling: { keepConfirmed: 1, slowMs: 1000 },
    events: 'span',
    userHashKey: undefined,
    ...over,
  });
}

async function exported(): Promise<ReceivedSpan[]> {
  await telemetry.flush(5000);
  return receiver.spans;
}

/** Nanoseconds of a time in ms whose fraction is a multiple of 1/4. */
function ns(ms: number): bigint {
  return BigInt(Math.round(ms * 4)) * 250_000n;
}

function steps(span: ReceivedSpan): [string, bigint][] {
  return span.events.map((event) => [event.name, event.timeNs]);
}

const COMMON = {
  'messaging.system': 'websocket',
  'messaging.operation.name': 'send',
  'messaging.operation.type': 'send',
  'messaging.destination.name': 'agent_started',
  'messaging.message.id': 'event-1',
  'messaging.message.conversation_id': 'run-1',
  'messaging.message.body.size': 321,
  'network.protocol.name': 'websocket',
  'server.address': 'chat.example',
  'server.port': 443,
  'ackspan.connection.id': 'c-1',
  'ackspan.delivery.priority': 'high',
};

describe.each(['http/protobuf', 'http/json'])('over %s', (protocol) => {
  test('a delivery confirmed by its barrier', async () => {
    const spans = start({}, protocol);
    const on = session();
    spans.connections.opened(on, CONNECTION);
    const walk = new Walk(spans.observer, on, facts({ traceparent: PARENT }), T0).confirmed(T0 + 12.5);
    spans.connections.closed(on, { code: 1000, by: 'client' }, T0 + 99);

    const [span, connection] = await exported();
    expect(span).toEqual({
      name: 'send agent_started',
      kind: 4,
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      parentSpanId: 'b7ad6b7169203331',
      flags: 0x301,
      startNs: ns(T0),
      endNs: ns(T0 + 12.5),
      attributes: {
        ...COMMON,
        'ackspan.delivery.outcome': 'confirmed',
        'ackspan.delivery.level': 'received',
        'ackspan.delivery.attempts': 1,
      },
      events: [
        { name: 'ackspan.delivery.received', timeNs: ns(T0 + 12.5), attributes: {} },
        {
          name: 'ackspan.delivery.confirmed',
          timeNs: ns(T0 + 12.5),
          attributes: { 'ackspan.delivery.level': 'received' },
        },
      ],
      links: [{ traceId: connection?.traceId, spanId: connection?.spanId }],
      status: { code: 0, message: '' },
      resource: expect.objectContaining({ 'service.name': 'ackspan', 'service.version': '9.9.9' }),
      scope: { name: 'ackspan', version: '9.9.9' },
      schemaUrl: SCHEMA_URL,
    });
    expect(spans.traceId(walk.delivery)).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(faults).toEqual([]);
  });

  test('the connection has a span of its own, from upgrade to close', async () => {
    const spans = start({}, protocol);
    const on = session(undefined, OTHER);
    spans.connections.opened(on, CONNECTION);
    on.capability = 'received';
    spans.connections.closed(on, { code: 1006, by: 'network' }, T0 + 99);
    spans.connections.closed(on, { code: 1000, by: 'client' }, T0 + 100);

    const all = await exported();
    expect(all).toHaveLength(1);
    expect(all[0]).toMatchObject({
      name: 'ackspan.connection',
      kind: 2,
      traceId: '1bf7651916cd43dd8448eb211c80319c',
      parentSpanId: 'c7ad6b7169203331',
      startNs: ns(T0 - 50),
      endNs: ns(T0 + 99),
      links: [],
      status: { code: 0 },
    });
    expect(all[0]?.attributes).toEqual({
      'network.protocol.name': 'websocket',
      'server.address': 'chat.example',
      'server.port': 443,
      'ackspan.connection.id': 'c-1',
      'ackspan.connection.capability': 'received',
      'ackspan.connection.close.code': 1006,
      'ackspan.connection.closed_by': 'network',
    });
  });

  test('confirmed at the third attempt is no error; attempts are events with their own times', async () => {
    const spans = start({}, protocol);
    const on = session();
    spans.connections.opened(on, CONNECTION);
    new Walk(spans.observer, on, facts(), T0, 'processed')
      .attempt(T0 + 1000)
      .received(T0 + 1500)
      .attempt(T0 + 3000, 'resend')
      .confirmed(T0 + 3250, 'processed');

    const [span] = await exported();
    expect(span?.status).toEqual({ code: 0, message: '' });
    expect(steps(span!)).toEqual([
      ['ackspan.delivery.attempt', ns(T0 + 1000)],
      ['ackspan.delivery.received', ns(T0 + 1500)],
      ['ackspan.delivery.attempt', ns(T0 + 3000)],
      ['ackspan.delivery.confirmed', ns(T0 + 3250)],
    ]);
    expect(span?.events[2]?.attributes).toEqual({
      'ackspan.attempt.kind': 'resend',
      'ackspan.attempt.number': 3,
      'ackspan.attempt.delay': 2,
      'ackspan.attempt.result': 'sent',
    });
    expect(span?.attributes).toEqual({
      ...COMMON,
      'ackspan.delivery.outcome': 'confirmed',
      'ackspan.delivery.level': 'processed',
      'ackspan.delivery.attempts': 3,
    });
  });
});

test.each<[Exclude<Outcome, 'confirmed'>, ErrorType, number]>([
  ['timeout', 'timeout', 2],
  ['failed', 'disconnected', 2],
  ['failed', 'rejected', 2],
  ['failed', 'shutdown', 2],
  ['failed', 'limit', 2],
  ['unverifiable', '', 0],
])('ended %s (%s): status and error.type, whether chosen at the send or not', async (outcome, error, code) => {
  const spans = start();
  const unlucky = createSpans({
    tracer: telemetry.tracer!,
    sampling: { keepConfirmed: 0, slowMs: 1000 },
    events: 'span',
    userHashKey: undefined,
  });
  for (const each of [spans, unlucky]) {
    const on = session();
    each.connections.opened(on, CONNECTION);
    const walk = new Walk(each.observer, on, facts(), T0).attempt(T0 + 1000);
    expect(walk.delivery.span === undefined).toBe(false);
    walk.ended(outcome, error, T0 + 30_000);
    each.connections.closed(on, { code: 1000, by: 'client' }, T0 + 30_001);
  }
  const [atOnce, connection, later] = await exported();
  const expected = {
    ...COMMON,
    'ackspan.delivery.outcome': outcome,
    'ackspan.delivery.attempts': 2,
    ...(error === '' ? {} : { 'error.type': error }),
  };
  expect(atOnce?.attributes).toEqual(expected);
  expect(atOnce?.status).toEqual({ code, message: '' });
  expect(atOnce?.links).toEqual([{ traceId: connection?.traceId, spanId: connection?.spanId }]);
  const { spanId: _, traceId: __, links: ___, ...rest } = later!;
  expect(atOnce).toMatchObject(rest);
  expect(atOnce).toMatchObject({ startNs: ns(T0), endNs: ns(T0 + 30_000) });
});

describe('a delivery that was not chosen', () => {
  const unchosen = { sampling: { keepConfirmed: 0, slowMs: 1000 } };

  test('has no span when all goes well', async () => {
    const spans = start(unchosen);
    const walk = new Walk(spans.observer, session(), facts({ traceparent: PARENT }), T0).confirmed(T0 + 1000);
    expect(walk.delivery.span).toBeUndefined();
    expect(spans.traceId(walk.delivery)).toBeUndefined();
    expect(await exported()).toEqual([]);
  });

  test('gets its span with the real start and its earlier steps when it was slow', async () => {
    const spans = start(unchosen);
    const on = session();
    spans.connections.opened(on, CONNECTION);
    new Walk(spans.observer, on, facts({ traceparent: PARENT }), T0, 'processed')
      .received(T0 + 5)
      .confirmed(T0 + 1000.5, 'processed');
    const [span] = await exported();
    expect(span).toMatchObject({ startNs: ns(T0), parentSpanId: 'b7ad6b7169203331', status: { code: 0 } });
    expect(span?.links).toHaveLength(1);
    expect(steps(span!)).toEqual([
      ['ackspan.delivery.received', ns(T0 + 5)],
      ['ackspan.delivery.confirmed', ns(T0 + 1000.5)],
    ]);
  });

  test('links to the connection that carried it, even when that has closed', async () => {
    const spans = start(unchosen);
    const on = session();
    spans.connections.opened(on, CONNECTION);
    const walk = new Walk(spans.observer, on, facts(), T0);
    spans.connections.closed(on, { code: 1006, by: 'network' }, T0 + 10);
    walk.ended('failed', 'disconnected', T0 + 10);
    const [connection, span] = await exported();
    expect(span?.links).toEqual([{ traceId: connection?.traceId, spanId: connection?.spanId }]);
  });

  test('is kept from its first attempt on', async () => {
    const spans = start(unchosen);
    const walk = new Walk(spans.observer, session(), facts({ traceparent: PARENT }), T0).attempt(T0 + 1000);
    expect(spans.traceId(walk.delivery)).toBe('0af7651916cd43dd8448eb211c80319c');
    walk.confirmed(T0 + 1010);
    const [span] = await exported();
    expect(steps(span!).map(([name]) => name)).toEqual([
      'ackspan.delivery.attempt',
      'ackspan.delivery.received',
      'ackspan.delivery.confirmed',
    ]);
  });
});

test.each<[string, string, Partial<EventFacts>, string]>([
  ['the event', OTHER, { traceparent: PARENT }, 'b7ad6b7169203331'],
  ['the upgrade request', OTHER, {}, 'c7ad6b7169203331'],
  ['the upgrade request when the event has a broken one', OTHER, { traceparent: 'nonsense' }, 'c7ad6b7169203331'],
  ['nothing', '', {}, ''],
])('the parent comes from %s', async (_, ofSession, over, parent) => {
  const spans = start();
  new Walk(spans.observer, session(undefined, ofSession), facts(over), T0).confirmed(T0 + 1);
  const [span] = await exported();
  expect(span?.parentSpanId).toBe(parent);
});

test('an unsampled parent drops successes but not failures', async () => {
  const spans = start();
  const unsampled = facts({ traceparent: PARENT.replace(/01$/, '00') });
  new Walk(spans.observer, session(), unsampled, T0).confirmed(T0 + 1);
  new Walk(spans.observer, session(), unsampled, T0).ended('timeout', 'timeout', T0 + 30_000);
  const all = await exported();
  expect(all.map((span) => span.status.code)).toEqual([2]);
  expect(all[0]?.parentSpanId).toBe('b7ad6b7169203331');
});

test('tool events say which tool and call; an event without an id goes by the name of its delivery', async () => {
  const spans = start();
  const what = facts({
    type: eventType('tool_executing', 1),
    id: undefined,
    run: undefined,
    tool: 'wéb',
    toolCall: 'call-7',
  });
  const walk = new Walk(spans.observer, session(), what, T0).confirmed(T0 + 1, 'processed');
  const [span] = await exported();
  expect(span?.name).toBe('send tool_executing');
  expect(span?.attributes).toMatchObject({
    'gen_ai.tool.name': 'wéb',
    'gen_ai.tool.call.id': 'call-7',
    'messaging.message.id': walk.delivery.id,
  });
  expect(span?.attributes).not.toHaveProperty('messaging.message.conversation_id');
});

test('types past the limit share one span name', async () => {
  const spans = start();
  for (const name of ['x1', 'x2']) {
    new Walk(spans.observer, session(), facts({ type: eventType(name, 9, 'other') }), T0).confirmed(T0 + 1);
  }
  const all = await exported();
  expect(all.map((span) => [span.name, span.attributes['messaging.destination.name']])).toEqual([
    ['send other', 'x1'],
    ['send other', 'x2'],
  ]);
});

test('[D11] neither user ids nor what the application said reach any span; the hash is there when asked for', async () => {
  const spans = start({ userHashKey: 'secret-key' });
  const on = session('user-4711');
  spans.connections.opened(on, CONNECTION);
  const walk = new Walk(spans.observer, on, facts({ user: 'user-4711' }), T0);
  walk.delivery.errorText = 'could not render <private text>';
  walk.ended('failed', 'rejected', T0 + 5);
  spans.connections.closed(on, { code: 1000, by: 'client' }, T0 + 9);
  const all = await exported();
  const text = JSON.stringify(all, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  for (const secret of ['user-4711', 'private text', 'secret-key']) expect(text).not.toContain(secret);
  const hashes = all.map((span) => span.attributes['user.hash']);
  expect(hashes).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), hashes[0]]);
});

test('the exemplar hook hears of kept deliveries only, with the ids that were exported', async () => {
  const told: string[][] = [];
  const spans = start({
    sampling: { keepConfirmed: 0, slowMs: 100 },
    exemplar: (delivery, traceId, spanId) => told.push([delivery.id, traceId, spanId]),
  });
  new Walk(spans.observer, session(), facts(), T0).confirmed(T0 + 1);
  const slow = new Walk(spans.observer, session(), facts(), T0).confirmed(T0 + 101);
  const [span] = await exported();
  expect(told).toEqual([[slow.delivery.id, span?.traceId, span?.spanId]]);
});

describe('events', () => {
  type Logged = [string, number, Attributes | undefined, string];
  async function logged(events: 'log' | 'both'): Promise<{ log: Logged[]; span: ReceivedSpan }> {
    const log: Logged[] = [];
    const logEvent = (name: string, time: readonly number[], attributes: Attributes | undefined, span: Span) => {
      expect(span.spanContext().traceFlags).toBe(TraceFlags.SAMPLED);
      log.push([name, time[0]! * 1000 + time[1]! / 1e6, attributes, span.spanContext().spanId]);
    };
    const spans = start({ events, logEvent });
    new Walk(spans.observer, session(), facts(), T0).confirmed(T0 + 12.5);
    const [span] = await exported();
    return { log, span: span! };
  }

  test('as log events carry the span context and leave the span without them', async () => {
    const { log, span } = await logged('log');
    expect(span.events).toEqual([]);
    expect(log).toEqual([
      ['ackspan.delivery.received', T0 + 12.5, undefined, span.spanId],
      ['ackspan.delivery.confirmed', T0 + 12.5, { 'ackspan.delivery.level': 'received' }, span.spanId],
    ]);
  });

  test('as both are told twice', async () => {
    const { log, span } = await logged('both');
    expect(log.map(([name]) => name)).toEqual(span.events.map(({ name }) => name));
  });
});
