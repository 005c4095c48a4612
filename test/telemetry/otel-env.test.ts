// The standard OTEL_* variables: what is exported, with which limits, and who the resource says we are.
import { expect, test } from 'vitest';
import {
  batchLimits,
  type Complain,
  type Env,
  isDisabled,
  metricIntervals,
  signalExport,
} from '../../src/telemetry/env/otel-env.ts';
import { parseResourceAttributes } from '../../src/telemetry/env/resource-attributes.ts';
import { createResource } from '../../src/telemetry/resource.ts';
import { spanLimits } from '../../src/telemetry/spans/span-limits.ts';

const NOTHING = { console: false, otlp: undefined };
const OTLP = { console: false, otlp: { protocol: 'http/protobuf' } };
const E = 'OTEL_EXPORTER_OTLP_ENDPOINT';

function collected<T>(read: (complain: Complain) => T): [T, string[]] {
  const faults: string[] = [];
  return [read((variable, fault) => faults.push(`${variable}: ${fault}`)), faults];
}

test.each<[Env, unknown]>([
  [{}, NOTHING],
  [{ [E]: '' }, NOTHING],
  [{ [E]: 'http://c:4318' }, OTLP],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/v1/traces' }, OTLP],
  [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://c:4318/v1/metrics' }, NOTHING],
  [{ OTEL_TRACES_EXPORTER: 'otlp' }, OTLP],
  [{ OTEL_TRACES_EXPORTER: 'none', [E]: 'http://c:4318' }, NOTHING],
  [{ OTEL_TRACES_EXPORTER: 'otlp,none' }, NOTHING],
  [{ OTEL_TRACES_EXPORTER: ' console ' }, { console: true, otlp: undefined }],
  [{ OTEL_TRACES_EXPORTER: 'console,otlp' }, { ...OTLP, console: true }],
  [{ [E]: 'http://c:4318', OTEL_SDK_DISABLED: 'TRUE' }, NOTHING],
  [
    { [E]: 'http://c:4318', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
    { console: false, otlp: { protocol: 'http/json' } },
  ],
  [
    {
      [E]: 'http://c:4318',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
    },
    OTLP,
  ],
])('traces with %o', (env, expected) => {
  expect(collected((complain) => signalExport(env, 'traces', complain))).toEqual([expected, []]);
});

test.each<[Env, unknown, string[]]>([
  [{ [E]: 'http://c:4318' }, NOTHING, []],
  [{ [E]: 'http://c:4318', OTEL_METRICS_EXPORTER: '' }, NOTHING, []],
  [{ [E]: 'http://c:4318', OTEL_METRICS_EXPORTER: 'otlp' }, OTLP, []],
  [{ OTEL_METRICS_EXPORTER: 'otlp' }, OTLP, []],
  [
    { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://c:4318/v1/metrics' },
    NOTHING,
    [
      'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: is set, but metrics are pushed only where OTEL_METRICS_EXPORTER is otlp; nothing is pushed',
    ],
  ],
])('metrics are pushed only where OTEL_METRICS_EXPORTER asks: %o', (env, expected, faults) => {
  expect(collected((complain) => signalExport(env, 'metrics', complain))).toEqual([expected, faults]);
});

test('prometheus is no fault for metrics: the admin server has it; for traces it is one', () => {
  const env = { OTEL_METRICS_EXPORTER: 'prometheus', OTEL_TRACES_EXPORTER: 'prometheus' };
  expect(collected((complain) => signalExport(env, 'metrics', complain))).toEqual([NOTHING, []]);
  expect(collected((complain) => signalExport(env, 'traces', complain))).toEqual([
    NOTHING,
    ['OTEL_TRACES_EXPORTER: "prometheus" is not supported (choose from otlp, console, none); nothing is exported'],
  ]);
});

test.each([
  ['true', true],
  ['false', false],
  ['1', false],
  ['', false],
])('OTEL_SDK_DISABLED=%s', (value, disabled) => {
  expect(isDisabled({ OTEL_SDK_DISABLED: value })).toBe(disabled);
});

test('batch limits: defaults, and what the environment sets; a batch is at most the queue', () => {
  expect(batchLimits({}, 'OTEL_BSP', () => {})).toEqual({
    maxQueueSize: 32_768,
    maxExportBatchSize: 1024,
    scheduleDelayMs: 5000,
    exportTimeoutMs: 30_000,
  });
  const env = {
    OTEL_BSP_MAX_QUEUE_SIZE: '100',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '512',
    OTEL_BSP_SCHEDULE_DELAY: '250',
    OTEL_BSP_EXPORT_TIMEOUT: '-1',
  };
  expect(collected((complain) => batchLimits(env, 'OTEL_BSP', complain))).toEqual([
    { maxQueueSize: 100, maxExportBatchSize: 100, scheduleDelayMs: 250, exportTimeoutMs: 30_000 },
    [
      'OTEL_BSP_MAX_EXPORT_BATCH_SIZE: 512 is more than the queue holds; 100 is used instead',
      'OTEL_BSP_EXPORT_TIMEOUT: "-1" is not a number of milliseconds from 1 to 2147483647; 30000 is used instead',
    ],
  ]);
});

test('log records have their own variables, and the delay of the specification', () => {
  expect(batchLimits({ OTEL_BSP_MAX_QUEUE_SIZE: '7' }, 'OTEL_BLRP', () => {})).toEqual({
    maxQueueSize: 16_384,
    maxExportBatchSize: 1024,
    scheduleDelayMs: 1000,
    exportTimeoutMs: 30_000,
  });
  expect(batchLimits({ OTEL_BLRP_SCHEDULE_DELAY: '70' }, 'OTEL_BLRP', () => {})).toMatchObject({ scheduleDelayMs: 70 });
});

test('metric intervals: the time-out is at most the interval', () => {
  expect(metricIntervals({}, () => {})).toEqual({ everyMs: 60_000, timeoutMs: 30_000 });
  expect(metricIntervals({ OTEL_METRIC_EXPORT_INTERVAL: '1000' }, () => {})).toEqual({
    everyMs: 1000,
    timeoutMs: 1000,
  });
});

test('span limits: the more specific variable wins, nonsense is ignored', () => {
  const env = {
    OTEL_ATTRIBUTE_COUNT_LIMIT: '10',
    OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '20',
    OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '64',
    OTEL_SPAN_EVENT_COUNT_LIMIT: 'x',
  };
  expect(spanLimits(env)).toEqual({ attributeCountLimit: 20, attributeValueLengthLimit: 64 });
});

test.each<[string | undefined, Record<string, string>]>([
  [undefined, {}],
  ['', {}],
  ['a=1, b = two words ,c=x%2Cy', { a: '1', b: 'two words', c: 'x,y' }],
  ['a=1=2', { a: '1=2' }],
  ['a=1,', { a: '1' }],
  [',a=1,,b=2, ', { a: '1', b: '2' }],
  ['service.name=,a=1', { a: '1' }],
  ['a=1,b', {}],
  ['a=1,=2', {}],
  ['a=1,b=%zz', {}],
])('OTEL_RESOURCE_ATTRIBUTES=%s', (text, expected) => {
  expect(parseResourceAttributes(text)).toEqual(expected);
});

test('outside Cloud Run nothing is said about a cloud; each start is an instance of its own', () => {
  const identity = { serviceName: 'ackspan', version: '1.2.3' };
  const [a, b] = [createResource(identity, {}).attributes, createResource(identity, {}).attributes];
  expect(Object.keys(a).filter((key) => /^(cloud|faas)\./.test(key))).toEqual([]);
  expect(a['service.instance.id']).not.toBe(b['service.instance.id']);
  expect(a['service.name']).toBe('ackspan');
});
