// telemetry: every count of deliveries that metrics and stats show, in arrays. Written once per event.
import type { EventType } from '../../delivery/policy.ts';
import {
  ATTEMPT_KINDS,
  ATTEMPT_RESULTS,
  ERROR_TYPES,
  type ErrorType,
  LEVELS,
  type Level,
  PRIORITIES,
  type Priority,
  SHED_REASONS,
  UNMATCHED_REASONS,
  UNVERIFIABLE_REASONS,
} from '../../delivery/words.ts';
import { DELIVERY_BOUNDS } from '../names/names.ts';
import { ExemplarTable } from './exemplars.ts';
import { Latency } from './latency.ts';
import { NativeHistogram } from './native.ts';

/** The evidence at the outcome, as the `level` label spells it; `none` = no evidence. */
export const LEVEL_LABELS = ['none', ...LEVELS] as const;

/** Buckets per histogram: the bounds and +Inf. */
export const BUCKETS = DELIVERY_BOUNDS.length + 1;

/** Histograms per tally: one for every level × error type. */
export const SLOTS = LEVEL_LABELS.length * ERROR_TYPES.length;

const BOUNDS_MS = Float64Array.from(DELIVERY_BOUNDS, (seconds) => Math.round(seconds * 1000));

/** All counts of one event type at one priority. */
export class Tally {
  readonly label: string;
  readonly priority: Priority;
  /** Tracked deliveries, by the evidence that they require. */
  trackedReceived = 0;
  trackedProcessed = 0;
  /** Deliveries of them that go on at another instance, which counts them as tracked too. */
  handedOver = 0;
  /** Unverifiable deliveries, by reason. */
  readonly unverified = new Float64Array(UNVERIFIABLE_REASONS.length);
  rejectedLater = 0;
  /**
   * Settled deliveries, unverifiable ones excepted: `SLOTS` histograms in a row. A loss counts in
   * the last bucket.
   */
  readonly counts = new Float64Array(SLOTS * BUCKETS);
  readonly sumsMs = new Float64Array(SLOTS);
  /** Counts in exponential buckets, made with the first delivery of each histogram. */
  readonly natives: (NativeHistogram | undefined)[] = new Array<NativeHistogram | undefined>(SLOTS).fill(undefined);
  /** Time to the application's confirmation, ms. */
  readonly processedCounts = new Float64Array(BUCKETS);
  processedSumMs = 0;
  processedNative: NativeHistogram | undefined = undefined;
  /**
   * Attempts by kind × result. The send itself is not in here, because it happens once per tracked
   * delivery.
   */
  readonly attempts = new Float64Array(ATTEMPT_KINDS.length * ATTEMPT_RESULTS.length);
  /** Exemplars, one place per bucket of `counts`. Made when the first exemplar comes. */
  exemplars: ExemplarTable | undefined = undefined;

  constructor(label: string, priority: Priority) {
    this.label = label;
    this.priority = priority;
  }

  get tracked(): number {
    return this.trackedReceived + this.trackedProcessed;
  }

  get unverifiable(): number {
    let count = 0;
    for (let i = 0; i < this.unverified.length; i++) count += this.unverified[i]!;
    return count;
  }

  /** Counts an outcome in its place (`placeOf`) of one of the histograms, `ms` after the send. */
  settle(slot: number, place: number, ms: number): void {
    this.counts[place]!++;
    this.sumsMs[slot]! += ms;
    this.natives[slot] ??= new NativeHistogram();
    this.natives[slot].record(ms);
  }

  /** Counts a confirmation of the application that came `ms` after the send. */
  processed(ms: number): void {
    this.processedCounts[bucketOf(ms)]!++;
    this.processedSumMs += ms;
    this.processedNative ??= new NativeHistogram();
    this.processedNative.record(ms);
  }

