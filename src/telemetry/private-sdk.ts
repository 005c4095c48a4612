// telemetry: starts OpenTelemetry's NodeSDK for one sidecar, without touching the process's global providers.
import { type ContextManager, metrics, ProxyTracerProvider, type TracerProvider, trace } from '@opentelemetry/api';
import { type LoggerProvider, logs } from '@opentelemetry/api-logs';
import type { Resource } from '@opentelemetry/resources';
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs';
import type { IMetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { IdGenerator, Sampler, SpanLimits, SpanProcessor } from '@opentelemetry/sdk-trace';

/** The parts that the SDK is to run; an empty list means none. */
export interface SdkParts {
  readonly resource: Resource;
  readonly sampler: Sampler;
  readonly idGenerator: IdGenerator;
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
 * Makes a NodeSDK with every option given that it would otherwise fill from the environment or with
 * a default. Left out, `metricReaders` and the like start OTLP exporters to localhost:4318, and the
 * default context manager slows every promise.
 */
export function createNodeSdk(parts: SdkParts): NodeSDK {
  const level = process.env.OTEL_LOG_LEVEL;
  // Where the variable is set, the constructor replaces the process's diagnostic logger by one that
  // prints on stdout, between our log lines.
  delete process.env.OTEL_LOG_LEVEL;
  try {
    return new NodeSDK({
      ...parts,
      autoDetectResources: false,
      instrumentations: [],
      textMapPropagator: null,
      // `null` = register none. The SDK handles it, and its type forgets it.
      contextManager: null as unknown as ContextManager,
    });
  } finally {
    if (level !== undefined) process.env.OTEL_LOG_LEVEL = level;
  }
}

/**
 * Starts the SDK and returns its providers. `NodeSDK.start` offers them only by registering them
 * for the whole process, which works once per process and would give this sidecar's spans to other
 * code that runs there. So the registry is emptied before, read after, and put back as it was. All
 * of it is synchronous, so that no other code sees it in between.
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

/**
 * Unregisters the process's providers. The result unregisters later ones and registers the first
 * again.
 */
function emptyRegistry(): () => void {
  const tracers = trace.getTracerProvider();
  const meters = metrics.getMeterProvider();
  const loggers = logs.getLoggerProvider();
  disableAll();
  // The API does not tell whether a provider was registered: it returns a stand-in when none was.
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
