// The library: a tracker for backends that push events themselves. `import { createTracker } from 'ackspan'`.
import { diag, metrics, trace } from '@opentelemetry/api';
import type { EventTracker } from './embed/contract.ts';
import { settle, type TrackerOptions } from './embed/options.ts';
import { createEventTelemetry, type EventTelemetry } from './embed/otel.ts';
import { createEmbeddedTracker } from './embed/tracker.ts';
import { SCOPE } from './telemetry/names/names.ts';
import { startBeat } from './time/beat.ts';
import { now } from './time/clock.ts';
import { onStandstill } from './time/pulse.ts';
import { VERSION } from './version.ts';

export type { Effect, EventTracker } from './embed/contract.ts';
export type { EventStatus, TrackedEvent } from './embed/event.ts';
export type { Metrics, MetricsRow } from './embed/figures.ts';
export type { From } from './embed/from.ts';
export type { TrackerOptions } from './embed/options.ts';
export type { RetryCallback } from './embed/retry.ts';
export type { Retry } from './embed/sending.ts';

/**
 * Creates a tracker; call `start()` to set its clock going. Register an OpenTelemetry SDK before,
 * if there is one. Throws a RangeError for options that make no sense.
 */
export function createTracker(options: TrackerOptions = {}): EventTracker {
  const settings = settle(options);
  const telemetry = telemetryOf(options);
  const tracker = createEmbeddedTracker({
    settings,
    telemetry,
    now,
    random: Math.random,
    startBeat: (tracked, report) => {
      const stopBeat = startBeat(tracked, report);
      const stopWatch = onStandstill((from, ms) => tracked.stoodStill(from, from + ms));
      return () => {
        stopBeat();
        stopWatch();
      };
    },
    report: options.report ?? (({ stage, error }) => diag.warn(`ackspan: ${stage}`, error)),
  });
  if (options.onRetry !== undefined) tracker.onRetry(options.onRetry);
  return tracker;
}

function telemetryOf({ tracerProvider = trace, meterProvider = metrics }: TrackerOptions): EventTelemetry {
  try {
    return createEventTelemetry(tracerProvider.getTracer(SCOPE, VERSION), meterProvider.getMeter(SCOPE, VERSION));
  } catch (cause) {
    throw new RangeError('tracerProvider and meterProvider must give a tracer and a meter', { cause });
  }
}
