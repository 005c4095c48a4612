// embed: counts events by what becomes of them: the numbers behind `metrics()`, always finite JSON.
import type { Delivery } from '../delivery/record.ts';
import { PRIORITIES, type Priority, type UnmatchedReason } from '../delivery/words.ts';
import { Latency } from '../telemetry/metrics/latency.ts';
import type { Retry } from './sending.ts';

/**
 * Counts since the tracker was created. Times run from `track` to the confirmation, ms; null while
 * nothing is confirmed.
 */
export interface MetricsRow {
  /** Always pending + confirmed + failed + timeout + unverifiable. */
  readonly tracked: number;
  readonly pending: number;
  readonly confirmed: number;
  readonly failed: number;
  readonly timeout: number;
  /**
   * Events that gave their place to a CRITICAL one at a full limit, and were not tracked any
   * longer.
   */
  readonly unverifiable: number;
  /** Events not tracked because a limit was reached. */
  readonly shed: number;
  /**
   * Calls of the retry callback, and failed ones: it returned anything but true, or nothing in
   * time.
   */
  readonly retries: number;
  readonly retriesFailed: number;
  /**
   * confirmed / (confirmed + failed + timeout), in [0, 1] (SPEC D9); null while nothing is settled.
   */
  readonly confirmationRate: number | null;
  readonly averageMs: number | null;
  readonly minMs: number | null;
  readonly maxMs: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** The result of `metrics()`. */
export interface Metrics extends MetricsRow {
  /** Confirmations that changed nothing. */
  readonly unmatched: Readonly<Record<UnmatchedReason, number>>;
  readonly byPriority: Readonly<Record<Priority, MetricsRow>>;
}

class Counts {
  tracked = 0;
  confirmed = 0;
  failed = 0;
  timeout = 0;
  unverifiable = 0;
  shed = 0;
  retries = 0;
  retriesFailed = 0;
  readonly latency = new Latency();

  merge(other: Counts): void {
    this.tracked += other.tracked;
    this.confirmed += other.confirmed;
    this.failed += other.failed;
    this.timeout += other.timeout;
    this.unverifiable += other.unverifiable;
    this.shed += other.shed;
    this.retries += other.retries;
    this.retriesFailed += other.retriesFailed;
    this.latency.merge(other.latency);
  }
}

/** Keeps the counts, one set per priority. */
export class Figures {
  readonly #rows: Readonly<Record<Priority, Counts>> = {
    critical: new Counts(),
    high: new Counts(),
    normal: new Counts(),
    low: new Counts(),
  };
  readonly #unmatched: Record<UnmatchedReason, number> = { late: 0, duplicate: 0, unknown: 0, foreign: 0 };

  tracked(delivery: Delivery): void {
    this.#rows[delivery.type.policy.priority].tracked++;
  }

  settled(delivery: Delivery): void {
    const row = this.#rows[delivery.type.policy.priority];
    if (delivery.status === 'confirmed') {
      row.confirmed++;
      row.latency.record(delivery.settledAt - delivery.sentAt);
    } else if (delivery.status === 'timeout') row.timeout++;
    else if (delivery.status === 'unverifiable') row.unverifiable++;
    else row.failed++;
  }

  /** Counts a call of the retry callback. */
  called(delivery: Delivery): void {
    this.#rows[delivery.type.policy.priority].retries++;
  }

  /** Counts the result of a retry. */
  retried(delivery: Delivery, retry: Retry): void {
    if (retry.result === 'failed') this.#rows[delivery.type.policy.priority].retriesFailed++;
  }

  shed(priority: Priority): void {
    this.#rows[priority].shed++;
  }

  unmatched(reason: UnmatchedReason): void {
    this.#unmatched[reason]++;
  }

  /** The figures as they stand: a copy. */
  read(): Metrics {
    const all = new Counts();
    for (const priority of PRIORITIES) all.merge(this.#rows[priority]);
    return {
      ...rowOf(all),
      unmatched: { ...this.#unmatched },
      byPriority: {
        critical: rowOf(this.#rows.critical),
        high: rowOf(this.#rows.high),
        normal: rowOf(this.#rows.normal),
        low: rowOf(this.#rows.low),
      },
    };
  }
}

function rowOf({ latency, ...counts }: Counts): MetricsRow {
  const { tracked, confirmed, failed, timeout, unverifiable, shed, retries, retriesFailed } = counts;
  const settled = confirmed + failed + timeout;
  const any = latency.count > 0;
  return {
    tracked,
    pending: tracked - settled - unverifiable,
    confirmed,
    failed,
    timeout,
    unverifiable,
    shed,
    retries,
    retriesFailed,
    confirmationRate: settled === 0 ? null : confirmed / settled,
    averageMs: any ? latency.sumMs / latency.count : null,
    minMs: any ? latency.minMs : null,
    maxMs: any ? latency.maxMs : null,
    p50Ms: latency.quantile(0.5),
    p95Ms: latency.quantile(0.95),
    p99Ms: latency.quantile(0.99),
  };
}
