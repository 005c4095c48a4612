// telemetry: turns plain counts into OpenTelemetry metric data at collection, so that the hot path pays nothing.
import type { Attributes, HrTime } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type {
  AggregationTemporality,
  CollectionResult,
  DataPoint,
  DataPointType,
  MetricData,
  MetricProducer,
} from '@opentelemetry/sdk-metrics';
import { wallOf } from '../../time/clock.ts';
import { hrTime } from '../../time/stamp.ts';
import { type MetricRow, SCHEMA_URL, SCOPE } from '../names/names.ts';
import type { Exemplar, HistogramPoint } from './exemplars.ts';
import type { NativeCounts } from './native.ts';

/**
 * The counts of one explicit-bucket histogram. `counts` has one more entry than the metric has
 * bounds, or one for all.
 */
export interface HistogramValue {
  readonly counts: readonly number[];
  /** In the metric's unit. */
  readonly sum: number;
  readonly exemplars?: readonly (Exemplar | undefined)[] | undefined;
  /** Counts of these values in exponential buckets. */
  readonly native?: NativeCounts | undefined;
}

/** One series. A histogram has a `HistogramValue`, every other kind a number. */
export interface Point {
  readonly attributes: Attributes;
  readonly value: number | HistogramValue;
}

/** One metric with its series at the time of reading. */
export interface Family {
  readonly metric: MetricRow;
  readonly points: readonly Point[];
}

/** Reads counts that live elsewhere. Called once per collection. Values must be copies. */
export type MetricSource = () => readonly Family[];

/** The dependencies of a metric producer. */
export interface ProducerDeps {
  readonly sources: readonly MetricSource[];
  /** Ackspan's version, for the instrumentation scope. */
  readonly version: string;
  /** Start of all counters, monotonic ms. */
  readonly startedAt: number;
  /** Monotonic ms. */
  readonly now: () => number;
}

// The SDK's enum members as literals: importing the SDK for five numbers costs 80 ms of start-up.
const HISTOGRAM: DataPointType.HISTOGRAM = 0;
const GAUGE: DataPointType.GAUGE = 2;
const SUM: DataPointType.SUM = 3;
const CUMULATIVE: AggregationTemporality.CUMULATIVE = 1;
const DOUBLE = 1;

/**
 * Cumulative metric data of every source, in one scope. A source that throws loses its own metrics
 * only, and the error is in the result.
 */
export function createMetricProducer(deps: ProducerDeps): MetricProducer {
  const startedAt = createStartTime(deps.startedAt);
  const scope = { name: SCOPE, version: deps.version, schemaUrl: SCHEMA_URL };
  return {
    async collect(): Promise<CollectionResult> {
      const startTime = hrTime(startedAt());
      const endTime = hrTime(wallOf(deps.now()));
      const metrics: MetricData[] = [];
      const errors: unknown[] = [];
      for (const source of deps.sources) {
        try {
          for (const family of source()) metrics.push(toMetricData(family, startTime, endTime));
        } catch (error) {
          errors.push(error);
        }
      }
      return { resourceMetrics: { resource: NO_RESOURCE, scopeMetrics: [{ scope, metrics }] }, errors };
    },
  };
}

/**
 * Difference below which the start time does not follow the wall clock, ms: receivers take a start
 * time that moves for a restart.
 */
const START_TOLERANCE_MS = 1000;

/** The start time by the wall clock of the moment, ms since the epoch (SPEC D18). */
function createStartTime(startedAt: number): () => number {
  let start = wallOf(startedAt);
  return () => {
    const seen = wallOf(startedAt);
    if (Math.abs(seen - start) > START_TOLERANCE_MS) start = seen;
    return start;
  };
}

/** The reader keeps the SDK's resource and drops the producer's. */
const NO_RESOURCE: Resource = {
  attributes: {},
  getRawAttributes: () => [],
  merge: (other) => other ?? NO_RESOURCE,
};

function toMetricData(family: Family, startTime: HrTime, endTime: HrTime): MetricData {
  const { name, unit, description, kind, bounds = [] } = family.metric;
  const base = { descriptor: { name, unit, description, valueType: DOUBLE }, aggregationTemporality: CUMULATIVE };
  if (kind === 'histogram') {
    const dataPoints = family.points.map((point) => toHistogramPoint(point, bounds, startTime, endTime));
    return { ...base, dataPointType: HISTOGRAM, dataPoints };
  }
  const dataPoints = family.points.map((point): DataPoint<number> => {
    if (typeof point.value !== 'number') throw new TypeError(`${name} is a ${kind}: its value must be a number`);
    return { startTime, endTime, attributes: point.attributes, value: point.value };
  });
  if (kind === 'gauge') return { ...base, dataPointType: GAUGE, dataPoints };
  return { ...base, dataPointType: SUM, isMonotonic: kind === 'counter', dataPoints };
}

function toHistogramPoint(
  { attributes, value }: Point,
  bounds: readonly number[],
  startTime: HrTime,
  endTime: HrTime,
): HistogramPoint {
  if (typeof value === 'number') throw new TypeError('the value of a histogram must be its buckets');
  let count = 0;
  for (const each of value.counts) count += each;
  const buckets = {
    boundaries: (value.counts.length === 1 ? [] : bounds) as number[],
    counts: value.counts as number[],
  };
  const point = { startTime, endTime, attributes, value: { buckets, sum: value.sum, count } };
  const { exemplars, native } = value;
  return exemplars === undefined && native === undefined ? point : { ...point, exemplars, native };
}
