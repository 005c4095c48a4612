// The serializer against the words of both formats: escaping, numbers, families, and promtool where it is installed.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Attributes } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { describe, expect, it } from 'vitest';
import { createConnectionMetrics } from '../../src/telemetry/metrics/connections.ts';
import { createDeliveryMetrics } from '../../src/telemetry/metrics/metrics.ts';
import { createMetricProducer, type Point } from '../../src/telemetry/metrics/producer.ts';
import { createReadings } from '../../src/telemetry/metrics/readings.ts';
import { createRuntimeMetrics } from '../../src/telemetry/metrics/runtime.ts';
import { createStandstillMetrics } from '../../src/telemetry/metrics/standstills.ts';
import { METRICS, type MetricRow } from '../../src/telemetry/names/names.ts';
import { negotiateFormat, type TextFormat } from '../../src/telemetry/scrape/accept.ts';
import { writeExposition } from '../../src/telemetry/scrape/openmetrics.ts';
import { parseExposition, valueIn } from '../support/exposition.ts';
import { eventType, sent, settle } from './deliveries.ts';
import { Story } from './tool-stories.ts';

const PROMTOOL = '/usr/bin/promtool';

async function metricsOf(...metrics: [MetricRow, Point[]][]): Promise<MetricData[]> {
  const families = metrics.map(([metric, points]) => ({ metric, points }));
  const producer = createMetricProducer({ sources: [() => families], version: '0', startedAt: 0, now: () => 0 });
  const { resourceMetrics, errors } = await producer.collect();
  expect(errors).toEqual([]);
  return resourceMetrics.scopeMetrics[0]!.metrics;
}

function write(metrics: MetricData[], format: TextFormat, resource: Attributes = {}): Promise<string> {
  const scopeMetrics = [{ scope: { name: 'test' }, metrics }];
  const data: ResourceMetrics = { resource: resourceFromAttributes(resource), scopeMetrics };
  return writeExposition(data, format);
}

function row(name: string, kind: MetricRow['kind'], unit: string, description = 'A sentence.'): MetricRow {
  const plain = { name, kind, unit, description, attributes: [] };
  return kind === 'histogram' ? { ...plain, bounds: [0.5, 1, 10] } : plain;
}

