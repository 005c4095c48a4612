// Starts OpenTelemetry: provider, exporters, flush and stop. Import it lazily in the bootstrap: it costs about 100 ms and 15 MiB.
import { type DiagLogger, DiagLogLevel, diag, type Tracer } from '@opentelemetry/api';
import { type IMetricReader, MeterProvider, type MetricProducer } from '@opentelemetry/sdk-metrics';
import { AlwaysOnSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import { createSpanCounters, createSpanLosses, type Report, type SpanCounters } from './drops.ts';
import { SCOPE } from './names.ts';
import type { Env } from './otel-env.ts';
import { createMetricPushers, createSpanProcessors } from './otlp-exporters.ts';
import { createResource } from './resource.ts';
import { spanLimits } from './span-limits.ts';

/** What telemetry needs to start. */
export interface TelemetryDeps {
  /** Default name of the service; OTEL_SERVICE_NAME wins. */
  readonly serviceName: string;
  readonly version: string;
  /** Sources of metrics for OTLP push. A pull reader (the `/metrics` exporter) is given its producers by whoever made it. */
  readonly metricProducers: readonly MetricProducer[];
  /** Readers that exist already, such as the `/metrics` exporter. They work even when OTEL_SDK_DISABLED stops all sending. */
  readonly metricReaders: readonly IMetricReader[];
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
 * Builds tracer and meter provider as the OTEL_* variables ask. The providers are put together here instead of by NodeSDK,
 * which loads gRPC, Zipkin and instrumentation too (290 ms and 24 MiB against 90 ms and 15 MiB), and whose context manager
 * would slow down every promise of the relay. OTEL_TRACES_SAMPLER is not used: `tracing.keep_confirmed` decides, by outcome.
 */
export function startTelemetry(deps: TelemetryDeps): Telemetry {
  const { report, env = process.env, counters = createSpanCounters() } = deps;
  const complain = (fault: string) => report({ stage: 'telemetry', error: new Error(fault) });
  diag.setLogger(createDiagLogger(report), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const resource = createResource(deps, env);
  const losses = createSpanLosses(counters, report, () => performance.now());
  const spanProcessors = createSpanProcessors(env, counters, losses, complain);
  const tracing =
    spanProcessors.length === 0
      ? undefined
      : new TracerProvider({ resource, spanProcessors, sampler: new AlwaysOnSampler(), spanLimits: spanLimits(env) });
  const pushers = createMetricPushers(env, [...deps.metricProducers], complain);
  const metrics = new MeterProvider({ resource, readers: [...deps.metricReaders, ...pushers] });

  const flushAll = (): Promise<unknown> =>
    Promise.all([tracing?.forceFlush(), ...pushers.map((reader) => reader.forceFlush())]);
  return {
    tracer: tracing?.getTracer(SCOPE, deps.version),
    counters,
    flush: (timeoutMs) => bounded(flushAll(), timeoutMs, report),
    shutdown: (timeoutMs = 5000) => bounded(Promise.all([tracing?.shutdown(), metrics.shutdown()]), timeoutMs, report),
  };
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

/** Sends OpenTelemetry's own warnings and errors to `report` instead of the console. */
function createDiagLogger(report: Report): DiagLogger {
  const tell = (message: string, ...rest: unknown[]): void => {
    const cause = rest.find((each) => each instanceof Error);
    report({ stage: 'telemetry', error: cause === undefined ? new Error(message) : new Error(message, { cause }) });
  };
  const quiet = (): void => {};
  return { error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet };
}
