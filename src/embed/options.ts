// What a backend may set when it embeds the tracker: defaults, bounds, and one clear error for values that make no sense.
import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import type { RetryCallback } from './retry.ts';

/** Everything is optional. */
export interface TrackerOptions {
  /** From `track` to the deadline, ms. Default 30,000. */
  readonly timeoutMs?: number;
  /** Retries per event, 0 to 20. Default 3. Without a retry callback there are none. */
  readonly retries?: number;
  /** From `track` to the first retry, ms; each further gap is twice the one before. Default 1,000. */
  readonly firstRetryMs?: number;
  readonly limits?: {
    /** Events in flight; events past it are not tracked, the least important first. Default 100,000. */
    readonly pending?: number;
    /** The same, for one user. Default 5,000. */
    readonly pendingPerUser?: number;
    /** Settled events that `status` and `expired` still know. Default 10,000. */
    readonly history?: number;
  };
  /** The same as calling `onRetry` at once. */
  readonly onRetry?: RetryCallback;
  /** Default: the one registered with the OpenTelemetry API. */
  readonly tracerProvider?: TracerProvider;
  /** Default: the one registered with the OpenTelemetry API when the tracker is created. */
  readonly meterProvider?: MeterProvider;
  /** Told of retry callbacks that threw and of limits that were reached. Default: OpenTelemetry's `diag.warn`. */
  readonly report?: (fault: { stage: string; error: unknown }) => void;
}

/** Options with nothing left open. */
export interface Settings {
  readonly timeoutMs: number;
  readonly retries: number;
  readonly firstRetryMs: number;
  readonly pending: number;
  readonly pendingPerUser: number;
  readonly history: number;
}

/** More would only make duplicates. */
const RETRIES_LIMIT = 20;

/** Fills in the defaults. Throws a RangeError for a value that is out of bounds. */
export function settle(options: TrackerOptions): Settings {
  const { limits = {} } = options;
  return {
    timeoutMs: duration('timeoutMs', options.timeoutMs ?? 30_000),
    retries: retryCount(options.retries ?? 3),
    firstRetryMs: duration('firstRetryMs', options.firstRetryMs ?? 1000),
    pending: whole('limits.pending', limits.pending ?? 100_000, 1),
    pendingPerUser: whole('limits.pendingPerUser', limits.pendingPerUser ?? 5000, 1),
    history: whole('limits.history', limits.history ?? 10_000, 0),
  };
}

/** Throws a RangeError unless `ms` is a number above 0 and at most a week. */
export function duration(name: string, ms: number): number {
  if (ms > 0 && ms <= 604_800_000) return ms;
  throw new RangeError(`${name} must be a number of milliseconds above 0 and at most a week, not ${ms}`);
}

/** Throws a RangeError unless `count` is a whole number from 0 to 20. */
export function retryCount(count: number): number {
  if (Number.isInteger(count) && count >= 0 && count <= RETRIES_LIMIT) return count;
  throw new RangeError(`retries must be a whole number from 0 to ${RETRIES_LIMIT}, not ${count}`);
}

function whole(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new RangeError(`${name} must be a whole number of at least ${least}, not ${value}`);
}
