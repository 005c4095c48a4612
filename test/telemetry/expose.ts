// From a metric source to exposition text, through the producer, as a scrape does it.
import { resourceFromAttributes } from '@opentelemetry/resources';
import { createMetricProducer, type MetricSource } from '../../src/telemetry/metrics/producer.ts';
import type { TextFormat } from '../../src/telemetry/scrape/accept.ts';
import { writeExposition } from '../../src/telemetry/scrape/openmetrics.ts';
import { type ParsedFamily, parseExposition } from '../support/exposition.ts';
import { T0 } from './deliveries.ts';

export async function expose(source: MetricSource, format: TextFormat = 'text'): Promise<string> {
  const producer = createMetricProducer({ sources: [source], version: '0', startedAt: T0, now: () => T0 });
  const { resourceMetrics, errors } = await producer.collect();
  if (errors.length > 0) throw errors[0];
  return writeExposition({ ...resourceMetrics, resource: resourceFromAttributes({}) }, format);
}

export async function exposeParsed(
  source: MetricSource,
  format: TextFormat = 'openmetrics',
): Promise<ReadonlyMap<string, ParsedFamily>> {
  return parseExposition(await expose(source, format), format);
}

/**
 * Sample lines whose name starts with `prefix`; histogram buckets are left out unless asked for by
 * name.
 */
export function linesOf(text: string, prefix: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith(prefix) && (prefix.includes('_bucket') || !/_bucket\{/.test(line)));
}
