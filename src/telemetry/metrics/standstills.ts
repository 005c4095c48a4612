// telemetry: standstills of the process as a histogram: how often it did not run, and for how long.
import { METRICS } from '../names/names.ts';
import { STANDSTILL_BOUNDS } from '../names/process.ts';
import type { MetricSource } from './producer.ts';

export interface StandstillMetrics {
  /** Counts a standstill of `ms`. */
  stoodStill(ms: number): void;
  readonly source: MetricSource;
}

export function createStandstillMetrics(): StandstillMetrics {
  const counts = new Array<number>(STANDSTILL_BOUNDS.length + 1).fill(0);
  let sum = 0;
  return {
    stoodStill(ms) {
      const seconds = ms / 1000;
      const bucket = STANDSTILL_BOUNDS.findIndex((bound) => seconds <= bound);
      counts[bucket < 0 ? STANDSTILL_BOUNDS.length : bucket]!++;
      sum += seconds;
    },
    source: () => [{ metric: METRICS.standstill, points: [{ attributes: {}, value: { counts: [...counts], sum } }] }],
  };
}
