// An embedded tracker in a test's hands: its own clock, telemetry that goes nowhere unless the test brings its own, reports kept.
import { metrics, trace } from '@opentelemetry/api';
import type { Tracker } from '../../src/delivery/tracker.ts';
import type { EventTracker } from '../../src/embed/contract.ts';
import { settle, type TrackerOptions } from '../../src/embed/options.ts';
import { createEventTelemetry, type EventTelemetry } from '../../src/embed/otel.ts';
import { createEmbeddedTracker } from '../../src/embed/tracker.ts';

export interface Harness {
  readonly tracker: EventTracker;
  readonly reports: { stage: string; error: unknown }[];
  now(): number;
  /**
   * Moves the clock in steps of 25 ms, as the driver does, and lets callbacks answer between them.
   */
  pass(ms: number): Promise<void>;
  /** Moves the clock and nothing else: nobody has looked at a timer yet. */
  jump(ms: number): void;
  /** The process stands still for so long, and the beat tells of it. */
  stand(ms: number): void;
}

const START = 1_750_000_000_000;

/** Jitter is off: gaps are exact. */
export function setUp(
  options: TrackerOptions = {},
  telemetry: EventTelemetry = silent(),
  report?: (fault: { stage: string; error: unknown }) => void,
): Harness {
  let time = START;
  let ticking: Tracker | undefined;
  const reports: Harness['reports'] = [];
  const tracker = createEmbeddedTracker({
    settings: settle(options),
    telemetry,
    now: () => time,
    random: () => 0.5,
    startBeat: (beaten) => {
      ticking = beaten;
      return () => {
        ticking = undefined;
      };
    },
    report: report ?? ((fault) => reports.push(fault)),
  });
  if (options.onRetry !== undefined) tracker.onRetry(options.onRetry);
  tracker.start();
  return {
    tracker,
    reports,
    now: () => time,
    jump(ms) {
      time += ms;
    },
    stand(ms) {
      ticking?.stoodStill(time, time + ms);
      time += ms;
    },
    async pass(ms) {
      const end = time + ms;
      while (time < end) {
        time = Math.min(end, time + 25);
        ticking?.tick(time, Number.POSITIVE_INFINITY);
        await settled();
      }
    },
  };
}

/** Resolves when every promise that is ready has been followed. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function silent(): EventTelemetry {
  return createEventTelemetry(trace.getTracer('test'), metrics.getMeter('test'));
}
