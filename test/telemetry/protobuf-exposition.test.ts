// The protobuf exposition, read back by protobufjs with Prometheus' message types.
import { resourceFromAttributes } from '@opentelemetry/resources';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { createDeliveryMetrics } from '../../src/telemetry/metrics/metrics.ts';
import { NATIVE_SCHEMA, NativeHistogram, ZERO_THRESHOLD } from '../../src/telemetry/metrics/native.ts';
import { createMetricProducer } from '../../src/telemetry/metrics/producer.ts';
import { ScrapeExporter } from '../../src/telemetry/scrape/exporter.ts';
import { parseExposition, valueIn } from '../support/exposition.ts';
import { propertyOptions } from '../support/seed.ts';
import { eventType, sent, settle, T0 } from './deliveries.ts';

/** What of Prometheus' client_model is written here: its field numbers and types. */
const { root } = protobuf.parse(
  `
  syntax = "proto3";
  message LabelPair { string name = 1; string value = 2; }
  message Timestamp { int64 seconds = 1; int32 nanos = 2; }
  message Exemplar { repeated LabelPair label = 1; double value = 2; Timestamp timestamp = 3; }
  message Gauge { double value = 1; }
  message Counter { double value = 1; Timestamp created_timestamp = 3; }
  message Bucket { uint64 cumulative_count = 1; double upper_bound = 2; Exemplar exemplar = 3; }
  message BucketSpan { sint32 offset = 1; uint32 length = 2; }
  message Histogram {
    uint64 sample_count = 1; double sample_sum = 2; repeated Bucket bucket = 3; sint32 schema = 5;
    double zero_threshold = 6; uint64 zero_count = 7; repeated BucketSpan positive_span = 12;
    repeated sint64 positive_delta = 13; Timestamp created_timestamp = 15;
  }
  message Metric { repeated LabelPair label = 1; Gauge gauge = 2; Counter counter = 3; Histogram histogram = 7; }
  message MetricFamily {
    string name = 1; string help = 2; int32 type = 3; repeated Metric metric = 4; string unit = 5;
  }
`,
  { keepCase: true },
);
const FAMILY = root.lookupType('MetricFamily');

interface Histogram {
  readonly sample_count: number;
  readonly sample_sum: number;
  readonly bucket: readonly { cumulative_count: number; upper_bound: number; exemplar?: { value: number } }[];
  readonly schema: number;
  readonly zero_threshold: number;
  readonly zero_count: number;
  readonly positive_span: readonly { offset: number; length: number }[];
  readonly positive_delta: readonly number[];
  readonly created_timestamp: { seconds: number };
}
interface Metric {
  readonly label: readonly { name: string; value: string }[];
  readonly gauge?: { value: number };
  readonly counter?: { value: number };
  readonly histogram?: Histogram;
}
interface Family {
  readonly name: string;
  readonly type: number;
  readonly unit: string;
  readonly metric: readonly Metric[];
}

const ACCEPT = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6';

function exposing() {
  const metrics = createDeliveryMetrics();
  const producer = createMetricProducer({ sources: [metrics.source], version: '0', startedAt: T0, now: () => T0 + 1 });
  const exporter = new ScrapeExporter([producer]);
  exporter.standAlone(resourceFromAttributes({ 'service.name': 'ackspan' }));
  const scrape = async (): Promise<Map<string, Family>> => {
    const { contentType, body } = await exporter.scrape(ACCEPT);
    expect(contentType).toContain('application/vnd.google.protobuf');
    const families = new Map<string, Family>();
    const reader = protobuf.Reader.create(body as Buffer);
    while (reader.pos < reader.len) {
      const family = FAMILY.toObject(FAMILY.decodeDelimited(reader), { longs: Number, arrays: true }) as Family;
      families.set(family.name, family);
    }
    return families;
  };
  return { metrics, scrape, text: async () => String((await exporter.scrape('')).body) };
}

/** Bucket counts by index. */
function bucketsOf({ positive_span, positive_delta }: Histogram): Map<number, number> {
  const found = new Map<number, number>();
  let index = 0;
  let count = 0;
  let at = 0;
  for (const { offset = 0, length = 0 } of positive_span) {
    index += offset;
    for (let i = 0; i < length; i++, index++) {
      count += positive_delta[at++]!;
      if (count > 0) found.set(index, count);
    }
  }
  expect(at).toBe(positive_delta.length);
  return found;
}

const labelsOf = ({ label }: Metric) => Object.fromEntries(label.map(({ name, value }) => [name, value]));

