// telemetry: counts every step of every delivery by integer adds into arrays, and shows the counts as metrics.
import type { Attributes } from '@opentelemetry/api';
import type { Observer } from '../../delivery/ports.ts';
import type { Delivery } from '../../delivery/record.ts';
import {
  ATTEMPT_KINDS,
  ATTEMPT_RESULTS,
  ERROR_TYPES,
  type ErrorType,
  PRIORITIES,
  SHED_REASONS,
  UNMATCHED_REASONS,
  UNVERIFIABLE_REASONS,
} from '../../delivery/words.ts';
import { LABEL, METRICS } from '../names/names.ts';
import { NO_COUNTS } from './native.ts';
import type { Family, MetricSource, Point } from './producer.ts';
import { type Stats, takeStats } from './stats.ts';
import {
  BUCKETS,
  bucketOf,
  LEVEL_LABELS,
  placeOf,
  priorityIndex,
  SLOTS,
  slotOf,
  type Tally,
  TallyBook,
} from './tallies.ts';
import { type Totals, takeTotals } from './totals.ts';

/**
 * Counts deliveries, and shows the counts to metric readers and to the stats page: one set of
 * counts, so they cannot disagree.
 */
type Counted =
  | 'handedOver'
  | 'tracked'
  | 'attempted'
  | 'received'
  | 'settled'
  | 'upgraded'
  | 'rejectedLater'
  | 'unmatched'
  | 'shed';

export interface DeliveryMetrics extends Required<Pick<Observer, Counted>> {
  /**
   * Ties a settled delivery's bucket to its sampled span (hex ids). Unverifiable deliveries have no
   * bucket, and are ignored.
   */
  exemplar(delivery: Delivery, traceId: string, spanId: string): void;
  readonly source: MetricSource;
  stats(untracked?: Readonly<Record<string, number>>, unread?: Readonly<Record<string, number>>): Stats;
  totals(): Totals;
}

/**
 * Created once per process. All counts start at 0, and only `pending` ever falls. `outlived`:
 * deliveries may go on in another process.
 */
export function createDeliveryMetrics({ outlived = false } = {}): DeliveryMetrics {
  const book = new TallyBook();
  return {
    tracked(delivery) {
      const tally = book.of(delivery.type);
      if (delivery.required === 'received') tally.trackedReceived++;
      else tally.trackedProcessed++;
    },
    attempted(delivery, attempt) {
      const at = ATTEMPT_KINDS.indexOf(attempt.kind) * ATTEMPT_RESULTS.length + ATTEMPT_RESULTS.indexOf(attempt.result);
      book.of(delivery.type).attempts[at]!++;
    },
    received(delivery, now) {
      const at = priorityIndex(delivery.type.policy.priority);
      const ms = Math.max(0, now - delivery.sentAt);
      book.receivedCounts[at]![bucketOf(ms)]!++;
      book.receivedSumsMs[at]! += ms;
      book.receivedNatives[at]!.record(ms);
    },
    settled(delivery) {
      const tally = book.of(delivery.type);
      if (delivery.status === 'unverifiable') {
        tally.unverified[Math.max(0, UNVERIFIABLE_REASONS.indexOf(delivery.unverified || 'never_answered'))]!++;
        return;
      }
      const ms = Math.max(0, delivery.settledAt - delivery.sentAt);
      const slot = slotOf(delivery.level, delivery.errorType);
      tally.settle(slot, placeOf(slot, delivery.errorType, ms), ms);
      if (delivery.errorType !== '') return;
      book.latencies[priorityIndex(tally.priority)]!.record(ms);
      if (delivery.level === 'processed') tally.processed(ms);
    },
    handedOver(delivery) {
      book.of(delivery.type).handedOver++;
    },
    upgraded(delivery, now) {
      book.upgraded++;
      book.of(delivery.type).processed(Math.max(0, now - delivery.sentAt));
    },
    rejectedLater(delivery) {
      book.of(delivery.type).rejectedLater++;
    },
    unmatched(reason) {
      book.unmatched[UNMATCHED_REASONS.indexOf(reason)]!++;
    },
    shed(reason, _session, type) {
      book.shed[SHED_REASONS.indexOf(reason) * PRIORITIES.length + priorityIndex(type.policy.priority)]!++;
    },
    exemplar(delivery, traceId, spanId) {
      if (delivery.status === 'unverifiable') return;
      const ms = Math.max(0, delivery.settledAt - delivery.sentAt);
      const place = placeOf(slotOf(delivery.level, delivery.errorType), delivery.errorType, ms);
      book
        .of(delivery.type)
        .exemplarTable()
        .put(place, traceId, spanId, ms / 1000, delivery.settledAt);
    },
    source: () => families(book, outlived),
    stats: (untracked, unread) => takeStats(book, untracked, unread),
    totals: () => takeTotals(book),
  };
}

const OPERATOR = UNVERIFIABLE_REASONS.indexOf('operator');