describe('both formats', () => {
  it('text 0.0.4: HELP and TYPE under the sample name', async () => {
    const metrics = await metricsOf([row('a.bytes', 'counter', 'By'), [{ attributes: { 'x.y': 'z' }, value: 12 }]]);
    expect(await write(metrics, 'text', { 'service.name': 'ackspan' })).toBe(
      [
        '# HELP target_info Target metadata',
        '# TYPE target_info gauge',
        'target_info{service_name="ackspan"} 1',
        '# HELP a_bytes_total A sentence.',
        '# TYPE a_bytes_total counter',
        'a_bytes_total{x_y="z"} 12',
        '',
      ].join('\n'),
    );
  });

  it('OpenMetrics 1.0: families without _total, UNIT, info, EOF', async () => {
    const metrics = await metricsOf([row('a.bytes', 'counter', 'By'), [{ attributes: { 'x.y': 'z' }, value: 12 }]]);
    expect(await write(metrics, 'openmetrics', { 'service.name': 'ackspan' })).toBe(
      [
        '# HELP target Target metadata',
        '# TYPE target info',
        'target_info{service_name="ackspan"} 1',
        '# TYPE a_bytes counter',
        '# UNIT a_bytes bytes',
        '# HELP a_bytes A sentence.',
        'a_bytes_total{x_y="z"} 12',
        '# EOF',
        '',
      ].join('\n'),
    );
  });

  it('nothing to show is an empty text, or only the end mark', async () => {
    expect(await write([], 'text')).toBe('');
    expect(await write([], 'openmetrics')).toBe('# EOF\n');
    expect(await write(await metricsOf([row('a', 'gauge', ''), []]), 'text')).toBe('');
  });

  it('histograms are cumulative, their bounds canonical floats', async () => {
    const value = { counts: [1, 0, 2, 4], sum: 55.5 };
    const metrics = await metricsOf([row('a', 'histogram', 's'), [{ attributes: {}, value }]]);
    for (const format of ['text', 'openmetrics'] as const) {
      expect((await write(metrics, format)).split('\n').filter((line) => line.startsWith('a_'))).toEqual([
        'a_seconds_bucket{le="0.5"} 1',
        'a_seconds_bucket{le="1.0"} 1',
        'a_seconds_bucket{le="10.0"} 3',
        'a_seconds_bucket{le="+Inf"} 7',
        'a_seconds_sum 55.5',
        'a_seconds_count 7',
      ]);
    }
  });

  it.each([
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
    [-0.5, '-0.5'],
    [1e21, '1e+21'],
    [5e-324, '5e-324'],
    [9007199254740991, '9007199254740991'],
  ])('writes %d as %s', async (value, text) => {
    const metrics = await metricsOf([row('a', 'gauge', ''), [{ attributes: {}, value }]]);
    expect(await write(metrics, 'text')).toContain(`\na ${text}\n`);
  });

  it('escapes labels and help as each format asks', async () => {
    const label = 'a "b" \\ c\nd {e} ☃ # {x="y"} 1';
    const metrics = await metricsOf([
      row('a', 'gauge', '', 'Says "no" \\ and\nmore.'),
      [{ attributes: { label }, value: 1 }],
    ]);
    const text = await write(metrics, 'text');
    const open = await write(metrics, 'openmetrics');
    expect(text).toContain('# HELP a Says "no" \\\\ and\\nmore.\n');
    expect(open).toContain('# HELP a Says \\"no\\" \\\\ and\\nmore.\n');
    expect(text).toContain('a{label="a \\"b\\" \\\\ c\\nd {e} ☃ # {x=\\"y\\"} 1"} 1\n');
    expect(valueIn(parseExposition(text, 'text'), 'a', { label })).toBe(1);
    expect(valueIn(parseExposition(open, 'openmetrics'), 'a', { label })).toBe(1);
  });

  it('joins attributes that become one label, in the order of their keys, and writes other types as JSON', async () => {
    const attributes = { a_b: 'second', 'a.b': 'first', list: ['x', 'y'], flag: true, gone: undefined };
    const metrics = await metricsOf([row('m', 'gauge', ''), [{ attributes, value: 1 }]]);
    expect(await write(metrics, 'text')).toContain('m{a_b="first;second",flag="true",list="[\\"x\\",\\"y\\"]"} 1\n');
  });

  it('writes a name once when two scopes have it, and leaves out the second of two kinds', async () => {
    const first = await metricsOf([row('a.b', 'gauge', ''), [{ attributes: { n: 1 }, value: 1 }]]);
    const second = await metricsOf([row('a_b', 'gauge', ''), [{ attributes: { n: 2 }, value: 2 }]]);
    const other = await metricsOf([row('a_b', 'histogram', ''), [{ attributes: {}, value: { counts: [], sum: 0 } }]]);
    const text = await write([...first, ...second, ...other], 'text');
    expect(text).toBe('# HELP a_b A sentence.\n# TYPE a_b gauge\na_b{n="1"} 1\na_b{n="2"} 2\n');
  });
});

const PROTOBUF = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';