describe('the protobuf exposition', () => {
  it('says the same as the text, family by family, with the kinds and units of Prometheus', async () => {
    const { metrics, scrape, text } = exposing();
    for (const ms of [3, 12, 700]) {
      const delivery = sent(eventType('agent_started', 1, 'high'));
      metrics.tracked(delivery);
      metrics.received(delivery, T0 + ms);
      metrics.settled(settle(delivery, ms, 'confirmed', 'received'));
    }
    const parsed = parseExposition(await text(), 'text');
    const families = await scrape();
    expect([...families.keys()].sort()).toEqual([...parsed.keys()].sort());
    expect(
      ['ackspan_delivery_tracked_total', 'ackspan_delivery_pending', 'target_info'].map(
        (name) => families.get(name)!.type,
      ),
    ).toEqual([0, 1, 1]);
    expect(families.get('ackspan_delivery_duration_seconds')).toMatchObject({ type: 4, unit: 'seconds' });
    for (const { name, metric } of families.values())
      for (const each of metric) {
        const value = each.counter?.value ?? each.gauge?.value;
        if (value !== undefined) expect(valueIn(parsed, name, labelsOf(each)), name).toBe(value);
        for (const { cumulative_count = 0, upper_bound } of each.histogram?.bucket ?? []) {
          const le =
            upper_bound === Number.POSITIVE_INFINITY
              ? '+Inf'
              : Number.isInteger(upper_bound)
                ? `${upper_bound}.0`
                : String(upper_bound);
          expect(valueIn(parsed, `${name}_bucket`, { ...labelsOf(each), le }), `${name} ${le}`).toBe(cumulative_count);
        }
      }
  });

  it('has native buckets, exemplars and the start of each histogram', async () => {
    const { metrics, scrape } = exposing();
    const delivery = sent(eventType('agent_started', 1, 'high'));
    metrics.tracked(delivery);
    metrics.settled(settle(delivery, 250, 'confirmed', 'received'));
    metrics.exemplar(delivery, '0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331');
    const { metric } = (await scrape()).get('ackspan_delivery_duration_seconds')!;
    const { histogram } = metric.find((each) => labelsOf(each).level === 'received')!;
    expect(histogram).toMatchObject({
      sample_count: 1,
      sample_sum: 0.25,
      schema: NATIVE_SCHEMA,
      zero_threshold: ZERO_THRESHOLD,
    });
    // 0.25 s = 2^-2 ends bucket -16 of eight to a factor of two.
    expect([...bucketsOf(histogram!)]).toEqual([[-16, 1]]);
    expect(histogram!.bucket.flatMap(({ exemplar }) => exemplar?.value ?? [])).toEqual([0.25]);
    expect(histogram!.created_timestamp.seconds).toBeGreaterThan(0);
    // One that counts nothing yet is native too: its kind does not change with the first error.
    const { histogram: empty } = metric.find((each) => labelsOf(each).error_type === 'timeout')!;
    expect(empty).toMatchObject({ sample_count: 0, schema: NATIVE_SCHEMA, positive_span: [{ length: 0 }] });
  });

  it('[property] every time is in the bucket whose bounds hold it, and the buckets sum up to the count', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.double({ min: 0, max: 3e8, noNaN: true }), { maxLength: 60 }), async (times) => {
        const { metrics, scrape } = exposing();
        for (const ms of times) {
          const delivery = sent(eventType('x', 1, 'low'));
          metrics.tracked(delivery);
          metrics.settled(settle(delivery, ms, 'confirmed', 'received'));
        }
        // Times are differences of clock readings: what was measured is what counts.
        const seconds = times.map((ms) => Math.max(0, T0 + ms - T0) / 1000);
        const last = 17 * 2 ** NATIVE_SCHEMA;
        const expected = new Map<number, number>();
        let zero = 0;
        for (const value of seconds) {
          if (value <= ZERO_THRESHOLD) zero++;
          else {
            let index = -200;
            while (2 ** (index / 2 ** NATIVE_SCHEMA) < value * (1 - 1e-12)) index++;
            const at = Math.min(index, last);
            expected.set(at, (expected.get(at) ?? 0) + 1);
          }
        }
        const { metric } = (await scrape()).get('ackspan_delivery_duration_seconds') ?? { metric: [] };
        const found = metric.find((each) => labelsOf(each).level === 'received')?.histogram;
        if (times.length === 0) return void expect(found).toBeUndefined();
        expect(Number(found!.zero_count ?? 0)).toBe(zero);
        expect([...bucketsOf(found!)].sort()).toEqual([...expected].sort());
      }),
      propertyOptions(100),
    );
  });

  it('takes times beyond both ends', () => {
    const histogram = new NativeHistogram();
    for (const ms of [0, 1e-9, 1e12]) histogram.record(ms);
    const { zero, counts } = histogram.read();
    expect([zero, counts.at(-1), counts.reduce((sum, each) => sum + each, 0)]).toEqual([2, 1, 1]);
  });
});
