// admin: counts of one stretch of time, side by side: made from two totals, added up to windows.
import {
  ERROR_TYPES,
  type ErrorType,
  LEVELS,
  type Level,
  PRIORITIES,
  type Priority,
  UNVERIFIABLE_REASONS,
  type UnverifiableReason,
} from '../delivery/words.ts';
import type { CountsJson, WindowJson } from './stats-shapes.ts';
import type { Totals } from './totals.ts';

const COUNTED = ['tracked', 'confirmed', 'failed', 'timeout', 'unverifiable', 'shed'] as const;
const LOSSES = ERROR_TYPES.filter((type): type is Exclude<ErrorType, ''> => type !== '');
const AT_LOSSES = PRIORITIES.length * COUNTED.length;
const AT_UNVERIFIED = AT_LOSSES + LOSSES.length;
const AT_LEVELS = AT_UNVERIFIED + UNVERIFIABLE_REASONS.length;
const COLUMNS = AT_LEVELS + LEVELS.length;

/** Counts of one stretch of time. */
export interface Sample {
  /** End of the stretch, monotonic ms, and its length in s. */
  readonly at: number;
  readonly seconds: number;
  /** Gauges at its end. */
  readonly pending: number;
  readonly connections: number;
  readonly counts: Float64Array;
  /** Buckets that are not empty, with their counts: pairs. */
  readonly latency: Uint32Array;
}

/** Every count of the totals in one row. */
function rowOf(totals: Totals): Float64Array {
  const row = new Float64Array(COLUMNS);
  PRIORITIES.forEach((priority, p) => {
    COUNTED.forEach((name, c) => {
      row[p * COUNTED.length + c] = totals.byPriority[priority][name];
    });
  });
  LOSSES.forEach((reason, i) => {
    row[AT_LOSSES + i] = totals.losses[reason];
  });
  UNVERIFIABLE_REASONS.forEach((reason, i) => {
    row[AT_UNVERIFIED + i] = totals.unverified[reason];
  });
  LEVELS.forEach((level, i) => {
    row[AT_LEVELS + i] = totals.levels[level];
  });
  return row;
}

/** Makes samples of totals. */
export interface Sampler {
  /** The counts since the sample taken last, or since the start. */
  since(totals: Totals, at: number): Sample;
  /** Takes the same as a sample, which becomes the last one. */
  take(totals: Totals, at: number): Sample;
}

/** Turns totals into samples, each of which begins where the one before ended. */
export function createSampler(startedAt: number): Sampler {
  let before: Float64Array = new Float64Array(COLUMNS);
  let latencyBefore: Float64Array = new Float64Array(0);
  let last = startedAt;
  const since = (totals: Totals, at: number): Sample => {
    const counts = rowOf(totals).map((value, i) => value - (before[i] as number));
    const pairs: number[] = [];
    totals.latency.forEach((count, bucket) => {
      const grown = count - (latencyBefore[bucket] ?? 0);
      if (grown > 0) pairs.push(bucket, grown);
    });
    const sample = { at, seconds: (at - last) / 1000, pending: totals.pending, connections: totals.connections };
    return { ...sample, counts, latency: Uint32Array.from(pairs) };
  };
  return {
    since,
    take(totals, at) {
      const sample = since(totals, at);
      before = rowOf(totals);
      latencyBefore = totals.latency.slice();
      last = at;
      return sample;
    },
  };
}

/** An empty sample of no length. */
function emptySample(at: number): Sample {
  const nothing = { pending: 0, connections: 0, counts: new Float64Array(COLUMNS), latency: new Uint32Array() };
  return { at, seconds: 0, ...nothing };
}

