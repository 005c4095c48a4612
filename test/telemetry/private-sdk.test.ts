// The NodeSDK as the sidecar starts it: nothing runs that was not asked for, and nothing is left behind in the process.
import Module from 'node:module';
import { Socket } from 'node:net';
import { context, createContextKey, diag, metrics, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { AlwaysOnSampler, type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createMetricProducer } from '../../src/telemetry/metrics/producer.ts';
import { METRICS } from '../../src/telemetry/names/names.ts';
import { createNodeSdk, startPrivately } from '../../src/telemetry/private-sdk.ts';
import { ScrapeExporter } from '../../src/telemetry/scrape/exporter.ts';
import { startTelemetry, type Telemetry } from '../../src/telemetry/sdk.ts';
import { createSpanIds } from '../../src/telemetry/spans/span-ids.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';

/** Each makes NodeSDK start something, or change the process, when it is left to itself. */
const TEMPTING = {
  OTEL_METRICS_EXPORTER: 'prometheus',
  OTEL_LOGS_EXPORTER: 'otlp,console',
  OTEL_PROPAGATORS: 'b3,tracecontext',
  OTEL_NODE_RESOURCE_DETECTORS: 'all',
  OTEL_TRACES_SAMPLER: 'always_off',
  OTEL_LOG_LEVEL: 'debug',
};

let before: NodeJS.ProcessEnv;
let faults: string[];
const running: Telemetry[] = [];
const receivers: OtlpReceiver[] = [];

beforeEach(() => {
  before = { ...process.env };
  faults = [];
});
afterEach(async () => {
  for (const telemetry of running.splice(0)) await telemetry.shutdown(1000);
  for (const receiver of receivers.splice(0)) await receiver.close();
  process.env = before;
  vi.restoreAllMocks();
  for (const api of [trace, metrics, logs]) api.disable();
});

function scraper(): ScrapeExporter {
  const source = () => [{ metric: METRICS.upgraded, points: [{ attributes: {}, value: 7 }] }];
  return new ScrapeExporter([createMetricProducer({ sources: [source], version: '1', startedAt: 0, now: () => 1 })]);
}

function start(env: Record<string, string>, exporter = scraper(), name = ''): Telemetry {
  process.env = { ...before, ...env };
  const telemetry = startTelemetry({
    serviceName: 'ackspan',
    version: '1.2.3',
    metricProducers: [],
    metricReaders: [exporter],
    report: ({ error }) => faults.push(`${name}${(error as Error).message}`),
  });
  running.push(telemetry);
  return telemetry;
}

async function receiver(): Promise<OtlpReceiver> {
  const started = await startOtlpReceiver();
  receivers.push(started);
  return started;
}

/** What the process-wide registry answers. */
function registry() {
  const key = createContextKey('test');
  const span = trace.getTracer('x').startSpan('y');
  return {
    traces: span.isRecording(),
    logs: logs.getLogger('x').enabled(),
    meters: metrics.getMeterProvider().constructor.name,
    propagated: propagation.fields(),
    contextKept: context.with(ROOT_CONTEXT.setValue(key, 1), () => context.active().getValue(key)) === 1,
  };
}

describe('nothing runs unasked', () => {
  test.each([
    ['with no variable set', {}],
    ['whatever the variables would make it do', TEMPTING],
  ])('%s: no handle, timer, connection, listener or hook', async (_name, env) => {
    const connect = vi.spyOn(Socket.prototype, 'connect');
    const printed = (['log', 'info', 'debug', 'warn', 'error', 'dir'] as const).map((word) => vi.spyOn(console, word));
    const look = () => ({
      handles: process.getActiveResourcesInfo().filter((each) => each !== 'Immediate' && each !== 'Timeout'),
      listeners: process.eventNames().map((event) => [event, process.listenerCount(event)]),
      require: Module.prototype.require,
    });
    const earlier = look();
    vi.useFakeTimers();
    const telemetry = start(env);
    const timers = vi.getTimerCount();
    vi.useRealTimers();
    expect(timers).toBe(0);
    expect(look()).toEqual(earlier);
    expect(telemetry.tracer).toBeUndefined();
    await telemetry.flush(1000);
    await telemetry.shutdown(1000);
    expect(connect).not.toHaveBeenCalled();
    for (const word of printed) expect(word).not.toHaveBeenCalled();
  });

  test('an empty list of log processors means none', () => {
    process.env = { ...before, ...TEMPTING };
    const sdk = createNodeSdk({
      resource: resourceFromAttributes({}),
      sampler: new AlwaysOnSampler(),
      idGenerator: createSpanIds(),
      spanLimits: {},
      spanProcessors: [],
      metricReaders: [],
      logRecordProcessors: [],
    });
    expect(startPrivately(sdk).loggers.getLogger('x').enabled()).toBe(false);
  });

  test('only what is asked for is sent, by our own sampler', async () => {
    const collector = await receiver();
    const telemetry = start({ ...TEMPTING, OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
    telemetry.tracer!.startSpan('send x').end();
    await telemetry.flush(5000);
    await telemetry.shutdown();
    expect(collector.requests.map(({ path }) => path)).toEqual(['/v1/traces']);
    expect(collector.spans.map(({ name }) => name)).toEqual(['send x']);
    expect(collector.spans[0]?.resource).not.toHaveProperty('host.name');
  });
});

describe('the process is left as it was', () => {
  test('no provider, context manager or propagator is registered while it runs', async () => {
    const earlier = registry();
    const collector = await receiver();
    start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
    expect(registry()).toEqual(earlier);
    expect(earlier).toMatchObject({ traces: false, propagated: [], contextKept: false });
  });

  test('providers that somebody else has registered stay, and see none of ours', async () => {
    const theirs: string[] = [];
    const provider = new TracerProvider({
      spanProcessors: [
        {
          onStart() {},
          onEnd: ({ name }: ReadableSpan) => theirs.push(name),
          forceFlush: async () => {},
          shutdown: async () => {},
        },
      ],
    });
    const meters = new MeterProvider();
    const loggers = new LoggerProvider();
    trace.setGlobalTracerProvider(provider);
    metrics.setGlobalMeterProvider(meters);
    logs.setGlobalLoggerProvider(loggers);
    const collector = await receiver();
    const telemetry = start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_METRICS_EXPORTER: 'none' });
    telemetry.tracer!.startSpan('ours').end();
    trace.getTracer('theirs').startSpan('theirs').end();
    await telemetry.shutdown();
    trace.getTracer('theirs').startSpan('theirs, later').end();
    expect(theirs).toEqual(['theirs', 'theirs, later']);
    expect(collector.spans.map(({ name }) => name)).toEqual(['ours']);
    expect(metrics.getMeterProvider()).toBe(meters);
    expect(logs.getLoggerProvider()).toBe(loggers);
    expect(faults).toEqual([]);
  });

  test('two in one process have nothing in common: spans, metrics, stop', async () => {
    const collectors = [await receiver(), await receiver()] as const;
    const exporters = [scraper(), scraper()] as const;
    const [first, second] = collectors.map((collector, i) =>
      start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_METRICS_EXPORTER: 'none' }, exporters[i]),
    ) as [Telemetry, Telemetry];
    first.tracer!.startSpan('first').end();
    second.tracer!.startSpan('second').end();
    await first.shutdown();
    // What a stop counted last is scraped after it.
    expect((await exporters[0].scrape('')).body).toContain('ackspan_confirmation_upgraded_total');
    second.tracer!.startSpan('second, later').end();
    await second.flush(5000);
    expect((await exporters[1].scrape('')).body).toContain('ackspan_confirmation_upgraded_total 7');
    expect(collectors.map(({ spans }) => spans.map(({ name }) => name))).toEqual([
      ['first'],
      ['second', 'second, later'],
    ]);
    expect(faults).toEqual([]);
  });

  test('what OpenTelemetry says about itself goes to the newest, then to the one that is left, then nowhere', async () => {
    const first = start({}, scraper(), 'first: ');
    const second = start({}, scraper(), 'second: ');
    diag.warn('one');
    await second.shutdown();
    diag.error('two');
    diag.info('not worth a line');
    await first.shutdown();
    diag.error('three');
    expect(faults).toEqual(['second: one', 'first: two']);
  });

  test('OTEL_LOG_LEVEL can quieten it', () => {
    start({ OTEL_LOG_LEVEL: 'error' });
    diag.warn('a warning');
    diag.error('an error');
    expect(faults).toEqual(['an error']);
  });
});

test('the tracer is the one of the SDK', async () => {
  const collector = await receiver();
  const { tracer } = start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
  expect(tracer?.constructor).toBe(new TracerProvider().getTracer('x').constructor);
});

test('OTEL_SDK_DISABLED stops everything but /metrics', async () => {
  const collector = await receiver();
  const exporter = scraper();
  const telemetry = start({ OTEL_SDK_DISABLED: 'True', OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint }, exporter);
  expect(telemetry.tracer).toBeUndefined();
  await telemetry.flush(1000);
  expect(String((await exporter.scrape('')).body)).toContain('ackspan_confirmation_upgraded_total 7');
  await telemetry.shutdown();
  expect(collector.requests).toEqual([]);
});

test('stop may be asked for twice', async () => {
  const telemetry = start({});
  await telemetry.shutdown();
  await telemetry.shutdown();
  expect(faults).toEqual([]);
});