  /** Number of deliveries in one histogram. */
  countIn(slot: number): number {
    let count = 0;
    for (let i = slot * BUCKETS; i < (slot + 1) * BUCKETS; i++) count += this.counts[i]!;
    return count;
  }

  /** Number of deliveries with that error type at any level; `''` = confirmed. */
  countOf(error: ErrorType): number {
    let count = 0;
    for (let level = 0; level < LEVEL_LABELS.length; level++) {
      count += this.countIn(level * ERROR_TYPES.length + ERROR_TYPES.indexOf(error));
    }
    return count;
  }

  /** Number of deliveries that have an outcome. */
  get settled(): number {
    let count = this.unverifiable;
    for (let i = 0; i < this.counts.length; i++) count += this.counts[i]!;
    return count;
  }

  exemplarTable(): ExemplarTable {
    this.exemplars ??= new ExemplarTable(SLOTS * BUCKETS);
    return this.exemplars;
  }
}

/** All tallies, and the counts without an event type. */
export class TallyBook {
  /**
   * Tallies by event type index × priority; sparse. Types past the limit share an index, but not
   * always a priority.
   */
  readonly #byType: (Tally | undefined)[] = [];
  /** Tallies in order of appearance. */
  readonly tallies: Tally[] = [];
  /** Shed events by reason × priority. */
  readonly shed = new Float64Array(SHED_REASONS.length * PRIORITIES.length);
  readonly unmatched = new Float64Array(UNMATCHED_REASONS.length);
  upgraded = 0;
  /**
   * Time to barrier evidence, ms, by priority. It depends on the client and its network, so that a
   * histogram for each event type would be many times the same.
   */
  readonly receivedCounts = PRIORITIES.map(() => new Float64Array(BUCKETS));
  readonly receivedSumsMs = PRIORITIES.map(() => 0);
  readonly receivedNatives = PRIORITIES.map(() => new NativeHistogram());
  /** Time from send to confirmation, by priority. */
  readonly latencies = PRIORITIES.map(() => new Latency());

  /** The tally of an event type, made at its first event. */
  of(type: EventType): Tally {
    return this.#byType[type.index * PRIORITIES.length + priorityIndex(type.policy.priority)] ?? this.#add(type);
  }

  #add(type: EventType): Tally {
    const { label, policy } = type;
    // A type that really is called `other` must not become a second series of that name.
    let tally = this.tallies.find((each) => each.label === label && each.priority === policy.priority);
    if (tally === undefined) {
      tally = new Tally(label, policy.priority);
      this.tallies.push(tally);
    }
    const at = type.index * PRIORITIES.length + priorityIndex(policy.priority);
    while (this.#byType.length <= at) this.#byType.push(undefined);
    this.#byType[at] = tally;
    return tally;
  }
}

/** The histogram of a tally: level × error type. */
export function slotOf(level: Level | '', error: ErrorType): number {
  const row = level === 'received' ? 1 : level === 'processed' ? 2 : 0;
  return row * ERROR_TYPES.length + (error === '' ? 0 : ERROR_TYPES.indexOf(error));
}

/**
 * The place of an outcome among the buckets of all histograms. A loss has not arrived in any time,
 * so it is beyond every bound.
 */
export function placeOf(slot: number, error: ErrorType, ms: number): number {
  return slot * BUCKETS + (error === '' ? bucketOf(ms) : BUCKETS - 1);
}

/**
 * The bucket of a time in ms. Bounds are inclusive (OpenTelemetry data model, explicit bucket
 * histogram).
 */
export function bucketOf(ms: number): number {
  let i = 0;
  while (i < BOUNDS_MS.length && ms > BOUNDS_MS[i]!) i++;
  return i;
}

/** Position in `PRIORITIES`, by comparing pointers: quicker than any look-up. */
export function priorityIndex(priority: Priority): number {
  return priority === 'critical' ? 0 : priority === 'high' ? 1 : priority === 'normal' ? 2 : 3;
}
