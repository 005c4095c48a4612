// telemetry: reads the OTEL_* variables that decide what is exported and where. otel-faults.ts reports their faults.

/** Environment variables, as in process.env. */
export type Env = Readonly<Record<string, string | undefined>>;

export type Signal = 'traces' | 'metrics' | 'logs';

/** How one signal leaves the process. `console` and `otlp` may both be chosen. */
export interface SignalExport {
  readonly console: boolean;
  /** Undefined = nothing is sent. */
  readonly otlp: OtlpTarget | undefined;
}

/**
 * The protocol of OTLP. OpenTelemetry's own package reads endpoint, headers, time-out, compression
 * and certificates.
 */
export interface OtlpTarget {
  readonly protocol: 'http/protobuf' | 'http/json';
}

/** Names and meanings of OTEL_BSP_* and OTEL_BLRP_*. Times are in ms. */
export interface BatchLimits {
  /** Items that may wait, including those in an unfinished batch and in flight. */
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
  readonly scheduleDelayMs: number;
  /**
   * Time after which an export counts as failed, whatever becomes of it. Standstills do not count
   * (SPEC D14).
   */
  readonly exportTimeoutMs: number;
}

/**
 * Called for each fault of the environment: the variable, and what is wrong with it and used
 * instead.
 */
export type Complain = (variable: string, fault: string) => void;

/** Ignores faults, for readers whose faults are reported elsewhere. */
const unheard: Complain = () => {};

/**
 * Our own defaults where the specification's would lose failures: a mass disconnect ends many spans
 * at once.
 */
const BATCH_DEFAULTS = {
  OTEL_BSP: { maxQueueSize: 32_768, maxExportBatchSize: 1024, scheduleDelayMs: 5000, exportTimeoutMs: 30_000 },
  // Log records wait as objects, not as bytes: about 12 MB when the queue is full.
  OTEL_BLRP: { maxQueueSize: 16_384, maxExportBatchSize: 1024, scheduleDelayMs: 1000, exportTimeoutMs: 30_000 },
};

