// demo: the findings at the end, read from the admin API once all deliveries have settled.

import type { Sample } from '../admin-client/exposition.ts';
import type { Stats } from '../telemetry/metrics/stats.ts';
import { checkAgreement, checkSettled } from './agreement.ts';
import { failedByReason, groupLosses, unmatchedOf } from './losses.ts';
import type { Readings } from './readings.ts';
import type { Findings } from './verdict.ts';

/** The verdict's findings, and the failures by reason. */
export interface AllFindings extends Findings {
  readonly failedByReason: Readonly<Record<string, number>>;
}

const TRIES = 5;

/** Reads statistics, metrics and deliveries. Rejects when the admin server does not answer. */
export async function readFindings(readings: Readings, target: number): Promise<AllFindings> {
  const { stats, samples } = await readTogether(readings);
  const lines = await readings.deliveries(['failed', 'timeout', 'unverifiable']);
  return {
    stats,
    losses: groupLosses(lines, readings.pathOf),
    unmatched: unmatchedOf(samples),
    failedByReason: failedByReason(samples),
    checks: [checkSettled(stats), ...checkAgreement(stats, samples)],
    target,
  };
}

/**
 * Statistics and metrics of one moment: the statistics are equal before and after the scrape. The
 * last try counts whatever it finds.
 */
async function readTogether(readings: Readings): Promise<{ stats: Stats; samples: readonly Sample[] }> {
  let stats = await readings.stats();
  for (let tries = 1; ; tries++) {
    const samples = await readings.samples();
    const after = await readings.stats();
    if (JSON.stringify(after) === JSON.stringify(stats) || tries === TRIES) return { stats: after, samples };
    stats = after;
  }
}

/** The object of `--json`. Times in ms, rates in [0, 1] or null. */
export function findingsAsJson(findings: AllFindings, lines: readonly string[]): object {
  const { stats, losses, unmatched, checks, target } = findings;
  return {
    ...stats,
    unmatched,
    failed_by_reason: findings.failedByReason,
    losses: losses.map(({ path, status, errorType, count, retries }) => ({
      path,
      status,
      error_type: errorType === '' ? null : errorType,
      count,
      retries,
    })),
    target,
    checks,
    verdict: lines,
  };
}
