// Starts OpenTelemetry: SDK, exporters, flush and stop. Import it lazily in the bootstrap: it costs about 200 ms and 24 MiB.
import type { Tracer } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { IMetricReader, MetricProducer } from '@opentelemetry/sdk-metrics';
import { AlwaysOnSampler } from '@opentelemetry/sdk-trace';
import { routeDiagnostics } from './diagnostics.ts';
import { createExportCounters, createExportLosses, type ExportCounters, type Report } from './drops.ts';
import { createLogEvents } from './log-events.ts';
import { createLogProcessors } from './log-exporters.ts';
import { SCOPE } from './names.ts';
import { type Complain, type Env, isDisabled } from './otel-env.ts';
import { createMetricPushers, createSpanProcessors } from './otlp-exporters.ts';
import { createNodeSdk, startPrivately } from './private-sdk.ts';
import { createResource } from './resource.ts';
import type { EventMode, LogEvent } from './span-events.ts';
import { spanLimits } from './span-limits.ts';

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
  /** Default process.env. The OTLP packages read headers, endpoints and certificates from process.env itself. */
  readonly env?: Env;
  /** Default `span`. Log records are sent for `log` and `both` only, and only where OTEL_LOGS_EXPORTER or an endpoint says. */
  readonly events?: EventMode;
  /** Counts spans; given when it must exist before telemetry starts. */
  readonly counters?: ExportCounters;
  /** The same for log records. */
  readonly logCounters?: ExportCounters;
}

/** Running telemetry. */
export interface Telemetry {
  /** Undefined when spans would go nowhere: then none need be made. */
  readonly tracer: Tracer | undefined;
  /** Writes steps of deliveries as log events; undefined when they are not wanted or would go nowhere. */
  readonly logEvent: LogEvent | undefined;
  /** Spans exported, dropped and failed so far. */
  readonly counters: ExportCounters;
  /** The same for log records. */
  readonly logCounters: ExportCounters;
  /** Sends everything that waits, exports in flight included; resolves after `timeoutMs` at the latest and never rejects. */
  flush(timeoutMs: number): Promise<void>;
  /** Flushes and stops, within `timeoutMs` (default 5,000). Never rejects. Spans that end later count as dropped. */
  shutdown(timeoutMs?: number): Promise<void>;
}

/**
 * Starts a NodeSDK of this sidecar's own with what the OTEL_* variables ask for and nothing else; no provider, propagator or
 * context manager is registered for the process, so several sidecars can run in it. OTEL_TRACES_SAMPLER is not used:
 * `tracing.keep_confirmed` decides, by outcome. OTEL_SDK_DISABLED leaves only `metricReaders` at work.
 */
export function startTelemetry(deps: TelemetryDeps): Telemetry {
  const { report, env = process.env, events = 'span' } = deps;
  const { counters = createExportCounters(), logCounters = createExportCounters() } = deps;
  const resource = createResource(deps, env);
  // NodeSDK reads process.env whatever `env` is, and then starts nothing.
  if (isDisabled(env) || isDisabled(process.env)) {
    for (const reader of deps.metricReaders) reader.standAlone(resource);
    return { ...IDLE, counters, logCounters };
  }
  const complain = (fault: string) => report({ stage: 'telemetry', error: new Error(fault) });
  const stopDiagnostics = routeDiagnostics(report, env);
  const lossesOf = (what: 'span' | 'log record', counts: ExportCounters) =>
    createExportLosses(what, counts, report, () => performance.now());
  const spanProcessors = createSpanProcessors(env, counters, lossesOf('span', counters), complain);
  const logRecordProcessors =
    events === 'span' ? [] : createLogProcessors(env, logCounters, lossesOf('log record', logCounters), complain);
  checkEvents(events, spanProcessors.length, logRecordProcessors.length, complain);
  const pushers = createMetricPushers(env, [...deps.metricProducers], complain);
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
    counters,
    logCounters,
    flush: (timeoutMs) => bounded(Promise.all(all.map((each) => each.forceFlush())), timeoutMs, report),
    async shutdown(timeoutMs = 5000) {
      stopping ??= sdk.shutdown();
      await bounded(stopping, timeoutMs, report);
      stopDiagnostics();
    },
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
function checkEvents(mode: EventMode, spans: number, logs: number, complain: Complain): void {
  if (mode === 'span' || spans + logs === 0) return;
  if (logs === 0)
    complain(`tracing.events is ${mode}, but log records go nowhere: steps of deliveries are span events instead`);
  if (spans === 0)
    complain(`tracing.events is ${mode}, but spans go nowhere: log events tell about spans, so there are none either`);
}

/** Waits for `work`, but not longer than `timeoutMs`; what went wrong is reported. */
async function bounded(work: Promise<unknown>, timeoutMs: number, report: Report): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Error>((resolve) => {
    timer = setTimeout(() => resolve(new Error(`not everything was exported within ${timeoutMs} ms`)), timeoutMs);
  });
  const failed = await Promise.race([
    work.then(
      () => undefined,
      (error: unknown) => (Array.isArray(error) ? error[0] : error) ?? new Error('flush failed'),
    ),
    late,
  ]);
  clearTimeout(timer);
  if (failed !== undefined) report({ stage: 'telemetry', error: failed });
}
