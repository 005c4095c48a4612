// demo: checks the sidecar against itself: the sum of rule D1, and the statistics against a scrape of `/metrics`.

import { type Sample, sumOf } from '../admin-client/exposition.ts';
import { ATTEMPT_KINDS, FAIL_REASONS, PRIORITIES } from '../delivery/words.ts';
import type { Stats, StatsRow } from '../telemetry/metrics/stats.ts';

/** One check in words. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

const DURATIONS = 'ackspan_delivery_duration_seconds_count';

/**
 * Checks D1 in total and for each priority, then each number of the statistics against the metrics.
 * No event may have happened between the two readings.
 */
export function checkAgreement(stats: Stats, samples: readonly Sample[]): Check[] {
  return [sums(stats), against(stats, samples)];
}

/**
 * Checks SPEC D4: once the load has rested for longer than a deadline, no delivery can be pending.
 */
export function checkSettled(stats: Stats): Check {
  const detail = stats.pending === 0 ? 'none is pending' : `${stats.pending} are still pending`;
  return { name: 'every delivery has its outcome', ok: stats.pending === 0, detail };
}

/** Checks SPEC D1: tracked = pending + settled. */
function sums(stats: Stats): Check {
  const rows: [string, StatsRow][] = [['all', stats], ...Object.entries(stats.by_priority)];
  const wrong = rows.filter(([, row]) => row.tracked !== row.pending + settledOf(row));
  const say = ([name, row]: [string, StatsRow]): string =>
    `${name}: ${row.tracked} tracked, ${row.pending} pending, ${settledOf(row)} settled`;
  return {
    name: 'tracked = pending + settled',
    ok: wrong.length === 0,
    detail: (wrong.length === 0 ? rows.slice(0, 1) : wrong).map(say).join('; '),
  };
}

function settledOf(row: StatsRow): number {
  return row.confirmed + row.failed + row.timeout + row.unverifiable;
}

function against(stats: Stats, samples: readonly Sample[]): Check {
  const wrong: string[] = [];
  let compared = 0;
  const compare = (name: string, stated: number, measured: number): void => {
    compared++;
    if (stated !== measured) wrong.push(`${name}: ${stated} in the statistics, ${measured} in /metrics`);
  };
  const compareRow = (name: string, row: StatsRow, of: Readonly<Record<string, string>>): void => {
    compare(`${name} tracked`, row.tracked, sumOf(samples, 'ackspan_delivery_tracked_total', of));
    compare(`${name} pending`, row.pending, sumOf(samples, 'ackspan_delivery_pending', of));
    compare(`${name} confirmed`, row.confirmed, sumOf(samples, DURATIONS, { ...of, error_type: '' }));
    const failed = FAIL_REASONS.map((reason) => sumOf(samples, DURATIONS, { ...of, error_type: reason }));
    compare(
      `${name} failed`,
      row.failed,
      failed.reduce((sum, each) => sum + each, 0),
    );
    compare(`${name} timeout`, row.timeout, sumOf(samples, DURATIONS, { ...of, error_type: 'timeout' }));
    compare(`${name} unverifiable`, row.unverifiable, sumOf(samples, 'ackspan_delivery_unverifiable_total', of));
    compare(`${name} shed`, row.shed, sumOf(samples, 'ackspan_delivery_shed_total', of));
  };
  compareRow('all', stats, {});
  for (const priority of PRIORITIES) compareRow(priority, stats.by_priority[priority], { priority });
  for (const kind of ATTEMPT_KINDS)
    compare(`attempts ${kind}`, stats.attempts[kind], sumOf(samples, 'ackspan_delivery_attempts_total', { kind }));
  return {
    name: 'statistics = /metrics',
    ok: wrong.length === 0,
    detail: wrong.length === 0 ? `${compared} numbers compared, all equal` : wrong.join('; '),
  };
}
