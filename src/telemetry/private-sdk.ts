// telemetry: starts OpenTelemetry's NodeSDK for one sidecar: only what is asked for runs, and the process's global providers stay as they were.
import { type ContextManager, metrics, ProxyTracerProvider, type TracerProvider, trace } from '@opentelemetry/api';
import { type LoggerProvider, logs } from '@opentelemetry/api-logs';
import type { Resource } from '@opentelemetry/resources';
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs';
import type { IMetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { Sampler, SpanLimits, SpanProcessor } from '@opentelemetry/sdk-trace';

/** Everything that the SDK is to run; an empty list means none. */
export interface SdkParts {
  readonly resource: Resource;
  readonly sampler: Sampler;
  readonly spanLimits: SpanLimits;
  readonly spanProcessors: SpanProcessor[];
  readonly metricReaders: IMetricReader[];
  readonly logRecordProcessors: LogRecordProcessor[];
}

/** The providers of one running SDK. */
export interface Providers {
  readonly tracers: TracerProvider;
  readonly loggers: LoggerProvider;
}

/**
 * A NodeSDK in which every option that it would otherwise fill from the environment or with a default is given: left out,
 * `metricReaders` and the like start OTLP exporters to localhost:4318, and the default context manager slows every promise.
 */
export function createNodeSdk(parts: SdkParts): NodeSDK {
  const level = process.env.OTEL_LOG_LEVEL;
  // Where it is set, the constructor replaces the process's diagnostic logger by one that prints on stdout, between our log lines.
  delete process.env.OTEL_LOG_LEVEL;
  try {
    return new NodeSDK({
      ...parts,
      autoDetectResources: false,
      instrumentations: [],
      textMapPropagator: null,
      // `null` = register none; the SDK handles it, its type forgets it.
      contextManager: null as unknown as ContextManager,
    });
  } finally {
    if (level !== undefined) process.env.OTEL_LOG_LEVEL = level;
  }
}

/**
 * Starts the SDK and hands out its providers. `NodeSDK.start` offers them only by registering them for the whole process,
 * which works once per process and would give this sidecar's spans to whatever else runs there. So the registry is emptied
 * before, read after, and put back as it was; all of it synchronously, so that nobody sees it in between.
 */
export function startPrivately(sdk: NodeSDK): Providers {
  const restore = emptyRegistry();
  try {
    sdk.start();
    return { tracers: trace.getTracerProvider(), loggers: logs.getLoggerProvider() };
  } finally {
    restore();
  }
}

/** Unregisters the process's providers; the result unregisters what came since and registers those again. */
function emptyRegistry(): () => void {
  const tracers = trace.getTracerProvider();
  const meters = metrics.getMeterProvider();
  const loggers = logs.getLoggerProvider();
  disableAll();
  // The API does not tell whether a provider was registered: it answers with a stand-in when none was.
  const hadTracers =
    !(tracers instanceof ProxyTracerProvider) || tracers.getDelegate() !== new ProxyTracerProvider().getDelegate();
  const hadMeters = meters !== metrics.getMeterProvider();
  const hadLoggers = loggers.constructor !== logs.getLoggerProvider().constructor;
  return () => {
    disableAll();
    if (hadTracers) trace.setGlobalTracerProvider(tracers);
    if (hadMeters) metrics.setGlobalMeterProvider(meters);
    if (hadLoggers) logs.setGlobalLoggerProvider(loggers);
  };
}

function disableAll(): void {
  trace.disable();
  metrics.disable();
  logs.disable();
}
