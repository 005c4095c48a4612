// embed: the options of the library: defaults, bounds, and one clear error for a value that makes no sense.
import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { SCHEDULES } from '../delivery/policy.ts';
import type { Report } from '../delivery/ports.ts';
import type { RetryCallback } from './retry.ts';

/** Options of `createTracker`. All are optional. */
export interface TrackerOptions {
  /** Time from `track` to the deadline, ms. Default 30,000. */
  readonly timeoutMs?: number;
  /** Retries per event, 0 to 20. Default 3. Without a retry callback there are none. */
  readonly retries?: number;
  /**
   * Time from `track` to the first retry, ms. Each further gap is twice the one before. Default
   * 1,000.
   */
  readonly firstRetryMs?: number;
  readonly limits?: {
    /**
     * Events in flight, in all. Events beyond the limit are not tracked, the least important first.
     * Default 100,000.
     */
    readonly pending?: number;
    /** Events in flight of one user. Default 5,000. */
    readonly pendingPerUser?: number;
    /** Settled events that `status` and `expired` still know. Default 10,000. */
    readonly history?: number;
  };
  /** The retry callback, as given to `onRetry`. */
  readonly onRetry?: RetryCallback;
  /** The tracer provider. Default: the one registered with the OpenTelemetry API. */
  readonly tracerProvider?: TracerProvider;
  /**
   * The meter provider. Default: the one registered with the OpenTelemetry API when the tracker is
   * created.
   */
  readonly meterProvider?: MeterProvider;
  /**
   * Called for retry callbacks that threw, for limits that were reached and for telemetry that
   * failed. Default: OpenTelemetry's `diag.warn`.
   */
  readonly report?: Report;
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

/** The defaults are those of the sidecar for NORMAL events. */
const USUAL = SCHEDULES.normal;
const WEEK_MS = 604_800_000;
/** Most retries: more would only make duplicates. */
const RETRIES_LIMIT = 20;

/**
 * Fills in the defaults. Throws a RangeError for a value that is out of bounds or of the wrong
 * kind.
 */
export function settle(options: TrackerOptions): Settings {
  if (!isObject(options)) throw new RangeError(`options must be an object, not ${shown(options)}`);
  const { limits = {}, onRetry, report, tracerProvider, meterProvider } = options;
  if (!isObject(limits)) throw new RangeError(`limits must be an object, not ${shown(limits)}`);
  if (onRetry !== undefined) callable('onRetry', onRetry);
  if (report !== undefined) callable('report', report);
  provider('tracerProvider', tracerProvider, 'getTracer');
  provider('meterProvider', meterProvider, 'getMeter');
  const {
    timeoutMs = USUAL.timeoutMs,
    retries = USUAL.attemptsMs.length,
    firstRetryMs = USUAL.attemptsMs[0],
  } = options;
  const { pending = 100_000, pendingPerUser = 5000, history = 10_000 } = limits as TrackerOptions['limits'] & object;
  return {
    timeoutMs: duration('timeoutMs', timeoutMs),
    retries: retryCount(retries),
    firstRetryMs: duration('firstRetryMs', firstRetryMs),
    pending: whole('limits.pending', pending, 1),
    pendingPerUser: whole('limits.pendingPerUser', pendingPerUser, 1),
    history: whole('limits.history', history, 0),
  };
}

/** The grace of `stop`, ms. Throws a RangeError for options that make no sense. */
export function graceOf(options: { readonly graceMs?: number } = {}): number {
  if (!isObject(options)) throw new RangeError(`the options of stop must be an object, not ${shown(options)}`);
  const { graceMs = 0 } = options;
  return graceMs === 0 ? graceMs : duration('graceMs', graceMs);
}

/** Throws a RangeError unless `ms` is a number above 0 and at most a week. */
export function duration(name: string, ms: unknown): number {
  if (typeof ms === 'number' && ms > 0 && ms <= WEEK_MS) return ms;
  throw new RangeError(`${name} must be a number of milliseconds above 0 and at most a week, not ${shown(ms)}`);
}

/** Throws a RangeError unless `count` is a whole number from 0 to 20. */
export function retryCount(count: unknown): number {
  if (Number.isInteger(count) && (count as number) >= 0 && (count as number) <= RETRIES_LIMIT) return count as number;
  throw new RangeError(`retries must be a whole number from 0 to ${RETRIES_LIMIT}, not ${shown(count)}`);
}

/** Throws a RangeError unless `value` can be called. */
export function callable<T>(name: string, value: T): T {
  if (typeof value === 'function') return value;
  throw new RangeError(`${name} must be a function, not ${shown(value)}`);
}

/** A value of any kind as an error message names it. Never throws, and is never long. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'bigint' ? 'a bigint' : typeof value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function provider(name: string, value: object | undefined, method: string): void {
  const given = isObject(value) ? (value as Record<string, unknown>)[method] : undefined;
  if (value !== undefined && typeof given !== 'function')
    throw new RangeError(`${name} must be a provider of OpenTelemetry, with ${method}, not ${shown(value)}`);
}

function whole(name: string, value: unknown, least: number): number {
  if (Number.isInteger(value) && (value as number) >= least) return value as number;
  throw new RangeError(`${name} must be a whole number of at least ${least}, not ${shown(value)}`);
}
