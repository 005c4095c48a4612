// Steps of deliveries as log events, as a collector receives them, and a collector that does not.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startTelemetry, type Telemetry } from '../../src/telemetry/sdk.ts';
import type { EventMode } from '../../src/telemetry/spans/span-events.ts';
import { createSpans, type Spans } from '../../src/telemetry/spans/spans.ts';
import { facts, session, Walk } from '../support/deliveries.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';

const T0 = 1_760_000_000_000.25;
const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let receiver: OtlpReceiver;
let telemetry: Telemetry;
let before: NodeJS.ProcessEnv;
let faults: string[];

beforeEach(async () => {
  receiver = await startOtlpReceiver();
  before = { ...process.env };
  faults = [];
});
afterEach(async () => {
  await telemetry.shutdown(100);
  process.env = before;
  await receiver.close();
});

function start(events: EventMode, env: Record<string, string> = {}): Spans | undefined {
  process.env = {
    ...before,
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_METRICS_EXPORTER: 'none',
    ...env,
  };
  telemetry = startTelemetry({
    serviceName: 'ackspan',
    version: '9.9.9',
    metricProducers: [],
    metricReaders: [],
    events,
    report: ({ error }) => faults.push((error as Error).message),
  });
  if (telemetry.tracer === undefined) return undefined;
  return createSpans({
    tracer: telemetry.tracer,
    sampling: { keepConfirmed: 1, slowMs: 1000 },
    events,
    logEvent: telemetry.logEvent,
    userHashKey: undefined,
  });
}

/** A delivery that is probed once, then confirmed. */
function deliver(spans: Spans | undefined): void {
  new Walk(spans!.observer, session(), facts({ traceparent: PARENT }), T0).attempt(T0 + 1000).confirmed(T0 + 1250);
}

function ns(ms: number): bigint {
  return BigInt(Math.round(ms * 4)) * 250_000n;
}

const STEPS = [
  [
    'ackspan.delivery.attempt',
    ns(T0 + 1000),
    {
      'ackspan.attempt.kind': 'probe',
      'ackspan.attempt.number': 2,
      'ackspan.attempt.delay': 1,
      'ackspan.attempt.result': 'sent',
    },
  ],
  ['ackspan.delivery.received', ns(T0 + 1250), {}],
  ['ackspan.delivery.confirmed', ns(T0 + 1250), { 'ackspan.delivery.level': 'received' }],
];

/** Steps by where they arrived. */
function arrived() {
  return {
    spanEvents: receiver.spans.flatMap(({ events }) => events.map((e) => [e.name, e.timeNs, e.attributes])),
    logEvents: receiver.logs.map((e) => [e.eventName, e.timeNs, e.attributes]),
  };
}

describe.each(['http/protobuf', 'http/json'])('over %s', (protocol) => {
  test.each([
    ['span', STEPS, []],
    ['log', [], STEPS],
    ['both', STEPS, STEPS],
  ] as const)('tracing.events: %s', async (mode, spanEvents, logEvents) => {
    deliver(start(mode, { OTEL_EXPORTER_OTLP_PROTOCOL: protocol }));
    await telemetry.flush(5000);
    expect(arrived()).toEqual({ spanEvents, logEvents });
    expect(telemetry.logCounters).toEqual({ exported: logEvents.length, dropped: 0, failed: 0, rejected: 0 });
    expect(receiver.requests.map(({ path }) => path).sort()).toEqual(
      logEvents.length > 0 ? ['/v1/logs', '/v1/traces'] : ['/v1/traces'],
    );
    expect(faults).toEqual([]);
  });

  test('a log event carries the context of its span, the scope and the resource', async () => {
    deliver(start('log', { OTEL_EXPORTER_OTLP_PROTOCOL: protocol }));
    await telemetry.shutdown();
    const [span] = receiver.spans;
    expect(receiver.logs).toHaveLength(3);
    for (const record of receiver.logs) {
      expect(record).toMatchObject({
        traceId: '0af7651916cd43dd8448eb211c80319c',
        spanId: span?.spanId,
        flags: 1,
        severity: 9,
        resource: span?.resource,
        scope: { name: 'ackspan', version: '9.9.9' },
      });
    }
  });
});

describe('log records that go nowhere', () => {
  test('OTEL_LOGS_EXPORTER=none: the steps are span events, and that is said', async () => {
    deliver(start('log', { OTEL_LOGS_EXPORTER: 'none' }));
    await telemetry.flush(5000);
    expect(arrived()).toEqual({ spanEvents: STEPS, logEvents: [] });
    expect(faults).toEqual([
      'tracing.events is log, but log records go nowhere: steps of deliveries are span events instead',
    ]);
  });

  test('no spans, no log events, and that is said', () => {
    expect(start('both', { OTEL_TRACES_EXPORTER: 'none' })).toBeUndefined();
    expect(faults).toEqual([
      'tracing.events is both, but spans go nowhere: log events tell about spans, so there are none either',
    ]);
  });

  test('no endpoint at all: nothing is made, nothing said', () => {
    expect(start('both', { OTEL_EXPORTER_OTLP_ENDPOINT: '' })).toBeUndefined();
    expect(telemetry.logEvent).toBeUndefined();
    expect(faults).toEqual([]);
  });

  test('OTEL_LOGS_EXPORTER=console prints them', () => {
    const printed: unknown[] = [];
    const dir = vi.spyOn(console, 'dir').mockImplementation((record) => void printed.push(record));
    deliver(start('log', { OTEL_LOGS_EXPORTER: 'console' }));
    dir.mockRestore();
    expect(printed).toMatchObject([
      { eventName: 'ackspan.delivery.attempt', traceId: '0af7651916cd43dd8448eb211c80319c' },
      { eventName: 'ackspan.delivery.received' },
      { eventName: 'ackspan.delivery.confirmed' },
    ]);
  });
});

describe('a receiver in trouble costs log records, never a delivery', () => {
  test('that hangs: the queue fills, the rest is dropped and counted, stop is bounded', async () => {
    receiver.behave({ kind: 'hang' });
    const spans = start('log', { OTEL_BLRP_MAX_QUEUE_SIZE: '10', OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '5' });
    for (let i = 0; i < 20; i++) deliver(spans);
    expect(telemetry.logCounters).toEqual({ exported: 0, dropped: 50, failed: 0, rejected: 0 });
    await telemetry.flush(50);
    expect(faults).toEqual(['1 log record lost: the export queue is full', 'not everything was exported within 50 ms']);
  });

  test('that is down: they count as failed', async () => {
    await receiver.close();
    const spans = start('both', { OTEL_EXPORTER_OTLP_TIMEOUT: '300' });
    for (let i = 0; i < 2; i++) deliver(spans);
    await telemetry.flush(5000);
    expect(telemetry.logCounters).toEqual({ exported: 0, dropped: 0, failed: 6, rejected: 0 });
    expect(telemetry.counters).toEqual({ exported: 0, dropped: 0, failed: 2, rejected: 0 });
    expect(faults.map((fault) => fault.replace(/: .*/, '')).sort()).toEqual(['2 spans lost', '6 log records lost']);
  });
});
