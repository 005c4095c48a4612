// Telemetry as it runs: what the OTEL_* variables do, and exporters that are down, slow or refuse.

import { ValueType } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { CollectionResult, MetricProducer } from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SCHEMA_URL } from '../../src/telemetry/names/names.ts';
import { startTelemetry, type Telemetry } from '../../src/telemetry/sdk.ts';
import { createSharedParts, shareParts } from '../../src/telemetry/spans/shared-parts.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';

let receiver: OtlpReceiver;
let telemetry: Telemetry | undefined;
let before: NodeJS.ProcessEnv;
let faults: string[];

beforeEach(async () => {
  receiver = await startOtlpReceiver();
  faults = [];
  before = { ...process.env };
});
afterEach(async () => {
  await telemetry?.shutdown(100);
  telemetry = undefined;
  process.env = before;
  await receiver.close();
});

function start(env: Record<string, string>, metricProducers: MetricProducer[] = []): Telemetry {
  process.env = { ...before, ...env };
  telemetry = startTelemetry({
    serviceName: 'ackspan',
    version: '1.2.3',
    metricProducers,
    metricReaders: [],
    report: ({ stage, error }) => faults.push(`${stage}: ${(error as Error).message}`),
  });
  return telemetry;
}

function endSpans({ tracer }: Telemetry, count: number): void {
  for (let i = 0; i < count; i++) tracer!.startSpan(`span ${i}`).end();
}

const producer: MetricProducer = {
  collect: (): Promise<CollectionResult> =>
    Promise.resolve({
      errors: [],
      resourceMetrics: {
        resource: resourceFromAttributes({}),
        scopeMetrics: [
          {
            scope: { name: 'ackspan' },
            metrics: [
              {
                descriptor: {
                  name: 'ackspan.delivery.tracked',
                  unit: '{delivery}',
                  description: '',
                  valueType: ValueType.INT,
                },
                dataPointType: DataPointType.SUM,
                aggregationTemporality: AggregationTemporality.CUMULATIVE,
                isMonotonic: true,
                dataPoints: [{ startTime: [1, 0], endTime: [2, 0], attributes: { priority: 'high' }, value: 7 }],
              },
            ],
          },
        ],
      },
    }),
};