/** Several samples, oldest first, as one. */
export function merge(samples: readonly Sample[], at: number): Sample {
  const last = samples.at(-1) ?? emptySample(at);
  const counts = new Float64Array(COLUMNS);
  // A plain array by bucket, because windows consist of hundreds of samples, and a map would cost
  // ten times as much.
  const latency: number[] = [];
  let seconds = 0;
  for (const sample of samples) {
    seconds += sample.seconds;
    for (let i = 0; i < COLUMNS; i++) counts[i]! += sample.counts[i] as number;
    for (let i = 0; i < sample.latency.length; i += 2) {
      const bucket = sample.latency[i] as number;
      while (latency.length <= bucket) latency.push(0);
      latency[bucket]! += sample.latency[i + 1] as number;
    }
  }
  const pairs = latency.flatMap((count, bucket) => (count === 0 ? [] : [bucket, count]));
  return { ...last, seconds, counts, latency: Uint32Array.from(pairs) };
}

/** Counts over all priorities, or of one. */
export function countsOf({ counts }: Sample, priority?: Priority): CountsJson {
  const rows = priority === undefined ? PRIORITIES.map((_, p) => p) : [PRIORITIES.indexOf(priority)];
  const sum = (c: number) => rows.reduce((total, p) => total + (counts[p * COUNTED.length + c] as number), 0);
  return Object.fromEntries(COUNTED.map((name, c) => [name, sum(c)])) as unknown as CountsJson;
}

/**
 * The time in ms that the share `q` of confirmed deliveries did not exceed (nearest rank); null
 * without any.
 */
export function quantileOf({ latency }: Sample, q: number, latencyMs: (bucket: number) => number): number | null {
  let total = 0;
  for (let i = 1; i < latency.length; i += 2) total += latency[i] as number;
  if (total === 0) return null;
  const rank = Math.max(1, Math.ceil(q * total));
  let seen = 0;
  for (let i = 0; i < latency.length; i += 2) {
    seen += latency[i + 1] as number;
    if (seen >= rank) return latencyMs(latency[i] as number);
  }
  return null;
}

/** confirmed / (confirmed + failed + timeout) (SPEC D9); null where that is 0 / 0. */
export function rateOf({ confirmed, failed, timeout }: Pick<CountsJson, 'confirmed' | 'failed' | 'timeout'>) {
  const judged = confirmed + failed + timeout;
  return judged === 0 ? null : confirmed / judged;
}

/**
 * The rest of the share that may be lost: 1 = all, 0 = none, below 0 = more was lost. An objective
 * of 1 has no budget.
 */
function budgetLeft(rate: number | null, objective: number): number | null {
  if (rate === null) return null;
  if (objective >= 1) return rate >= 1 ? 1 : null;
  return 1 - (1 - rate) / (1 - objective);
}

/** A sample judged against the objectives. */
export function windowOf(
  sample: Sample,
  objective: Readonly<Record<'all' | Priority, number>>,
  latencyMs: (bucket: number) => number,
): WindowJson {
  const counts = countsOf(sample);
  const rate = rateOf(counts);
  const named = <N extends string>(names: readonly N[], first: number) =>
    Object.fromEntries(names.map((name, i) => [name, sample.counts[first + i] as number])) as Record<N, number>;
  return {
    ...counts,
    seconds: sample.seconds,
    rate,
    budget_left: budgetLeft(rate, objective.all),
    p50_ms: quantileOf(sample, 0.5, latencyMs),
    p95_ms: quantileOf(sample, 0.95, latencyMs),
    p99_ms: quantileOf(sample, 0.99, latencyMs),
    losses: named(LOSSES, AT_LOSSES),
    unverifiable_reasons: named<UnverifiableReason>(UNVERIFIABLE_REASONS, AT_UNVERIFIED),
    levels: named<Level>(LEVELS, AT_LEVELS),
    by_priority: Object.fromEntries(
      PRIORITIES.map((priority) => {
        const own = countsOf(sample, priority);
        const ownRate = rateOf(own);
        return [priority, { ...own, rate: ownRate, budget_left: budgetLeft(ownRate, objective[priority]) }];
      }),
    ) as WindowJson['by_priority'],
  };
}
