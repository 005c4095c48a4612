// telemetry: the book of deliveries as plain counts since the start, for whoever makes windows of time from them.
import {
  ERROR_TYPES,
  type ErrorType,
  FAIL_REASONS,
  LEVELS,
  type Level,
  PRIORITIES,
  type Priority,
  SHED_REASONS,
  UNVERIFIABLE_REASONS,
  type UnverifiableReason,
} from '../../delivery/words.ts';
import { Latency } from './latency.ts';
import { BUCKETS, LEVEL_LABELS, priorityIndex, type Tally, type TallyBook } from './tallies.ts';

type Loss = Exclude<ErrorType, ''>;
type Counts = Record<'tracked' | 'confirmed' | 'failed' | 'timeout' | 'unverifiable' | 'shed', number>;

/** Counts since the start. */
export interface Totals {
  readonly byPriority: Readonly<Record<Priority, Readonly<Counts>>>;
  readonly losses: Readonly<Record<Loss, number>>;
  readonly unverified: Readonly<Record<UnverifiableReason, number>>;
  /** Confirmed, by the evidence. */
  readonly levels: Readonly<Record<Level, number>>;
  /** Send to confirmation, over all priorities: counts by step of `Latency`. */
  readonly latency: Float64Array;
}

/** Sums up the book as it stands. */
export function takeTotals(book: TallyBook): Totals {
  const byPriority = zero(PRIORITIES, () => ({
    ...{ tracked: 0, confirmed: 0, failed: 0, timeout: 0, unverifiable: 0, shed: 0 },
  }));
  const losses = zero<Loss, number>(
    ERROR_TYPES.filter((type) => type !== ''),
    () => 0,
  );
  const unverified = zero(UNVERIFIABLE_REASONS, () => 0);
  const levels = zero(LEVELS, () => 0);
  for (const tally of book.tallies) add(tally, { counts: byPriority[tally.priority], losses, levels, unverified });
  PRIORITIES.forEach((priority, p) => {
    for (let r = 0; r < SHED_REASONS.length; r++) byPriority[priority].shed += book.shed[r * PRIORITIES.length + p]!;
  });
  const latency = new Latency();
  for (const each of PRIORITIES) latency.merge(book.latencies[priorityIndex(each)]!);
  return { byPriority, losses, unverified, levels, latency: latency.counts() };
}

interface Sums {
  readonly counts: Counts;
  readonly losses: Record<Loss, number>;
  readonly levels: Record<Level, number>;
  readonly unverified: Record<UnverifiableReason, number>;
}

function add(tally: Tally, { counts, losses, levels, unverified }: Sums): void {
  counts.tracked += tally.tracked - tally.handedOver;
  for (let row = 0; row < LEVEL_LABELS.length; row++) {
    for (let e = 0; e < ERROR_TYPES.length; e++) {
      const count = countIn(tally.counts, row * ERROR_TYPES.length + e);
      if (count === 0) continue;
      const error = ERROR_TYPES[e] as ErrorType;
      if (error !== '') losses[error] += count;
      if (error === 'timeout') counts.timeout += count;
      else if ((FAIL_REASONS as readonly string[]).includes(error)) counts.failed += count;
      else {
        counts.confirmed += count;
        if (row > 0) levels[LEVEL_LABELS[row] as Level] += count;
      }
    }
  }
  UNVERIFIABLE_REASONS.forEach((reason, i) => {
    const count = tally.unverified[i] as number;
    counts.unverifiable += count;
    unverified[reason] += count;
  });
}

function countIn(counts: Float64Array, slot: number): number {
  let count = 0;
  for (let i = slot * BUCKETS; i < (slot + 1) * BUCKETS; i++) count += counts[i] as number;
  return count;
}

function zero<N extends string, V>(names: readonly N[], value: () => V): Record<N, V> {
  return Object.fromEntries(names.map((name) => [name, value()])) as Record<N, V>;
}
