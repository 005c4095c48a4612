// telemetry: starts, flushes and stops OpenTelemetry. The bundle leaves out what the SDK would load and never use.
import type { Tracer } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { IMetricReader, MetricProducer } from '@opentelemetry/sdk-metrics';
import { AlwaysOnSampler } from '@opentelemetry/sdk-trace';
import type { Report } from '../delivery/ports.ts';
import { patiently } from '../time/patience.ts';
import { routeDiagnostics } from './diagnostics.ts';
import { type Env, isDisabled } from './env/otel-env.ts';
import { SCHEMA_URL, SCOPE } from './names/names.ts';
import { createExportCounters, createExportLosses, type ExportCounters, type Lost } from './otlp/drops.ts';
import { createLogProcessors, createMetricPushers, createSpanProcessors } from './otlp/exporters.ts';
import { createNodeSdk, startPrivately } from './private-sdk.ts';
import { createResource } from './resource.ts';
import { createLogEvents } from './spans/log-events.ts';
import type { EventMode, LogEvent } from './spans/span-events.ts';
import { createSpanIds, type SpanIdGenerator } from './spans/span-ids.ts';
import { spanLimits } from './spans/span-limits.ts';

/** A reader that is read from outside, such as the `/metrics` exporter. */
export interface PullReader extends IMetricReader {
  /** Makes the reader work without an SDK, under that resource. */
  standAlone(resource: Resource): void;
}

/** The dependencies of telemetry. */
export interface TelemetryDeps {
  /** Default name of the service; OTEL_SERVICE_NAME wins. */
  readonly serviceName: string;
  readonly version: string;
  /**
   * Sources of metrics for OTLP push. A pull reader (the `/metrics` exporter) has producers of its
   * own.
   */
  readonly metricProducers: readonly MetricProducer[];
  /**
   * Readers that exist already, such as the `/metrics` exporter. They work even when
   * OTEL_SDK_DISABLED stops everything else.
   */
  readonly metricReaders: readonly PullReader[];
  readonly report: Report;
  /** Called before spans or log records leave the process. */
  readonly beforeExport?: () => void;
  /**
   * Default process.env. The OTLP packages read headers, endpoints and certificates from
   * process.env itself.
   */
  readonly env?: Env;
  /**
   * Default `span`. Log records are sent for `log` and `both` only, and only where
   * OTEL_LOGS_EXPORTER or an endpoint says.
   */
  readonly events?: EventMode;
  /** Counts spans. Given when it must exist before telemetry starts. */
  readonly counters?: ExportCounters;
  /** Count log records, and pushed metric data points. */
  readonly logCounters?: ExportCounters;
  readonly metricCounters?: ExportCounters;
}

/** Running telemetry. */
export interface Telemetry {
  /** The tracer; undefined when spans would go nowhere, so that none need be made. */
  readonly tracer: Tracer | undefined;
  /** Ids that the next span of the tracer can be given; undefined where there is no tracer. */
  readonly spanIds: SpanIdGenerator | undefined;
  /**
   * Writes steps of deliveries as log events; undefined when they are not wanted or would go
   * nowhere.
   */
  readonly logEvent: LogEvent | undefined;
  /** Spans exported, dropped and failed so far. */
  readonly counters: ExportCounters;
  /** Log records, and pushed metric data points, by result. */
  readonly logCounters: ExportCounters;
  readonly metricCounters: ExportCounters;
  /**
   * Sends everything that waits, exports in flight included. Resolves after `timeoutMs` at the
   * latest and never rejects.
   */
  flush(timeoutMs: number): Promise<void>;
  /**
   * Flushes and stops, within `timeoutMs` (default 5,000) of running time, or sooner when for
   * `quietMs` (default `timeoutMs`) nothing gets through: a collector that never answers does not
   * hold up a stop. Never rejects. Items that could not be sent are given up, counted and reported
   * with their number and reason. Spans that end later count as dropped.
   */
  shutdown(timeoutMs?: number, quietMs?: number): Promise<void>;
}

/**
 * Starts a NodeSDK of this sidecar's own with what the OTEL_* variables ask for and nothing else.
 * No provider, propagator or context manager is registered for the process, so several sidecars can
 * run in it. OTEL_TRACES_SAMPLER is not used: `tracing.keep_confirmed` decides, by outcome.
 * OTEL_SDK_DISABLED leaves only `metricReaders` at work.
 */