function families(book: TallyBook, outlived: boolean): Family[] {
  const { tallies } = book;
  const operated = tallies.some((each) => each.countOf('operator') > 0 || each.unverified[OPERATOR]! > 0);
  /** No delivery fails by a limit: what gives way to another is unverifiable. */
  const possible = (error: ErrorType): boolean =>
    error === 'instance_lost' ? outlived : error === 'operator' ? operated : error !== 'limit';
  return [
    { metric: METRICS.deliveryDuration, points: tallies.flatMap((each) => durations(each, possible)) },
    { metric: METRICS.receiveDuration, points: PRIORITIES.map((_, i) => receiveDuration(book, i)) },
    {
      metric: METRICS.processDuration,
      points: tallies.filter(({ processedCounts }) => processedCounts.some((each) => each > 0)).map(processDuration),
    },
    { metric: METRICS.tracked, points: tallies.map((each) => ({ attributes: ofType(each), value: each.tracked })) },
    {
      metric: METRICS.handedOver,
      points: tallies
        .filter((each) => outlived || each.handedOver > 0)
        .map((each) => ({ attributes: ofType(each), value: each.handedOver })),
    },
    { metric: METRICS.pending, points: pending(book) },
    {
      metric: METRICS.unverifiable,
      points: tallies.flatMap((each) => unverifiable(each, operated)),
    },
    {
      metric: METRICS.rejectedLater,
      points: tallies.map((each) => ({ attributes: ofType(each), value: each.rejectedLater })),
    },
    { metric: METRICS.attempts, points: attempts(book) },
    { metric: METRICS.shed, points: shed(book) },
    {
      metric: METRICS.unmatched,
      points: UNMATCHED_REASONS.map((reason, i) => ({
        attributes: { [LABEL.reason]: reason },
        value: book.unmatched[i]!,
      })),
    },
    { metric: METRICS.upgraded, points: [{ attributes: {}, value: book.upgraded }] },
  ];
}

function ofType(tally: Tally): Attributes {
  return { [LABEL.eventType]: tally.label, [LABEL.priority]: tally.priority };
}

/**
 * The histograms that hold something, and those that may be the next to: `increase()` must see the
 * first failure.
 */
function durations(tally: Tally, possible: (error: ErrorType) => boolean): Point[] {
  const points: Point[] = [];
  for (let slot = 0; slot < SLOTS; slot++) {
    const level = LEVEL_LABELS[Math.floor(slot / ERROR_TYPES.length)]!;
    const error = ERROR_TYPES[slot % ERROR_TYPES.length]!;
    if (!(possible(error) && startsAtZero(tally, level, error === '')) && tally.countIn(slot) === 0) continue;
    const attributes: Attributes = { ...ofType(tally), [LABEL.level]: level };
    if (error !== '') attributes[LABEL.errorType] = error;
    // A loss is in the last bucket, and the others are not shown: they would tell nothing.
    const [first, count] = error === '' ? [slot * BUCKETS, BUCKETS] : [(slot + 1) * BUCKETS - 1, 1];
    const counts = copyOf(tally.counts, first, count);
    const exemplars = tally.exemplars?.read(first, count);
    const native = tally.natives[slot]?.read() ?? (error === '' ? undefined : NO_COUNTS);
    points.push({ attributes, value: { counts, sum: tally.sumsMs[slot]! / 1000, exemplars, native } });
  }
  return points;
}

/** Unverifiable deliveries by reason, from 0 where the reason may be the next. */
function unverifiable(tally: Tally, operated: boolean): Point[] {
  const points: Point[] = [];
  UNVERIFIABLE_REASONS.forEach((reason, i) => {
    const value = tally.unverified[i]!;
    const possible = reason === 'closed' ? tally.trackedProcessed > 0 : reason !== 'operator' || operated;
    if (possible || value > 0) points.push({ attributes: { ...ofType(tally), [LABEL.reason]: reason }, value });
  });
  return points;
}

/**
 * Whether the series is shown before it counts anything. Failing after `received` needs a delivery
 * that waits for more.
 */
function startsAtZero(tally: Tally, level: (typeof LEVEL_LABELS)[number], confirmed: boolean): boolean {
  switch (level) {
    case 'none':
      return !confirmed;
    case 'received':
      return confirmed ? tally.trackedReceived > 0 : tally.trackedProcessed > 0;
    case 'processed':
      return confirmed && tally.trackedProcessed > 0;
  }
}

/**
 * A plain loop, because `Array.from` on a typed array is many times slower, and a scrape makes a
 * thousand of these.
 */
function copyOf(counts: Float64Array, first: number, count = BUCKETS): number[] {
  const copy = new Array<number>(count);
  for (let i = 0; i < count; i++) copy[i] = counts[first + i]!;
  return copy;
}

function receiveDuration(book: TallyBook, at: number): Point {
  const native = book.receivedNatives[at]!.read();
  const value = { counts: copyOf(book.receivedCounts[at]!, 0), sum: book.receivedSumsMs[at]! / 1000, native };
  return { attributes: { [LABEL.priority]: PRIORITIES[at]! }, value };
}

function processDuration(tally: Tally): Point {
  const native = tally.processedNative?.read();
  const value = { counts: copyOf(tally.processedCounts, 0), sum: tally.processedSumMs / 1000, native };
  return { attributes: ofType(tally), value };
}

function pending(book: TallyBook): Point[] {
  const values = PRIORITIES.map(() => 0);
  for (const tally of book.tallies)
    values[priorityIndex(tally.priority)]! += tally.tracked - tally.settled - tally.handedOver;
  return PRIORITIES.map((priority, i) => ({ attributes: { [LABEL.priority]: priority }, value: values[i]! }));
}

function attempts(book: TallyBook): Point[] {
  return ATTEMPT_KINDS.flatMap((kind, k) =>
    ATTEMPT_RESULTS.map((result, r) => {
      let value = 0;
      for (const tally of book.tallies) {
        value += tally.attempts[k * ATTEMPT_RESULTS.length + r]!;
        if (kind === 'send' && result === 'sent') value += tally.tracked;
      }
      return { attributes: { [LABEL.kind]: kind, [LABEL.result]: result }, value };
    }),
  );
}

function shed(book: TallyBook): Point[] {
  return SHED_REASONS.flatMap((reason, r) =>
    PRIORITIES.map((priority, p) => ({
      attributes: { [LABEL.reason]: reason, [LABEL.priority]: priority },
      value: book.shed[r * PRIORITIES.length + p]!,
    })),
  );
}
