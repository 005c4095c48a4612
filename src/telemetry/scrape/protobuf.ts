// telemetry: metric data → Prometheus' protobuf exposition, with native histograms beside the classic buckets.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Attributes, HrTime } from '@opentelemetry/api';
import type { DataPoint, MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { Exemplar, HistogramPoint } from '../metrics/exemplars.ts';
import { NATIVE_SCHEMA, type NativeCounts, ZERO_THRESHOLD } from '../metrics/native.ts';
import type { MetricKind } from '../names/names.ts';
import { ProtobufBuffer } from '../protobuf/buffer.ts';
import { type Group, groups, HISTOGRAM, labelsOf } from './families.ts';

/** Longest stretch of writing before other work gets its turn, ms. */
const SLICE_MS = 3;
/** Empty buckets up to which a span goes on: they cost less than a span of their own. */
const GAP = 2;

/** `MetricType` of `io.prometheus.client` (Prometheus' client_model, metrics.proto). */
const TYPES: Readonly<Record<MetricKind, number>> = { counter: 0, gauge: 1, updown: 1, histogram: 4 };

/** Field number and wire type: 0 = varint, 1 = eight bytes, 2 = length and bytes. */
const tag = (field: number, wire: 0 | 1 | 2): number => (field << 3) | wire;

const FAMILY = { name: tag(1, 2), help: tag(2, 2), type: tag(3, 0), metric: tag(4, 2), unit: tag(5, 2) } as const;
const METRIC = { label: tag(1, 2), gauge: tag(2, 2), counter: tag(3, 2), histogram: tag(7, 2) } as const;
const VALUE = tag(1, 1);
const LABEL = { name: tag(1, 2), value: tag(2, 2) } as const;
const COUNTER = { created: tag(3, 2) } as const;
const H = {
  ...{ count: tag(1, 0), sum: tag(2, 1), bucket: tag(3, 2), schema: tag(5, 0), zeroThreshold: tag(6, 1) },
  ...{ zeroCount: tag(7, 0), span: tag(12, 2), delta: tag(13, 2), created: tag(15, 2) },
} as const;
const BUCKET = { cumulative: tag(1, 0), bound: tag(2, 1), exemplar: tag(3, 2) } as const;
const SPAN = { offset: tag(1, 0), length: tag(2, 0) } as const;
const EXEMPLAR = { label: tag(1, 2), value: tag(2, 1), time: tag(3, 2) } as const;
const TIME = { seconds: tag(1, 0), nanos: tag(2, 0) } as const;

/** The whole exposition: `MetricFamily` messages, each behind its length. */
export async function writeProtobuf(metrics: ResourceMetrics): Promise<Buffer> {
  const out = new ProtobufBuffer();
  await nextTurn();
  target(out, metrics.resource.attributes);
  let sliceEnd = performance.now() + SLICE_MS;
  for (const group of groups(metrics)) {
    const start = out.open(3);
    head(out, group);
    for (const member of group.members) {
      for (let i = 0; i < member.dataPoints.length; i++) {
        nested(out, FAMILY.metric, () => point(out, group, member, i));
        if (performance.now() < sliceEnd) continue;
        await nextTurn();
        sliceEnd = performance.now() + SLICE_MS;
      }
    }
    out.close(start, 3);
  }
  return out.take();
}

/** A message field that `write` fills. */
function nested(out: ProtobufBuffer, field: number, write: () => void): void {
  out.byte(field);
  const start = out.open(1);
  write();
  out.close(start, 1);
}

function head(out: ProtobufBuffer, { name, kind, unit, help }: Group): void {
  out.string(FAMILY.name, kind === 'counter' ? `${name}_total` : name);
  out.string(FAMILY.help, help);
  out.uint(FAMILY.type, TYPES[kind]);
  if (unit !== '') out.string(FAMILY.unit, unit);
}

function target(out: ProtobufBuffer, attributes: Attributes): void {
  if (labelsOf(attributes).size === 0) return;
  const start = out.open(2);
  head(out, { name: 'target_info', kind: 'gauge', unit: '', help: 'Target metadata', members: [] });
  nested(out, FAMILY.metric, () => {
    labels(out, METRIC.label, attributes);
    nested(out, METRIC.gauge, () => out.double(VALUE, 1));
  });
  out.close(start, 2);
}

function point(out: ProtobufBuffer, { kind }: Group, metric: MetricData, index: number): void {
  const { attributes, startTime } = metric.dataPoints[index]!;
  labels(out, METRIC.label, attributes);
  if (metric.dataPointType === HISTOGRAM) {
    nested(out, METRIC.histogram, () => histogram(out, metric.dataPoints[index]!));
    return;
  }
  const { value } = metric.dataPoints[index] as DataPoint<number>;
  nested(out, kind === 'counter' ? METRIC.counter : METRIC.gauge, () => {
    out.double(VALUE, value);
    if (kind === 'counter') time(out, COUNTER.created, startTime);
  });
}

function histogram(out: ProtobufBuffer, { value, startTime, exemplars, native }: HistogramPoint): void {
  const { buckets, count, sum } = value;
  out.uint(H.count, count);
  if (sum !== undefined) out.double(H.sum, sum);
  let cumulative = 0;
  buckets.counts.forEach((each, i) => {
    cumulative += each;
    nested(out, H.bucket, () => {
      out.uint(BUCKET.cumulative, cumulative);
      out.double(BUCKET.bound, buckets.boundaries[i] ?? Number.POSITIVE_INFINITY);
      const exemplar = exemplars?.[i];
      if (exemplar !== undefined) nested(out, BUCKET.exemplar, () => exemplify(out, exemplar));
    });
  });
  if (native !== undefined) exponential(out, native);
  time(out, H.created, startTime);
}

/** The native part: spans of buckets, each bucket as the difference to the one before it. */
function exponential(out: ProtobufBuffer, { zero, first, counts }: NativeCounts): void {
  out.uint(H.schema, zigzag(NATIVE_SCHEMA));
  out.double(H.zeroThreshold, ZERO_THRESHOLD);
  out.uint(H.zeroCount, zero);
  const spans = spansOf(counts);
  let end = 0;
  spans.forEach(([from, to], i) => {
    nested(out, H.span, () => {
      out.uint(SPAN.offset, zigzag(i === 0 ? first + from : from - end));
      out.uint(SPAN.length, to - from);
    });
    end = to;
  });
  // A native histogram that counts nothing yet is told from a classic one by an empty span.
  if (spans.length === 0) nested(out, H.span, () => out.uint(SPAN.length, 0));
  else
    nested(out, H.delta, () => {
      let before = 0;
      for (const [from, to] of spans)
        for (let i = from; i < to; i++) {
          out.varint(zigzag(counts[i]! - before));
          before = counts[i]!;
        }
    });
}

/** Runs of buckets that hold something, as [from, to); short gaps are in them. */
function spansOf(counts: Float64Array): [number, number][] {
  const spans: [number, number][] = [];
  for (let i = 0; i < counts.length; i++) {
    if (counts[i] === 0) continue;
    const last = spans.at(-1);
    if (last !== undefined && i - last[1] <= GAP) last[1] = i + 1;
    else spans.push([i, i + 1]);
  }
  return spans;
}

function exemplify(out: ProtobufBuffer, { traceId, spanId, value, time: at }: Exemplar): void {
  labels(out, EXEMPLAR.label, { trace_id: traceId, span_id: spanId });
  out.double(EXEMPLAR.value, value);
  time(out, EXEMPLAR.time, [Math.floor(at / 1000), Math.round((at % 1000) * 1e6)]);
}

function labels(out: ProtobufBuffer, field: number, attributes: Attributes): void {
  for (const [name, text] of labelsOf(attributes))
    nested(out, field, () => {
      out.string(LABEL.name, name);
      out.string(LABEL.value, text);
    });
}

function time(out: ProtobufBuffer, field: number, [seconds, nanos]: HrTime): void {
  nested(out, field, () => {
    out.uint(TIME.seconds, seconds);
    out.uint(TIME.nanos, nanos);
  });
}

/** Signed numbers on the wire: 0, −1, 1, −2 … become 0, 1, 2, 3 … */
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}