/** Whether OTEL_SDK_DISABLED turns telemetry export off. */
export function isDisabled(env: Env): boolean {
  return readText(env, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
}

/**
 * What a signal's OTEL_<SIGNAL>_EXPORTER asks for: `otlp`, `console`, `none`, or a list. When it is
 * unset, OTLP is used only if an endpoint is configured: nothing is sent to localhost:4318 unasked.
 * Metrics are never pushed unless it says so: they can be scraped, and what is pushed and scraped
 * counts twice. `prometheus` needs no exporter: the admin server has it.
 */
export function signalExport(env: Env, signal: Signal, complain: Complain = unheard): SignalExport {
  const variable = `OTEL_${signal.toUpperCase()}_EXPORTER`;
  const chosen = (readText(env, variable) ?? unasked(env, signal, complain)).split(',').map((x) => x.trim());
  const known = chosen.filter((name): name is 'otlp' | 'console' => name === 'otlp' || name === 'console');
  const rest = chosen.includes('none') ? [] : known;
  for (const name of chosen) {
    if (name === 'otlp' || name === 'console' || name === 'none' || (name === 'prometheus' && signal === 'metrics'))
      continue;
    const instead = rest.length === 0 ? 'nothing is exported' : `${rest.join(', ')} is used`;
    complain(variable, `${shown(name)} is not supported (choose from otlp, console, none); ${instead}`);
  }
  if (isDisabled(env)) return { console: false, otlp: undefined };
  return {
    console: rest.includes('console'),
    otlp: rest.includes('otlp') ? { protocol: protocolOf(env, signal, complain) } : undefined,
  };
}

/**
 * OTEL_BSP_* (spans) or OTEL_BLRP_* (log records): sizes in items, times in ms. An invalid value is
 * replaced by the default.
 */
export function batchLimits(env: Env, prefix: keyof typeof BATCH_DEFAULTS, complain: Complain = unheard): BatchLimits {
  const defaults = BATCH_DEFAULTS[prefix];
  const limit = (name: string, fallback: number) => readPositive(env, `${prefix}_${name}`, fallback, complain);
  const maxQueueSize = limit('MAX_QUEUE_SIZE', defaults.maxQueueSize);
  const batch = limit('MAX_EXPORT_BATCH_SIZE', Math.min(defaults.maxExportBatchSize, maxQueueSize));
  if (batch > maxQueueSize) {
    complain(
      `${prefix}_MAX_EXPORT_BATCH_SIZE`,
      `${batch} is more than the queue holds; ${maxQueueSize} is used instead`,
    );
  }
  return {
    maxQueueSize,
    maxExportBatchSize: Math.min(batch, maxQueueSize),
    scheduleDelayMs: limit('SCHEDULE_DELAY', defaults.scheduleDelayMs),
    exportTimeoutMs: limit('EXPORT_TIMEOUT', defaults.exportTimeoutMs),
  };
}

/**
 * OTEL_METRIC_EXPORT_*, ms. Defaults are 60,000 and 30,000; the time-out is at most the interval.
 */
export function metricIntervals(
  env: Env,
  complain: Complain = unheard,
): { readonly everyMs: number; readonly timeoutMs: number } {
  const everyMs = readPositive(env, 'OTEL_METRIC_EXPORT_INTERVAL', 60_000, complain);
  const timeoutMs = readPositive(env, 'OTEL_METRIC_EXPORT_TIMEOUT', Math.min(everyMs, 30_000), complain);
  if (timeoutMs > everyMs) {
    complain('OTEL_METRIC_EXPORT_TIMEOUT', `${timeoutMs} is longer than the interval; ${everyMs} is used instead`);
  }
  return { everyMs, timeoutMs: Math.min(everyMs, timeoutMs) };
}

/** What is done with a signal whose OTEL_<SIGNAL>_EXPORTER is unset. */
function unasked(env: Env, signal: Signal, complain: Complain): 'otlp' | 'none' {
  if (signal !== 'metrics') return hasEndpoint(env, signal) ? 'otlp' : 'none';
  const endpoint = 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT';
  if (readText(env, endpoint) !== undefined)
    complain(endpoint, 'is set, but metrics are pushed only where OTEL_METRICS_EXPORTER is otlp; nothing is pushed');
  return 'none';
}

function hasEndpoint(env: Env, signal: Signal): boolean {
  return (
    readText(env, `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`) !== undefined ||
    readText(env, 'OTEL_EXPORTER_OTLP_ENDPOINT') !== undefined
  );
}

function protocolOf(env: Env, signal: Signal, complain: Complain): OtlpTarget['protocol'] {
  const own = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_PROTOCOL`;
  const variable = readText(env, own) === undefined ? 'OTEL_EXPORTER_OTLP_PROTOCOL' : own;
  const value = readText(env, variable) ?? 'http/protobuf';
  if (value === 'http/protobuf' || value === 'http/json') return value;
  complain(
    variable,
    `${shown(value)} is not spoken here; http/protobuf is used instead, to the collector’s HTTP port (4318 by default)`,
  );
  return 'http/protobuf';
}

/** Longest time that a timer of Node's can wait, ms. */
const TIMER_LIMIT = 2 ** 31 - 1;

/**
 * A number above 0, no longer than a timer can wait; `fallback` (and a complaint) for anything
 * else.
 */
export function readPositive(env: Env, name: string, fallback: number, complain: Complain): number {
  const text = readText(env, name);
  if (text === undefined) return fallback;
  const value = Number(text);
  const size = name.endsWith('_SIZE');
  if (value > 0 && value <= TIMER_LIMIT && (!size || Number.isInteger(value))) return value;
  const wanted = size ? 'a whole number' : 'a number of milliseconds';
  complain(name, `${shown(text)} is not ${wanted} from 1 to ${TIMER_LIMIT}; ${fallback} is used instead`);
  return fallback;
}

/** The value of a variable. Empty counts as unset (OpenTelemetry environment specification). */
export function readText(env: Env, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

/**
 * A value as a sentence may repeat it: quoted and short. Never for variables that may hold
 * credentials.
 */
export function shown(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 59)}…` : value);
}
