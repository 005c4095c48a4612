// telemetry: metric data as an OTLP request, with exemplars, which the serializers of the SDK leave out.
import type { HrTime } from '@opentelemetry/api';
import { JsonMetricsSerializer } from '@opentelemetry/otlp-transformer';
import type { DataPoint, DataPointType, MetricData, ResourceMetrics, ScopeMetrics } from '@opentelemetry/sdk-metrics';
import type { Exemplar, HistogramPoint } from '../metrics/exemplars.ts';
import { ProtobufBuffer } from '../protobuf/buffer.ts';
import { encodeResource, encodeScope } from './batch.ts';
import { SpanWriter } from './writer.ts';

const HISTOGRAM: DataPointType.HISTOGRAM = 0;
const EXPONENTIAL_HISTOGRAM: DataPointType.EXPONENTIAL_HISTOGRAM = 1;
const GAUGE: DataPointType.GAUGE = 2;

/**
 * Field tags (number << 3 | wire type) of opentelemetry-proto, metrics/v1/metrics.proto and
 * collector/metrics/v1, by message.
 */
const REQUEST = { resourceMetrics: 0x0a } as const;
const RESOURCE_METRICS = { scopeMetrics: 0x12, schemaUrl: 0x1a } as const;
const SCOPE_METRICS = { metrics: 0x12, schemaUrl: 0x1a } as const;
const METRIC = { name: 0x0a, description: 0x12, unit: 0x1a, gauge: 0x2a, sum: 0x3a, histogram: 0x4a } as const;
const DATA = { points: 0x0a, temporality: 0x10, monotonic: 0x18 } as const;
const NUMBER = { start: 0x11, time: 0x19, double: 0x21, attributes: 0x3a } as const;
const BUCKETS = {
  ...{ start: 0x11, time: 0x19, count: 0x21, sum: 0x29, counts: 0x32, bounds: 0x3a },
  ...{ exemplars: 0x42, attributes: 0x4a },
} as const;
const EXEMPLAR = { time: 0x11, double: 0x19, spanId: 0x22, traceId: 0x2a } as const;
/** AggregationTemporality: all our sums are cumulative. */
const CUMULATIVE = 2;
/** Room for the length of a message: most are shorter than 16 KiB. */
const ROOM = 2;

/** The request in protobuf. */
export function writeMetricRequest({ resource, scopeMetrics }: ResourceMetrics): Uint8Array {
  const out = new ProtobufBuffer();
  nested(out, REQUEST.resourceMetrics, () => {
    out.copy(encodeResource(resource));
    for (const scope of scopeMetrics) nested(out, RESOURCE_METRICS.scopeMetrics, () => writeScope(out, scope));
    if (resource.schemaUrl !== undefined) out.string(RESOURCE_METRICS.schemaUrl, resource.schemaUrl);
  });
  return out.take();
}

/** The request in JSON: the SDK's, with the exemplars of each histogram point. */
export function jsonMetricRequest(metrics: ResourceMetrics): Uint8Array {
  const bytes = JsonMetricsSerializer.serializeRequest(metrics) as Uint8Array;
  if (!metrics.scopeMetrics.some((scope) => scope.metrics.some(hasExemplars))) return bytes;
  const request = JSON.parse(Buffer.from(bytes).toString()) as JsonRequest;
  metrics.scopeMetrics.forEach((scope, s) => {
    scope.metrics.forEach((metric, m) => {
      if (metric.dataPointType !== HISTOGRAM) return;
      const written = request.resourceMetrics[0]!.scopeMetrics[s]!.metrics[m]!.histogram!.dataPoints;
      (metric.dataPoints as HistogramPoint[]).forEach(({ exemplars }, p) => {
        if (exemplars !== undefined)
          written[p]!.exemplars = exemplars.flatMap((each) => (each ? [jsonExemplar(each)] : []));
      });
    });
  });
  return Buffer.from(JSON.stringify(request));
}

interface JsonRequest {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly { readonly histogram?: { readonly dataPoints: { exemplars?: object[] }[] } }[];
    }[];
  }[];
}