export function startTelemetry(deps: TelemetryDeps): Telemetry {
  const { report, env = process.env, events = 'span' } = deps;
  const counters = countersOf(deps);
  const resource = createResource(deps, env);
  // NodeSDK reads process.env whatever `env` is, and then starts nothing.
  if (isDisabled(env) || isDisabled(process.env)) {
    for (const reader of deps.metricReaders) reader.standAlone(resource);
    return { ...IDLE, ...counters };
  }
  const userAgent = `ackspan/${deps.version}`;
  const lossesOf = (what: Lost, counts: ExportCounters) => createExportLosses(what, counts, report);
  const losses = {
    spans: lossesOf('span', counters.counters),
    logs: lossesOf('log record', counters.logCounters),
    metrics: lossesOf('metric data point', counters.metricCounters),
  };
  const { beforeExport: before } = deps;
  const spanProcessors = createSpanProcessors({ env, userAgent, losses: losses.spans, before });
  const logRecordProcessors =
    events === 'span' ? [] : createLogProcessors({ env, userAgent, losses: losses.logs, before });
  checkEvents(events, spanProcessors.length, logRecordProcessors.length, report);
  const pushers = createMetricPushers({ env, userAgent, losses: losses.metrics }, [...deps.metricProducers]);
  // The route begins only now: otel-faults.ts reports malformed variables better than the exporters
  // do while they are built.
  const stopDiagnostics = routeDiagnostics(report, env);
  const spanIds = createSpanIds();
  const sdk = createNodeSdk({
    resource,
    sampler: new AlwaysOnSampler(),
    idGenerator: spanIds,
    spanLimits: spanLimits(env),
    spanProcessors,
    metricReaders: [...deps.metricReaders, ...pushers],
    logRecordProcessors,
  });
  const providers = startPrivately(sdk);
  const all = [...spanProcessors, ...logRecordProcessors, ...pushers];
  let stopping: Promise<void> | undefined;
  return {
    tracer:
      spanProcessors.length === 0
        ? undefined
        : providers.tracers.getTracer(SCOPE, deps.version, { schemaUrl: SCHEMA_URL }),
    logEvent:
      logRecordProcessors.length === 0
        ? undefined
        : createLogEvents(providers.loggers.getLogger(SCOPE, deps.version, { schemaUrl: SCHEMA_URL })),
    spanIds,
    ...counters,
    async flush(timeoutMs) {
      const late = `not everything was exported within ${timeoutMs} ms`;
      if (!(await inTime(Promise.all(all.map((each) => each.forceFlush())), timeoutMs, report)))
        report({ stage: 'telemetry', error: new Error(late) });
    },
    async shutdown(timeoutMs = 5000, quietMs = timeoutMs) {
      stopping ??= sdk.shutdown();
      const late = await whileItGetsThrough(stopping, {
        timeoutMs,
        quietMs,
        counters: Object.values(counters),
        report,
      });
      if (late !== undefined) for (const each of all) each.abandon?.(late);
      for (const each of Object.values(losses)) each.tellRest();
      stopDiagnostics();
    },
  };
}

function countersOf(deps: TelemetryDeps): Pick<Telemetry, 'counters' | 'logCounters' | 'metricCounters'> {
  return {
    counters: deps.counters ?? createExportCounters(),
    logCounters: deps.logCounters ?? createExportCounters(),
    metricCounters: deps.metricCounters ?? createExportCounters(),
  };
}

/** Telemetry under OTEL_SDK_DISABLED: no SDK, no spans, nothing sent. */
const IDLE = {
  tracer: undefined,
  spanIds: undefined,
  logEvent: undefined,
  flush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

/**
 * Reports a mode of events that cannot have its effect: log events are written for exported spans,
 * so `log` and `both` need both signals.
 */
function checkEvents(mode: EventMode, spans: number, logs: number, report: Report): void {
  if (mode === 'span' || spans + logs === 0) return;
  const complain = (text: string) =>
    report({ stage: 'telemetry', error: new Error(`tracing.events is ${mode}, ${text}`) });
  if (logs === 0) complain('but log records go nowhere: steps of deliveries are span events instead');
  if (spans === 0) complain('but spans go nowhere: log events tell about spans, so there are none either');
}

interface Flushing {
  readonly timeoutMs: number;
  readonly quietMs: number;
  readonly counters: readonly ExportCounters[];
  readonly report: Report;
}

/** Waits for `work`. Answers why it was not waited for any longer; undefined = it is done. */
async function whileItGetsThrough(
  work: Promise<unknown>,
  { timeoutMs, quietMs, counters, report }: Flushing,
): Promise<string | undefined> {
  const through = (): number => counters.reduce((sum, { exported, rejected }) => sum + exported + rejected, 0);
  for (let left = timeoutMs, before = through(); ; left -= quietMs) {
    if (await inTime(work, Math.min(quietMs, left), report)) return undefined;
    if (left <= quietMs) return `not sent within the ${Math.round(timeoutMs)} ms that the stop had left`;
    const now = through();
    if (now === before) return `not sent: the collector took nothing for ${Math.round(quietMs)} ms of the stop`;
    before = now;
  }
}

/**
 * Waits for `work`, but not longer than `timeoutMs` of running time (SPEC D14). Returns which came
 * first. A failure is reported.
 */
function inTime(work: Promise<unknown>, timeoutMs: number, report: Report): Promise<boolean> {
  return new Promise((resolve) => {
    const wait = patiently(timeoutMs, () => resolve(false), true);
    const end = (): void => {
      wait.cancel();
      resolve(true);
    };
    work.then(end, (error: unknown) => {
      report({ stage: 'telemetry', error: (Array.isArray(error) ? error[0] : error) ?? new Error('flush failed') });
      end();
    });
  });
}
