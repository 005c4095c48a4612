// The scrape exporter inside the real SDK, beside an OTLP reader of the same producer.
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { describe, expect, it } from 'vitest';
import { createDeliveryMetrics } from '../../src/telemetry/metrics/metrics.ts';
import { createMetricProducer } from '../../src/telemetry/metrics/producer.ts';
import { ScrapeExporter } from '../../src/telemetry/scrape/exporter.ts';
import { parseExposition, valueIn } from '../support/exposition.ts';
import { eventType, sent, settle, T0 } from './deliveries.ts';

function producing() {
  const metrics = createDeliveryMetrics();
  const delivery = sent(eventType('agent_started', 1, 'high'));
  metrics.tracked(delivery);
  metrics.settled(settle(delivery, 12, 'confirmed', 'received'));
  metrics.exemplar(delivery, '0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331');
  return createMetricProducer({ sources: [metrics.source], version: '0', startedAt: T0, now: () => T0 + 1 });
}

const resource = resourceFromAttributes({ 'service.name': 'ackspan', 'service.instance.id': 'i-1' });
const counted = { event_type: 'agent_started', priority: 'high', level: 'received' };

describe('a scrape', () => {
  it("answers in the format asked for, under the SDK's resource, and opens no port", async () => {
    const exporter = new ScrapeExporter([producing()]);
    const provider = new MeterProvider({ resource, readers: [exporter] });
    const text = await exporter.scrape('*/*');
    expect(text.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    const parsed = parseExposition(String(text.body), 'text');
    expect(valueIn(parsed, 'ackspan_delivery_duration_seconds_count', counted)).toBe(1);
    expect(valueIn(parsed, 'target_info', { service_name: 'ackspan', service_instance_id: 'i-1' })).toBe(1);
    const open = await exporter.scrape('application/openmetrics-text');
    expect(open.contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(String(open.body)).toContain(
      '# {trace_id="0af7651916cd43dd8448eb211c80319c",span_id="b7ad6b7169203331"} 0.012 ',
    );
    parseExposition(String(open.body), 'openmetrics');
    expect(process.getActiveResourcesInfo()).not.toContain('TCPServerWrap');
    await provider.shutdown();
    // What a stop counted last is scraped after it.
    expect(String((await exporter.scrape('application/openmetrics-text')).body)).toBe(String(open.body));
  });

  it('works without an SDK', async () => {
    const exporter = new ScrapeExporter([producing()]);
    await expect(exporter.scrape('')).rejects.toThrow('not bound');
    exporter.standAlone(resource);
    const parsed = parseExposition(String((await exporter.scrape('')).body), 'text');
    expect(valueIn(parsed, 'ackspan_delivery_pending', { priority: 'high' })).toBe(0);
  });

  it('loses a source that throws, not the scrape', async () => {
    const broken = () => {
      throw new Error('broken');
    };
    const producer = createMetricProducer({ sources: [broken], version: '0', startedAt: 0, now: () => 0 });
    const exporter = new ScrapeExporter([producer, producing()]);
    exporter.standAlone(resource);
    expect(String((await exporter.scrape('')).body)).toContain('ackspan_delivery_tracked_total');
  });
});

it('a push reader gets the same numbers, cumulative since the start', async () => {
  const memory = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: memory, metricProducers: [producing()] });
  const provider = new MeterProvider({ resource, readers: [reader] });
  await provider.forceFlush();
  const [pushed] = memory.getMetrics();
  const metrics = pushed!.scopeMetrics.at(-1)!.metrics;
  const duration = metrics.find((each) => each.descriptor.name === 'ackspan.delivery.duration')!;
  expect(duration.descriptor.unit).toBe('s');
  expect(duration.aggregationTemporality).toBe(AggregationTemporality.CUMULATIVE);
  const confirmed = duration.dataPoints.find((point) => point.attributes['error.type'] === undefined)!;
  expect(confirmed).toMatchObject({
    attributes: { 'event.type': 'agent_started', priority: 'high', level: 'received' },
    startTime: [T0 / 1000, 0],
    endTime: [T0 / 1000, 1_000_000],
    value: { count: 1, sum: 0.012 },
  });
  await provider.shutdown();
});
