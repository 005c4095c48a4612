// Reads the standard OTEL_* variables that decide what is exported and where; everything else about OTLP is read by its own packages.
import type { BatchLimits } from './batching.ts';

/** Environment variables, as in process.env. */
export type Env = Readonly<Record<string, string | undefined>>;

export type Signal = 'traces' | 'metrics' | 'logs';

/** How one signal leaves the process. `console` and `otlp` may both be chosen. */
export interface SignalExport {
  readonly console: boolean;
  /** Undefined = nothing is sent. */
  readonly otlp: OtlpTarget | undefined;
}

/** Where OTLP goes. Headers, time-out, compression and certificates are read from the environment by the exporter packages. */
export interface OtlpTarget {
  /** Undefined = the exporter's own reading of OTEL_EXPORTER_OTLP_*_ENDPOINT, or its default. */
  readonly protocol: 'http/protobuf' | 'http/json';
}

/** Collects faults of the environment: one sentence each. */
export type Complain = (fault: string) => void;

/** Our own defaults where the specification's would lose failures: a mass disconnect ends many spans at once. */
const BATCH_DEFAULTS = {
  OTEL_BSP: { maxQueueSize: 32_768, maxExportBatchSize: 1024, scheduleDelayMs: 5000, exportTimeoutMs: 30_000 },
  // Log records wait as objects, not as bytes: about 12 MB when the queue is full.
  OTEL_BLRP: { maxQueueSize: 16_384, maxExportBatchSize: 1024, scheduleDelayMs: 1000, exportTimeoutMs: 30_000 },
};

/** Whether OTEL_SDK_DISABLED turns telemetry export off. */
export function isDisabled(env: Env): boolean {
  return read(env, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
}

/**
 * What a signal's OTEL_<SIGNAL>_EXPORTER asks for: `otlp`, `console`, `none`, or a list. When it is unset, OTLP is used only
 * if an endpoint is configured: nothing is sent to localhost:4318 unasked. `prometheus` needs no exporter: the admin server has it.
 */
export function signalExport(env: Env, signal: Signal, complain: Complain): SignalExport {
  const variable = `OTEL_${signal.toUpperCase()}_EXPORTER`;
  const chosen = (read(env, variable) ?? (hasEndpoint(env, signal) ? 'otlp' : 'none')).split(',').map((x) => x.trim());
  if (isDisabled(env) || chosen.includes('none')) return { console: false, otlp: undefined };
  for (const name of chosen) {
    if (name === 'otlp' || name === 'console' || (name === 'prometheus' && signal === 'metrics')) continue;
    complain(`${variable}: ${name} is not supported; choose from otlp, console, none`);
  }
  return {
    console: chosen.includes('console'),
    otlp: chosen.includes('otlp') ? { protocol: protocolOf(env, signal, complain) } : undefined,
  };
}

/** OTEL_BSP_* (spans), OTEL_BLRP_* (log records): sizes in items, times in ms; a value that is no positive number is complained about and ignored. */
export function batchLimits(env: Env, prefix: keyof typeof BATCH_DEFAULTS, complain: Complain): BatchLimits {
  const defaults = BATCH_DEFAULTS[prefix];
  const limit = (name: string, fallback: number) => positive(env, `${prefix}_${name}`, fallback, complain);
  const maxQueueSize = limit('MAX_QUEUE_SIZE', defaults.maxQueueSize);
  return {
    maxQueueSize,
    maxExportBatchSize: Math.min(limit('MAX_EXPORT_BATCH_SIZE', defaults.maxExportBatchSize), maxQueueSize),
    scheduleDelayMs: limit('SCHEDULE_DELAY', defaults.scheduleDelayMs),
    exportTimeoutMs: limit('EXPORT_TIMEOUT', defaults.exportTimeoutMs),
  };
}

/** OTEL_METRIC_EXPORT_*: ms. Defaults 60,000 and 30,000; the time-out is at most the interval. */
export function metricIntervals(
  env: Env,
  complain: Complain,
): { readonly everyMs: number; readonly timeoutMs: number } {
  const everyMs = positive(env, 'OTEL_METRIC_EXPORT_INTERVAL', 60_000, complain);
  return { everyMs, timeoutMs: Math.min(everyMs, positive(env, 'OTEL_METRIC_EXPORT_TIMEOUT', 30_000, complain)) };
}

function hasEndpoint(env: Env, signal: Signal): boolean {
  return (
    read(env, `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`) !== undefined ||
    read(env, 'OTEL_EXPORTER_OTLP_ENDPOINT') !== undefined
  );
}

function protocolOf(env: Env, signal: Signal, complain: Complain): OtlpTarget['protocol'] {
  const own = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_PROTOCOL`;
  const value = read(env, own) ?? read(env, 'OTEL_EXPORTER_OTLP_PROTOCOL') ?? 'http/protobuf';
  if (value === 'http/protobuf' || value === 'http/json') return value;
  complain(
    `OTLP protocol ${value} is not supported; http/protobuf is used instead (a collector takes it on port 4318)`,
  );
  return 'http/protobuf';
}

function positive(env: Env, name: string, fallback: number, complain: Complain): number {
  const text = read(env, name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  complain(`${name}: ${text} is not a number above 0; ${fallback} is used instead`);
  return fallback;
}

/** Empty counts as unset (OpenTelemetry environment specification). */
function read(env: Env, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}
