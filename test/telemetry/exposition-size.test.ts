// How large /metrics is: a service with 200 event types, and what a type costs before anything has gone wrong with it.
import { gzipSync } from 'node:zlib';
import { emptyResource } from '@opentelemetry/resources';
import { describe, expect, it } from 'vitest';
import { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { createDeliveryMetrics } from '../../src/telemetry/metrics/metrics.ts';
import { createMetricProducer } from '../../src/telemetry/metrics/producer.ts';
import { ScrapeExporter } from '../../src/telemetry/scrape/exporter.ts';
import { parseExposition, sumIn } from '../support/exposition.ts';

const now = () => 1000;
const MB = 1_000_000;

/** One confirmed delivery of each of so many types. */
function exposing(types: number) {
  const metrics = createDeliveryMetrics();
  const session = new Session('s', new Owner(undefined));
  const settle = (index: number, end: object): void => {
    const name = `tool_event_no_${index}`;
    const policy = { priority: 'normal', confirm: 'auto', timeoutMs: 30_000, attemptsMs: [], gapMs: [] } as never;
    const facts = { type: { name, label: name, index, policy }, id: undefined, run: undefined, user: undefined };
    const rest = { tool: undefined, toolCall: undefined, traceparent: undefined, bytes: 100 };
    const delivery = new Delivery(index, session, index, { ...facts, ...rest }, 'received', 900);
    metrics.tracked(delivery);
    Object.assign(delivery, { settledAt: 1000, ...end });
    metrics.settled(delivery);
  };
  for (let index = 1; index <= types; index++) settle(index, { status: 'confirmed', level: 'received' });
  const producer = createMetricProducer({ sources: [metrics.source], version: '0', startedAt: 0, now });
  const exporter = new ScrapeExporter([producer]);
  exporter.standAlone(emptyResource());
  return { settle, scrape: async () => String((await exporter.scrape('application/openmetrics-text')).body) };
}

describe('the exposition', () => {
  it('of 200 event types is at most 1 MB as it is, and a tenth of that on the wire', async () => {
    const { scrape } = exposing(200);
    const text = await scrape();
    parseExposition(text, 'openmetrics');
    const zipped = gzipSync(text, { level: 1 });
    console.info(`200 types: ${(text.length / MB).toFixed(2)} MB, ${(zipped.length / MB).toFixed(2)} MB as gzip`);
    expect(text.length).toBeLessThanOrEqual(MB);
    expect(zipped.length).toBeLessThanOrEqual(MB / 10);
  });

  it('of 200 event types that all have been lost is at most 1 MB too', async () => {
    const { settle, scrape } = exposing(200);
    const confirmed = (await scrape()).length;
    for (const errorType of ['timeout', 'disconnected', 'shutdown', 'rejected'])
      for (let index = 1; index <= 200; index++) settle(index, { status: 'failed', errorType });
    const text = await scrape();
    parseExposition(text, 'openmetrics');
    console.info(`four errors of each: ${(text.length / MB).toFixed(2)} MB, none: ${(confirmed / MB).toFixed(2)} MB`);
    expect(text.length).toBeLessThanOrEqual(MB);
  });

  it('counts every error from 0, and as beyond every bound', async () => {
    const { settle, scrape } = exposing(1);
    const errors = ['timeout', 'disconnected', 'rejected', 'shutdown'];
    const buckets = (text: string, error: string) =>
      text.split('\n').filter((line) => line.includes('duration_seconds_bucket') && line.includes(`"${error}"`)).length;
    const fresh = await scrape();
    const counts = parseExposition(fresh, 'openmetrics');
    for (const error of errors) {
      expect(sumIn(counts, 'ackspan_delivery_duration_seconds_count', { error_type: error }), error).toBe(0);
      expect(buckets(fresh, error), error).toBe(1);
    }
    settle(1, { status: 'timeout', errorType: 'timeout' });
    const later = await scrape();
    expect(buckets(later, 'timeout')).toBe(1);
    const counted = parseExposition(later, 'openmetrics');
    const of = { error_type: 'timeout' };
    expect(sumIn(counted, 'ackspan_delivery_duration_seconds_bucket', { ...of, le: '+Inf' })).toBe(1);
    expect(sumIn(counted, 'ackspan_delivery_duration_seconds_count', of)).toBe(1);
    expect(sumIn(counted, 'ackspan_delivery_duration_seconds_sum', of)).toBeCloseTo(0.1);
  });
});
