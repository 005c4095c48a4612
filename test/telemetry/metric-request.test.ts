// Pushed metrics: our OTLP requests against those of the SDK's serializers, and the exemplars that only ours have.
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import protobuf from 'protobufjs';
import { expect, it } from 'vitest';
import { createDeliveryMetrics } from '../../src/telemetry/metrics/metrics.ts';
import { createMetricProducer } from '../../src/telemetry/metrics/producer.ts';
import { createRuntimeMetrics } from '../../src/telemetry/metrics/runtime.ts';
import { SCHEMA_URL } from '../../src/telemetry/names/names.ts';
import { jsonMetricRequest, writeMetricRequest } from '../../src/telemetry/otlp/metric-request.ts';
import { eventType, sent, settle, T0 } from './deliveries.ts';

/** What of opentelemetry-proto a request of metrics consists of: its field numbers and types. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message AnyValue { oneof value { string s = 1; bool b = 2; int64 i = 3; double d = 4; } }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message Scope { string name = 1; string version = 2; }
  message Exemplar {
    repeated KeyValue filtered = 7; fixed64 time = 2; double value = 3; bytes span_id = 4; bytes trace_id = 5;
  }
  message NumberPoint { repeated KeyValue attributes = 7; fixed64 start = 2; fixed64 time = 3; double value = 4; }
  message Buckets {
    repeated KeyValue attributes = 9; fixed64 start = 2; fixed64 time = 3; fixed64 count = 4; double sum = 5;
    repeated fixed64 counts = 6; repeated double bounds = 7; repeated Exemplar exemplars = 8;
  }
  message Gauge { repeated NumberPoint points = 1; }
  message Sum { repeated NumberPoint points = 1; int32 temporality = 2; bool monotonic = 3; }
  message Histogram { repeated Buckets points = 1; int32 temporality = 2; }
  message Metric {
    string name = 1; string description = 2; string unit = 3; Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9;
  }
  message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; string schema_url = 3; }
  message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; string schema_url = 3; }
  message Request { repeated ResourceMetrics resource_metrics = 1; }
`);
const REQUEST = root.lookupType('Request');

interface Read {
  resourceMetrics: {
    scopeMetrics: { schemaUrl: string; metrics: { name: string; histogram?: { points?: Buckets[] } }[] }[];
  }[];
}
interface Buckets {
  exemplars?: { time: string; value: number; spanId: string; traceId: string }[];
}

function read(bytes: Uint8Array): Read {
  const { create: _, ...plain } = REQUEST.toObject(REQUEST.decode(bytes), {
    longs: String,
    bytes: String,
    defaults: false,
  });
  return plain as Read;
}

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

async function collected(): Promise<ResourceMetrics> {
  const metrics = createDeliveryMetrics();
  const runtime = createRuntimeMetrics();
  for (const [i, ms] of [3, 12, 700, 2 ** 33].entries()) {
    const delivery = sent(eventType(`type_${i}`, i + 1, 'high'));
    metrics.tracked(delivery);
    metrics.received(delivery, T0 + ms);
    metrics.settled(settle(delivery, ms, 'confirmed', 'received'));
  }
  const traced = sent(eventType('traced', 9, 'low'));
  metrics.tracked(traced);
  metrics.settled(settle(traced, 250, 'confirmed', 'received'));
  metrics.exemplar(traced, TRACE, SPAN);
  const sources = [metrics.source, runtime.source];
  const producer = createMetricProducer({ sources, version: '1.2.3', startedAt: T0, now: () => T0 + 1 });
  const { resourceMetrics } = await producer.collect();
  runtime.stop();
  const resource = resourceFromAttributes({ 'service.name': 'ackspan', port: 8080, share: 0.5, ready: true });
  return { ...resourceMetrics, resource };
}

it('the protobuf request is that of the SDK, exemplars excepted', async () => {
  const metrics = await collected();
  const [ours, theirs] = [writeMetricRequest(metrics), ProtobufMetricsSerializer.serializeRequest(metrics)!].map(read);
  for (const { metrics: written } of ours!.resourceMetrics[0]!.scopeMetrics)
    for (const { histogram } of written) for (const point of histogram?.points ?? []) delete point.exemplars;
  expect(ours).toEqual(theirs);
  expect(ours!.resourceMetrics[0]!.scopeMetrics.map(({ schemaUrl }) => schemaUrl)).toEqual([SCHEMA_URL]);
});

it('each exemplar leads to its span, with the value and the time of the delivery: in protobuf and in JSON', async () => {
  const metrics = await collected();
  const found = read(writeMetricRequest(metrics)).resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap((scope) =>
      scope.metrics.flatMap(({ histogram }) => histogram?.points?.flatMap(({ exemplars }) => exemplars ?? []) ?? []),
    ),
  );
  const hex = (base64: string) => Buffer.from(base64, 'base64').toString('hex');
  expect(found.map(({ value, traceId, spanId }) => [value, hex(traceId), hex(spanId)])).toEqual([[0.25, TRACE, SPAN]]);
  const request = JSON.parse(Buffer.from(jsonMetricRequest(metrics)).toString());
  const [exemplar] = request.resourceMetrics[0].scopeMetrics[0].metrics.flatMap(
    (metric: { histogram?: { dataPoints: { exemplars?: object[] }[] } }) =>
      metric.histogram?.dataPoints.flatMap(({ exemplars = [] }) => exemplars) ?? [],
  );
  expect(exemplar).toEqual({ asDouble: 0.25, traceId: TRACE, spanId: SPAN, timeUnixNano: found[0]!.time });
});

it('a JSON request without exemplars is that of the SDK, byte for byte', async () => {
  const producer = createMetricProducer({
    ...{ sources: [createDeliveryMetrics().source], version: '1', startedAt: T0, now: () => T0 },
  });
  const { resourceMetrics } = await producer.collect();
  expect(jsonMetricRequest(resourceMetrics)).toEqual(JsonMetricsSerializer.serializeRequest(resourceMetrics));
});