describe('what is exported', () => {
  test('nothing is made or sent when no endpoint is configured', () => {
    expect(start({}).tracer).toBeUndefined();
  });

  test.each([
    ['OTEL_SDK_DISABLED', 'true'],
    ['OTEL_TRACES_EXPORTER', 'none'],
  ])('%s=%s: no spans in spite of an endpoint', (name, value) => {
    expect(start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, [name]: value }).tracer).toBeUndefined();
  });

  test('an endpoint is enough for spans, metrics are asked for: protobuf by default, under /v1/traces and /v1/metrics', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_METRICS_EXPORTER: 'otlp' };
    const running = start(env, [producer]);
    endSpans(running, 1);
    await running.flush(5000);
    expect(receiver.requests.map(({ path, contentType }) => [path, contentType]).sort()).toEqual([
      ['/v1/metrics', 'application/x-protobuf'],
      ['/v1/traces', 'application/x-protobuf'],
    ]);
    expect(receiver.metrics).toMatchObject([
      { name: 'ackspan.delivery.tracked', kind: 'sum', points: [{ attributes: { priority: 'high' }, value: 7 }] },
    ]);
    expect(receiver.metrics[0]?.resource).toMatchObject({ 'service.name': 'ackspan' });
    expect(faults).toEqual([]);
  });

  test('JSON, gzip, headers and a signal endpoint of its own', async () => {
    const running = start(
      {
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.endpoint}/elsewhere/v1/traces`,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
        OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a%20b',
      },
      [producer],
    );
    endSpans(running, 2);
    await running.flush(5000);
    expect(receiver.requests).toHaveLength(1);
    expect(receiver.requests[0]).toMatchObject({
      path: '/elsewhere/v1/traces',
      contentType: 'application/json',
      encoding: 'gzip',
      headers: { 'x-tenant': 'a b' },
    });
    expect(receiver.spans.map(({ name }) => name)).toEqual(['span 0', 'span 1']);
  });

  test('gzip of protobuf, and metrics as JSON', async () => {
    const running = start(
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
        OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'gzip',
        OTEL_METRICS_EXPORTER: 'otlp',
        OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/json',
      },
      [producer],
    );
    endSpans(running, 1);
    await running.flush(5000);
    expect(receiver.requests.map(({ contentType, encoding }) => `${contentType} ${encoding}`).sort()).toEqual([
      'application/json ',
      'application/x-protobuf gzip',
    ]);
    expect(receiver.spans).toHaveLength(1);
    expect(receiver.metrics).toHaveLength(1);
  });

  test('OTEL_TRACES_EXPORTER=console prints whole spans, shared parts included', () => {
    const printed: unknown[] = [];
    const dir = vi.spyOn(console, 'dir').mockImplementation((span) => void printed.push(span));
    const span = start({ OTEL_TRACES_EXPORTER: 'console' }).tracer!.startSpan('send x');
    shareParts(span, [createSharedParts({ 'server.port': 443 })]);
    span.end();
    dir.mockRestore();
    expect(printed).toMatchObject([{ name: 'send x', attributes: { 'server.port': 443 } }]);
  });

  test('the resource says who sends, from the environment', async () => {
    const running = start({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_SERVICE_NAME: 'chat-edge',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod,service.name=ignored',
      K_SERVICE: 'chat',
      K_REVISION: 'chat-00042',
    });
    endSpans(running, 1);
    await running.flush(5000);
    expect(receiver.spans[0]?.resource).toMatchObject({
      'service.name': 'chat-edge',
      'service.version': '1.2.3',
      'service.instance.id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      'deployment.environment.name': 'prod',
      'cloud.platform': 'gcp_cloud_run',
      'faas.name': 'chat',
      'faas.version': 'chat-00042',
      'telemetry.sdk.language': 'nodejs',
    });
    expect(receiver.spans[0]?.scope).toEqual({ name: 'ackspan', version: '1.2.3' });
    expect(receiver.spans[0]?.schemaUrl).toBe(SCHEMA_URL);
  });

  test('faults of the environment do not stop the start, and are not said a second time: `run` says them', () => {
    start({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_TRACES_EXPORTER: 'otlp,zipkin',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'brotli',
      OTEL_EXPORTER_OTLP_TIMEOUT: 'soon',
      OTEL_BSP_MAX_QUEUE_SIZE: 'many',
      OTEL_METRICS_EXPORTER: 'none',
    });
    expect(faults).toEqual([]);
  });
});

describe('an exporter in trouble', () => {
  const env = () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_METRICS_EXPORTER: 'none' });

  test('that answers 500: the spans count as failed, one line is reported', async () => {
    const running = start({ ...env(), OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10' });
    receiver.behave({ kind: 'status', code: 500 });
    endSpans(running, 30);
    await running.flush(5000);
    expect(running.counters).toEqual({ exported: 0, dropped: 0, failed: 30, rejected: 0 });
    expect(faults).toEqual(['telemetry: 10 spans lost: export failed: HTTP 500 Internal Server Error']);
  });

  test('that answers 429 with Retry-After is asked again after it', async () => {
    const running = start(env());
    receiver.behave({ kind: 'status', code: 429, retryAfter: '1' });
    endSpans(running, 3);
    const flushed = running.flush(8000);
    await receiver.waitFor(({ requests }) => requests.length === 1);
    receiver.behave({ kind: 'accept' });
    await flushed;
    expect(receiver.requests).toHaveLength(2);
    expect(running.counters).toEqual({ exported: 3, dropped: 0, failed: 0, rejected: 0 });
  });

  test('that is down: failed after its time-out, nothing throws', async () => {
    await receiver.close();
    const running = start({ ...env(), OTEL_EXPORTER_OTLP_TIMEOUT: '300' });
    endSpans(running, 3);
    await running.flush(5000);
    expect(running.counters).toEqual({ exported: 0, dropped: 0, failed: 3, rejected: 0 });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^telemetry: 3 spans lost: export failed: .*ECONNREFUSED/);
  });

  test('that closes the connection: the same', async () => {
    receiver.behave({ kind: 'close' });
    const running = start({ ...env(), OTEL_EXPORTER_OTLP_TIMEOUT: '300' });
    endSpans(running, 3);
    await running.flush(5000);
    expect(running.counters.failed).toBe(3);
  });

  test('that hangs: the queue fills, the rest is dropped and counted, flush and stop are bounded', async () => {
    receiver.behave({ kind: 'hang' });
    const running = start({ ...env(), OTEL_BSP_MAX_QUEUE_SIZE: '20', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10' });
    endSpans(running, 50);
    expect(running.counters).toEqual({ exported: 0, dropped: 30, failed: 0, rejected: 0 });
    await running.flush(50);
    await running.shutdown(50);
    expect(running.counters).toEqual({ exported: 0, dropped: 30, failed: 20, rejected: 0 });
    expect(faults).toEqual([
      'telemetry: 1 span lost: the export queue is full',
      'telemetry: not everything was exported within 50 ms',
      'telemetry: 49 spans lost: 29 the export queue is full; 20 export failed: not sent within the 50 ms that the stop had left',
    ]);
  });

  test('that is slow: flush waits for what is in flight', async () => {
    receiver.behave({ kind: 'accept', afterMs: 80 });
    const running = start(env());
    endSpans(running, 3);
    await running.flush(5000);
    expect(receiver.spans).toHaveLength(3);
    expect(running.counters.exported).toBe(3);
  });
});

test('stop sends what waits', async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_METRICS_EXPORTER: 'otlp' };
  const running = start(env, [producer]);
  endSpans(running, 2);
  await running.shutdown();
  expect(receiver.spans).toHaveLength(2);
  expect(receiver.metrics).toHaveLength(1);
  endSpans(running, 1);
  expect(running.counters).toEqual({ exported: 2, dropped: 1, failed: 0, rejected: 0 });
});
