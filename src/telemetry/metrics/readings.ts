// telemetry: series of plain numbers that other parts count for themselves, read at collection.
import type { Attributes } from '@opentelemetry/api';
import type { MetricRow } from '../names/names.ts';
import type { Family, MetricSource, Point } from './producer.ts';

/** One series whose value is read at collection. `read` returns it in the metric's unit. */
export interface Reading {
  readonly metric: MetricRow;
  readonly attributes: Attributes;
  /** Undefined = not known yet: the series has no point then. */
  readonly read: () => number | undefined;
}

/**
 * One series per key of a record of plain numbers: the key is the value of the label. The keys do
 * not change later.
 */
export function readingsOf(metric: MetricRow, label: string, record: Readonly<Record<string, number>>): Reading[] {
  return Object.keys(record).map((key) => ({
    metric,
    attributes: { [label]: key },
    read: () => record[key]!,
  }));
}

/** Joins readings of one metric, from wherever they come, into one family. */
export function createReadings(readings: readonly Reading[]): MetricSource {
  const byMetric = new Map<MetricRow, Reading[]>();
  for (const reading of readings) {
    const same = byMetric.get(reading.metric);
    if (same === undefined) byMetric.set(reading.metric, [reading]);
    else same.push(reading);
  }
  return () => Array.from(byMetric, ([metric, same]): Family => ({ metric, points: same.flatMap(toPoint) }));
}

function toPoint({ attributes, read }: Reading): Point[] {
  const value = read();
  return value === undefined ? [] : [{ attributes, value }];
}
