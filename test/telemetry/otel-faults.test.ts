// What is said of malformed OTEL_* variables: the name, the fault and what is used instead; never a value that may be a credential.
import { describe, expect, test } from 'vitest';
import type { Env } from '../../src/telemetry/env/otel-env.ts';
import { otelFaults } from '../../src/telemetry/otel-faults.ts';

const told = (env: Env): string[] => otelFaults(env).map(({ variable, message }) => `${variable}: ${message}`);

test('an environment without faults is not complained about', () => {
  expect(
    told({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://user:secret@collector:4318',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: ' http://c:4318/v1/traces ',
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%2Cb, x=1 ,',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_TIMEOUT: '5000',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_TRACES_EXPORTER: 'otlp,console',
      OTEL_METRICS_EXPORTER: 'prometheus',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_RESOURCE_ATTRIBUTES: 'a=1,b=2,',
      OTEL_SERVICE_NAME: 'chat',
      OTEL_PROPAGATORS: 'tracecontext,baggage',
      OTEL_BSP_SCHEDULE_DELAY: '',
      OTEL_LOG_LEVEL: 'INFO',
      OTEL_SDK_DISABLED: 'False',
      OTEL_SOMETHING_ELSE: 'x',
    }),
  ).toEqual([]);
});

test.each<[string, Env, string]>([
  ['a switch', { OTEL_SDK_DISABLED: '1' }, 'OTEL_SDK_DISABLED: "1" is neither true nor false; false is used instead'],
  ['a level', { OTEL_LOG_LEVEL: 'loud' }, 'OTEL_LOG_LEVEL: "loud" is not one of .*; warn is used instead'],
  ['a blank name', { OTEL_SERVICE_NAME: '  ' }, 'OTEL_SERVICE_NAME: it is blank; service_name is used instead'],
  [
    'a blank name among the attributes',
    { OTEL_RESOURCE_ATTRIBUTES: 'service.name=' },
    'OTEL_RESOURCE_ATTRIBUTES: service.name is blank; it is not used',
  ],
  [
    'an attribute without a value',
    { OTEL_RESOURCE_ATTRIBUTES: 'a=1,oops' },
    'OTEL_RESOURCE_ATTRIBUTES: entry 2 is not key=value .*; none of its entries is used',
  ],
  [
    'an attribute without a key',
    { OTEL_RESOURCE_ATTRIBUTES: '=1' },
    'OTEL_RESOURCE_ATTRIBUTES: entry 1 is not key=value',
  ],
  [
    'a percent sign',
    { OTEL_RESOURCE_ATTRIBUTES: 'a=1,load=50%' },
    'OTEL_RESOURCE_ATTRIBUTES: entry 2 has a broken %-encoding .*; none of its entries is used',
  ],
  [
    'an exporter beside one that is known',
    { OTEL_TRACES_EXPORTER: 'otlp,zipkin' },
    'OTEL_TRACES_EXPORTER: "zipkin" is not supported .*; otlp is used',
  ],
  [
    'an exporter alone',
    { OTEL_LOGS_EXPORTER: 'jaeger' },
    'OTEL_LOGS_EXPORTER: "jaeger" is not supported .*; nothing is exported',
  ],
  [
    'gRPC',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    'OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" is not spoken here; http/protobuf is used instead',
  ],
  [
    'an endpoint without a scheme',
    { OTEL_EXPORTER_OTLP_ENDPOINT: '127.0.0.1:4318' },
    'OTEL_EXPORTER_OTLP_ENDPOINT: it is not an address .*; http://localhost:4318 is used instead',
  ],
  [
    'an endpoint of one signal',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: '//c' },
    'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: it is not an address .*; OTEL_EXPORTER_OTLP_ENDPOINT is used instead',
  ],
  [
    'an endpoint whose host is taken for a scheme',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318' },
    'OTEL_EXPORTER_OTLP_ENDPOINT: it is no http:// or https:// address; nothing that is sent there arrives',
  ],
  [
    'a compression',
    { OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'zstd' },
    'OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "zstd" is not supported .*; none is used instead',
  ],
  [
    'a time-out',
    { OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '10s' },
    'OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: "10s" is not a number .*; 10000 is used instead',
  ],
  [
    'a delay that no timer can wait for',
    { OTEL_BLRP_SCHEDULE_DELAY: '1e12' },
    'OTEL_BLRP_SCHEDULE_DELAY: "1e12" is not a number .*; 1000 is used instead',
  ],
  [
    'half an item',
    { OTEL_BSP_MAX_QUEUE_SIZE: '1.5' },
    'OTEL_BSP_MAX_QUEUE_SIZE: "1.5" is not a whole number .*; 32768 is used instead',
  ],
  [
    'a time-out longer than the interval',
    { OTEL_METRIC_EXPORT_INTERVAL: '1000', OTEL_METRIC_EXPORT_TIMEOUT: '5000' },
    'OTEL_METRIC_EXPORT_TIMEOUT: 5000 is longer than the interval; 1000 is used instead',
  ],
  [
    'a limit of spans',
    { OTEL_SPAN_EVENT_COUNT_LIMIT: '-3' },
    'OTEL_SPAN_EVENT_COUNT_LIMIT: "-3" is not a whole number from 0; it is not used',
  ],
  [
    'a certificate that is not there',
    { OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere.pem' },
    'OTEL_EXPORTER_OTLP_CERTIFICATE: "/nowhere.pem" cannot be read .ENOENT.; Node’s own authorities are used instead',
  ],
  [
    'a sampler',
    { OTEL_TRACES_SAMPLER: 'traceidratio' },
    'OTEL_TRACES_SAMPLER: it has no effect here; tracing.keep_confirmed and tracing.slow decide instead',
  ],
  ['propagators', { OTEL_PROPAGATORS: 'b3' }, 'OTEL_PROPAGATORS: it has no effect here; traceparent'],
  [
    'delta temporality',
    { OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta' },
    'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: it has no effect here; cumulative is used instead',
  ],
  [
    'a slip of the pen',
    { OTEL_EXPORTER_OTLP_ENPOINT: 'http://c:4318' },
    'OTEL_EXPORTER_OTLP_ENPOINT: OpenTelemetry knows no such variable; it has no effect',
  ],
])('%s', (_, env, expected) => {
  expect(told(env)).toEqual([expect.stringMatching(new RegExp(`^${expected}`))]);
});

describe('[D11] headers are credentials', () => {
  test.each([
    ['api-key hunter2', 'entry 1 is not name=value'],
    ['a=1,hunter2', 'entry 2 is not name=value'],
    ['a=,b=1', 'entry 1 is not name=value'],
    ['api-key=hunter2%', 'entry 1 has a broken %-encoding'],
    ['api-key=hunter2%0A', 'entry 1 has characters that no HTTP header may have; every export fails'],
    ['api key=hunter2', 'entry 1 has characters that no HTTP header may have; every export fails'],
    ['api-key=hunter2;x', 'entry 1 has a semicolon, which is written %3B; what follows it is not sent'],
  ])('%s: told by its place, never by its value', (value, expected) => {
    const [fault, ...others] = told({ OTEL_EXPORTER_OTLP_TRACES_HEADERS: value });
    expect(fault).toContain(`OTEL_EXPORTER_OTLP_TRACES_HEADERS: ${expected}`);
    expect(fault).not.toContain('hunter2');
    expect(others).toEqual([]);
  });

  test('nor is an endpoint repeated', () => {
    expect(told({ OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://anna:hunter2@c' }).join()).not.toContain('hunter2');
  });
});
