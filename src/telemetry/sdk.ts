// telemetry: starts OpenTelemetry: SDK, exporters, flush and stop. Import it lazily in the bootstrap: it costs about 200 ms and 24 MiB.
import type { Tracer } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { IMetricReader, MetricProducer } from '@opentelemetry/sdk-metrics';
import { AlwaysOnSampler } from '@opentelemetry/sdk-trace';
import type { Report } from '../delivery/ports.ts';
import { patiently } from '../time/patience.ts';
import { routeDiagnostics } from './diagnostics.ts';
import { type Env, isDisabled } from './env/otel-env.ts';
import { SCOPE } from './names/names.ts';
import { createExportCounters, createExportLosses, type ExportCounters, type Lost } from './otlp/drops.ts';
import { createLogProcessors, createMetricPushers, createSpanProcessors } from './otlp/exporters.ts';
import { createNodeSdk, startPrivately } from './private-sdk.ts';
import { createResource } from './resource.ts';
import { createLogEvents } from './spans/log-events.ts';
import type { EventMode, LogEvent } from './spans/span-events.ts';
import { spanLimits } from './spans/span-limits.ts';

/** A reader that somebody else reads, such as the `/metrics` exporter. */
export interface PullReader extends IMetricReader {
  /** Makes it work without an SDK, under that resource. */
  standAlone(resource: Resource): void;
}

/** What telemetry needs to start. */
export interface TelemetryDeps {
  /** Default name of the service; OTEL_SERVICE_NAME wins. */
  readonly serviceName: string;
  readonly version: string;
  /** Sources of metrics for OTLP push. A pull reader (the `/metrics` exporter) is given its producers by whoever made it. */
  readonly metricProducers: readonly MetricProducer[];
  /** Readers that exist already, such as the `/metrics` exporter. They work even when OTEL_SDK_DISABLED stops everything else. */
  readonly metricReaders: readonly PullReader[];
  readonly report: Report;
  /** Called before spans or log records leave the process. */
  readonly beforeExport?: () => void;
  /** Default process.env. The OTLP packages read headers, endpoints and certificates from process.env itself. */
  readonly env?: Env;
  /** Default `span`. Log records are sent for `log` and `both` only, and only where OTEL_LOGS_EXPORTER or an endpoint says. */
  readonly events?: EventMode;
  /** Counts spans; given when it must exist before telemetry starts. */
  readonly counters?: ExportCounters;
  /** The same for log records, and for pushed metric data points. */
  readonly logCounters?: ExportCounters;
  readonly metricCounters?: ExportCounters;
}

/** Running telemetry. */
export interface Telemetry {
  /** Undefined when spans would go nowhere: then none need be made. */
  readonly tracer: Tracer | undefined;
  /** Writes steps of deliveries as log events; undefined when they are not wanted or would go nowhere. */
  readonly logEvent: LogEvent | undefined;
  /** Spans exported, dropped and failed so far. */
  readonly counters: ExportCounters;
  /** The same for log records, and for pushed metric data points. */
  readonly logCounters: ExportCounters;
  readonly metricCounters: ExportCounters;
  /** Sends everything that waits, exports in flight included; resolves after `timeoutMs` at the latest and never rejects. */
  flush(timeoutMs: number): Promise<void>;
  /**
   * Flushes and stops, within `timeoutMs` (default 5,000) of running time. Never rejects. What could not be sent is given up, counted
   * and reported with its number and reason; spans that end later count as dropped.
   */
  shutdown(timeoutMs?: number): Promise<void>;
}

/**
 * Starts a NodeSDK of this sidecar's own with what the OTEL_* variables ask for and nothing else; no provider, propagator or
 * context manager is registered for the process, so several sidecars can run in it. OTEL_TRACES_SAMPLER is not used:
 * `tracing.keep_confirmed` decides, by outcome. OTEL_SDK_DISABLED leaves only `metricReaders` at work.
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
  // Only now: what the exporters say of malformed variables while they are built, otel-faults.ts says better.
  const stopDiagnostics = routeDiagnostics(report, env);
  const sdk = createNodeSdk({
    resource,
    sampler: new AlwaysOnSampler(),
    spanLimits: spanLimits(env),
    spanProcessors,
    metricReaders: [...deps.metricReaders, ...pushers],
    logRecordProcessors,
  });
  const providers = startPrivately(sdk);
  const all = [...spanProcessors, ...logRecordProcessors, ...pushers];
  let stopping: Promise<void> | undefined;
  return {
    tracer: spanProcessors.length === 0 ? undefined : providers.tracers.getTracer(SCOPE, deps.version),
    logEvent:
      logRecordProcessors.length === 0 ? undefined : createLogEvents(providers.loggers.getLogger(SCOPE, deps.version)),
    ...counters,
    async flush(timeoutMs) {
      const late = `not everything was exported within ${timeoutMs} ms`;
      if (!(await inTime(Promise.all(all.map((each) => each.forceFlush())), timeoutMs, report)))
        report({ stage: 'telemetry', error: new Error(late) });
    },
    async shutdown(timeoutMs = 5000) {
      stopping ??= sdk.shutdown();
      if (!(await inTime(stopping, timeoutMs, report)))
        for (const each of all)
          each.abandon?.(`not sent within the ${Math.round(timeoutMs)} ms that the stop had left`);
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

/** OTEL_SDK_DISABLED: no SDK, no spans, nothing sent. */
const IDLE = {
  tracer: undefined,
  logEvent: undefined,
  flush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

/** Log events are written for exported spans; says what becomes of `log` and `both` when one of the two goes nowhere. */
function checkEvents(mode: EventMode, spans: number, logs: number, report: Report): void {
  if (mode === 'span' || spans + logs === 0) return;
  const complain = (text: string) =>
    report({ stage: 'telemetry', error: new Error(`tracing.events is ${mode}, ${text}`) });
  if (logs === 0) complain('but log records go nowhere: steps of deliveries are span events instead');
  if (spans === 0) complain('but spans go nowhere: log events tell about spans, so there are none either');
}

/** Waits for `work`, but not longer than `timeoutMs` of running time (SPEC D14): says which. A failure is reported. */
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