function hasExemplars(metric: MetricData): boolean {
  return (
    metric.dataPointType === HISTOGRAM &&
    (metric.dataPoints as HistogramPoint[]).some(({ exemplars }) => exemplars !== undefined)
  );
}

function jsonExemplar({ traceId, spanId, value, time }: Exemplar): object {
  return { timeUnixNano: String(BigInt(Math.round(time * 1000)) * 1000n), asDouble: value, spanId, traceId };
}

/** A message field that `write` fills. */
function nested(out: ProtobufBuffer, tag: number, write: () => void): void {
  out.byte(tag);
  const start = out.open(ROOM);
  write();
  out.close(start, ROOM);
}

function writeScope(out: ProtobufBuffer, { scope, metrics }: ScopeMetrics): void {
  out.copy(encodeScope(scope));
  for (const metric of metrics) nested(out, SCOPE_METRICS.metrics, () => writeMetric(out, metric));
  if (scope.schemaUrl !== undefined) out.string(SCOPE_METRICS.schemaUrl, scope.schemaUrl);
}

function writeMetric(out: ProtobufBuffer, metric: MetricData): void {
  const { name, description, unit } = metric.descriptor;
  out.string(METRIC.name, name);
  out.string(METRIC.description, description);
  out.string(METRIC.unit, unit);
  const attributes = new SpanWriter(out);
  switch (metric.dataPointType) {
    case EXPONENTIAL_HISTOGRAM:
      throw new TypeError(`${name}: no metric of ours is an exponential histogram`);
    case HISTOGRAM:
      nested(out, METRIC.histogram, () => {
        for (const point of metric.dataPoints) nested(out, DATA.points, () => writeHistogram(out, attributes, point));
        out.uint(DATA.temporality, CUMULATIVE);
      });
      break;
    case GAUGE:
      nested(out, METRIC.gauge, () => {
        for (const point of metric.dataPoints) nested(out, DATA.points, () => writeNumber(out, attributes, point));
      });
      break;
    default:
      nested(out, METRIC.sum, () => {
        for (const point of metric.dataPoints) nested(out, DATA.points, () => writeNumber(out, attributes, point));
        out.uint(DATA.temporality, CUMULATIVE);
        if (metric.isMonotonic) out.uint(DATA.monotonic, 1);
      });
  }
}

function writeNumber(out: ProtobufBuffer, attributes: SpanWriter, point: DataPoint<number>): void {
  writeTime(out, NUMBER.start, point.startTime);
  writeTime(out, NUMBER.time, point.endTime);
  out.double(NUMBER.double, point.value);
  attributes.attributes(NUMBER.attributes, point.attributes);
}

function writeHistogram(out: ProtobufBuffer, attributes: SpanWriter, point: HistogramPoint): void {
  const { count, sum, buckets } = point.value;
  writeTime(out, BUCKETS.start, point.startTime);
  writeTime(out, BUCKETS.time, point.endTime);
  out.fixed64(BUCKETS.count, count);
  if (sum !== undefined) out.double(BUCKETS.sum, sum);
  nested(out, BUCKETS.counts, () => {
    for (const each of buckets.counts) out.fixed64(undefined, each);
  });
  if (buckets.boundaries.length > 0)
    nested(out, BUCKETS.bounds, () => {
      for (const each of buckets.boundaries) out.double(undefined, each);
    });
  for (const exemplar of point.exemplars ?? [])
    if (exemplar !== undefined) nested(out, BUCKETS.exemplars, () => writeExemplar(out, exemplar));
  attributes.attributes(BUCKETS.attributes, point.attributes);
}

function writeExemplar(out: ProtobufBuffer, { traceId, spanId, value, time }: Exemplar): void {
  writeTime(out, EXEMPLAR.time, [Math.floor(time / 1000), Math.round((time % 1000) * 1e6)]);
  out.double(EXEMPLAR.double, value);
  out.hex(EXEMPLAR.spanId, spanId, 8);
  out.hex(EXEMPLAR.traceId, traceId, 16);
}

function writeTime(out: ProtobufBuffer, tag: number, [seconds, nanos]: HrTime): void {
  out.byte(tag);
  out.nanos(seconds, nanos);
}
