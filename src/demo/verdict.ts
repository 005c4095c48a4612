// demo: the verdict in words, from the sidecar's numbers alone: what was lost, by whom and why.

import { count, counted, percent, time } from '../admin-client/wording.ts';
import { ATTEMPT_KINDS, PRIORITIES, UNMATCHED_REASONS, type UnmatchedReason } from '../delivery/words.ts';
import type { Stats } from '../telemetry/metrics/stats.ts';
import type { Check } from './agreement.ts';
import type { Loss } from './losses.ts';

/** Everything that is known at the end. */
export interface Findings {
  readonly stats: Stats;
  readonly losses: readonly Loss[];
  readonly unmatched: Readonly<Record<UnmatchedReason, number>>;
  readonly checks: readonly Check[];
  /** Share of judged deliveries that should be confirmed, in [0, 1]. */
  readonly target: number;
}

const UNMATCHED_MEANING: Readonly<Record<UnmatchedReason, string>> = {
  late: 'came after the outcome',
  duplicate: 'repeated an earlier one',
  unknown: 'named an event that was never sent',
  foreign: "named another session's event",
};

/** One line each, without line ends. */
export function verdict({ stats, losses, unmatched, checks, target }: Findings): string[] {
  return [
    ...headline(stats, target),
    ...lossLines(stats, losses),
    ...retryLines(stats),
    ...unmatchedLines(unmatched),
    ...checks.map(({ name, ok, detail }) => `${ok ? 'Checked' : 'DISAGREEMENT'}: ${name} (${detail}).`),
  ];
}

function headline(stats: Stats, target: number): string[] {
  const judged = stats.confirmed + stats.failed + stats.timeout;
  if (judged === 0) return [`Verdict: ${counted(stats.tracked, 'event')} tracked, none of which can be judged.`];
  const rate = stats.confirmed / judged;
  const above = rate >= target;
  const below = PRIORITIES.filter((priority) => {
    const own = stats.by_priority[priority].confirmation_rate;
    return own !== null && own < target;
  });
  return [
    `Verdict: ${above ? 'the target is met' : 'the target is MISSED'}. Of ${count(judged)} deliveries that can be judged, ` +
      `${count(stats.confirmed)} were confirmed by the client: ${percent(rate)}, target ${percent(target)}` +
      `${below.length === 0 ? '.' : `; below it: ${below.join(', ')}.`}`,
    `Half of them took ${time(stats.p50_ms)} or less, 99 in 100 took ${time(stats.p99_ms)} or less.`,
  ];
}

function lossLines(stats: Stats, losses: readonly Loss[]): string[] {
  const lost = stats.failed + stats.timeout;
  const lines: string[] = [];
  const explained = (status: string): readonly Loss[] => losses.filter((loss) => loss.status === status);
  if (lost === 0) lines.push('Nothing was lost.');
  else {
    lines.push(`Lost: ${count(lost)}.`);
    for (const loss of [...explained('timeout'), ...explained('failed')]) lines.push(`  ${lossLine(loss)}`);
    lines.push(...forgotten(lost, [...explained('timeout'), ...explained('failed')]));
  }
  if (stats.unverifiable > 0) {
    lines.push(`Neither proven nor lost: ${count(stats.unverifiable)}, outside the rate.`);
    for (const loss of explained('unverifiable')) lines.push(`  ${lossLine(loss)}`);
    lines.push(...forgotten(stats.unverifiable, explained('unverifiable')));
  }
  if (stats.pending > 0) lines.push(`Still pending: ${count(stats.pending)}.`);
  if (stats.shed > 0) lines.push(`Passed untracked because a limit was reached: ${count(stats.shed)}.`);
  return lines;
}

function lossLine(loss: Loss): string {
  return `${loss.path}: ${count(loss.count)} ${why(loss)}`;
}

function why({ status, errorType, retries }: Loss): string {
  const tries = retries === 0 ? '' : ` (${counted(retries, 'probe')} went unanswered)`;
  if (status === 'unverifiable') return `unverifiable: this connection never answered a ping${tries}`;
  switch (errorType) {
    case 'timeout':
      return `timed out: no evidence before the deadline, on a connection that had answered before${tries}`;
    case 'disconnected':
      return `failed, disconnected: the connection ended before the client had confirmed them${tries}`;
    case 'rejected':
      return 'failed, rejected: the application said that it could not handle them';
    case 'shutdown':
      return 'failed, shutdown: the sidecar stopped before they were confirmed';
    default:
      return `${status}${errorType === '' ? '' : `, ${errorType}`}`;
  }
}

/** The history is bounded. Deliveries that left it are counted all the same. */
function forgotten(total: number, listed: readonly Loss[]): string[] {
  const left = total - listed.reduce((sum, each) => sum + each.count, 0);
  return left <= 0 ? [] : [`  and ${count(left)} that the bounded history no longer lists`];
}

function retryLines({ attempts }: Stats): string[] {
  const made = ATTEMPT_KINDS.filter((kind) => kind !== 'send' && attempts[kind] > 0);
  if (made.length === 0) return ['No delivery needed a second attempt.'];
  return [`Attempts after the send: ${made.map((kind) => counted(attempts[kind], kind)).join(', ')}.`];
}

function unmatchedLines(unmatched: Readonly<Record<UnmatchedReason, number>>): string[] {
  const seen = UNMATCHED_REASONS.filter((reason) => unmatched[reason] > 0);
  if (seen.length === 0) return [];
  const parts = seen.map((reason) => `${count(unmatched[reason])} ${reason} (${UNMATCHED_MEANING[reason]})`);
  return [`Confirmations that changed nothing: ${parts.join(', ')}.`];
}