describe('content negotiation', () => {
  const prometheus2 =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
  const prometheus3 =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1';
  it.each([
    ['', 'text'],
    ['*/*', 'text'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'text'],
    ['application/json', 'text'],
    ['application/openmetrics-text', 'openmetrics'],
    ['application/openmetrics-text; version="1.0.0"; charset=utf-8', 'openmetrics'],
    ['APPLICATION/OpenMetrics-Text', 'openmetrics'],
    ['application/openmetrics-text;version=2.0.0', 'text'],
    ['application/openmetrics-text;q=0, */*', 'text'],
    ['application/openmetrics-text;q=nonsense', 'text'],
    ['application/openmetrics-text;q=0.4,text/plain;q=0.5', 'text'],
    ['text/plain;q=0.4,application/openmetrics-text;q=0.5', 'openmetrics'],
    ['text/plain,application/openmetrics-text', 'openmetrics'],
    ['*/*,text/plain;q=0.1,application/openmetrics-text;q=0.2', 'openmetrics'],
    [prometheus2, 'openmetrics'],
    [prometheus3, 'openmetrics'],
    [`${PROTOBUF};q=0.6,${prometheus3}`, 'protobuf'],
    [`${PROTOBUF};q=0.1,${prometheus3}`, 'openmetrics'],
    [`${PROTOBUF};q=0,*/*`, 'text'],
    [`${PROTOBUF.replace('delimited', 'text')}`, 'text'],
    [`${PROTOBUF.replace('MetricFamily', 'Other')}`, 'text'],
    ['application/vnd.google.protobuf', 'text'],
  ])('%s → %s', (accept, format) => {
    expect(negotiateFormat(accept)).toBe(format);
  });
});

/** Everything that Ackspan can expose, each series with something in it. */
async function everything(format: TextFormat): Promise<string> {
  const deliveries = createDeliveryMetrics({ outlived: true });
  for (const [i, priority] of (['critical', 'high', 'normal', 'low'] as const).entries()) {
    const delivery = sent(eventType(`type_${i}`, i, priority));
    deliveries.tracked(delivery);
    deliveries.received(delivery, delivery.sentAt + 3);
    deliveries.upgraded(delivery, delivery.sentAt + 4);
    deliveries.settled(settle(delivery, 3 * 10 ** i, 'confirmed', 'received'));
    deliveries.exemplar(delivery, '0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331');
  }
  const connections = createConnectionMetrics();
  connections.opened('none');
  connections.closed(1006, 'client', 61_000, 'none');
  const agents = new Story().sent('tool_executing', { tool: 'x' }).sent('tool_completed', { tool: 'x' }).watch;
  const runtime = createRuntimeMetrics();
  const own = new Set<MetricRow>();
  const families = [
    ...deliveries.source(),
    ...connections.source(),
    ...agents.source(),
    ...runtime.source(),
    ...createStandstillMetrics().source(),
  ];
  runtime.stop();
  for (const { metric } of families) own.add(metric);
  const others = Object.values(METRICS).filter((metric) => !own.has(metric));
  const readings = createReadings(
    others.map((metric) => ({
      metric,
      attributes: Object.fromEntries(metric.attributes.map((key) => [key, 'x'])),
      read: () => 1.5,
    })),
  );
  const sources = [() => families, readings];
  const producer = createMetricProducer({ sources, version: '0', startedAt: 0, now: () => 0 });
  const { resourceMetrics, errors } = await producer.collect();
  expect(errors).toEqual([]);
  return writeExposition({ ...resourceMetrics, resource: resourceFromAttributes({ 'service.name': 'a' }) }, format);
}

describe('the whole exposition', () => {
  it.each(['text', 'openmetrics'] as const)(
    'holds every metric of the table and parses strictly as %s',
    async (format) => {
      const parsed = parseExposition(await everything(format), format);
      expect(parsed.size).toBe(Object.keys(METRICS).length + 1);
      for (const family of parsed.values()) expect(family.samples.length, family.name).toBeGreaterThan(0);
    },
  );

  it('shows exemplars with trace and span ids in OpenMetrics', async () => {
    const parsed = parseExposition(await everything('openmetrics'), 'openmetrics');
    const exemplars = parsed.get('ackspan_delivery_duration_seconds')?.samples.flatMap((each) => each.exemplar ?? []);
    expect(exemplars?.map((each) => each.value)).toEqual([0.003, 0.03, 0.3, 3]);
  });

  it.skipIf(!existsSync(PROMTOOL) && process.env.CI === undefined)(
    'has nothing that promtool finds fault with',
    async () => {
      const text = await everything('text');
      const check = () =>
        execFileSync(PROMTOOL, ['check', 'metrics'], { input: text, encoding: 'utf8', stdio: 'pipe' });
      expect(check()).toBe('');
    },
  );
});
