// Starts OpenTelemetry: SDK, exporters, flush and stop. Import it lazily in the bootstrap: it costs about 200 ms and 24 MiB.
import type { Tracer } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { IMetricReader, MetricProducer } from '@opentelemetry/sdk-metrics';
import { AlwaysOnSampler } from '@opentelemetry/sdk-trace';
import { routeDiagnostics } from './diagnostics.ts';
import { createSpanCounters, createSpanLosses, type Report, type SpanCounters } from './drops.ts';
import { SCOPE } from './names.ts';
import { type Env, isDisabled } from './otel-env.ts';
import { createMetricPushers, createSpanProcessors } from './otlp-exporters.ts';
import { createNodeSdk, startPrivately } from './private-sdk.ts';
import { createResource } from './resource.ts';
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
  /** Counts spans; given when it must exist before telemetry starts. */
  readonly counters?: SpanCounters;
}

/** Running telemetry. */
export interface Telemetry {
  /** Undefined when spans would go nowhere: then none need be made. */
  readonly tracer: Tracer | undefined;
  /** Spans exported, dropped and failed so far. */
  readonly counters: SpanCounters;
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
  const { report, env = process.env, counters = createSpanCounters() } = deps;
  const resource = createResource(deps, env);
  // NodeSDK reads process.env whatever `env` is, and then starts nothing.
  if (isDisabled(env) || isDisabled(process.env)) return startDisabled(deps, resource, counters);
  const complain = (fault: string) => report({ stage: 'telemetry', error: new Error(fault) });
  const stopDiagnostics = routeDiagnostics(report, env);
  const losses = createSpanLosses(counters, report, () => performance.now());
  const spanProcessors = createSpanProcessors(env, counters, losses, complain);
  const pushers = createMetricPushers(env, [...deps.metricProducers], complain);
  const sdk = createNodeSdk({
    resource,
    sampler: new AlwaysOnSampler(),
    spanLimits: spanLimits(env),
    spanProcessors,
    metricReaders: [...deps.metricReaders, ...pushers],
    logRecordProcessors: [],
  });
  const providers = startPrivately(sdk);
  const flushAll = (): Promise<unknown> =>
    Promise.all([...spanProcessors, ...pushers].map((each) => each.forceFlush()));
  let stopping: Promise<void> | undefined;
  return {
    tracer: spanProcessors.length === 0 ? undefined : providers.tracers.getTracer(SCOPE, deps.version),
    counters,
    flush: (timeoutMs) => bounded(flushAll(), timeoutMs, report),
    async shutdown(timeoutMs = 5000) {
      stopping ??= sdk.shutdown();
      await bounded(stopping, timeoutMs, report);
      stopDiagnostics();
    },
  };
}

/** OTEL_SDK_DISABLED: no SDK, no spans, nothing sent; who pulls is still answered. */
function startDisabled(deps: TelemetryDeps, resource: Resource, counters: SpanCounters): Telemetry {
  for (const reader of deps.metricReaders) reader.standAlone(resource);
  return { tracer: undefined, counters, flush: () => Promise.resolve(), shutdown: () => Promise.resolve() };
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
