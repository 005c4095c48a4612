// mcp: how things stand against the objective, in words.
import type { WindowJson } from '../admin/stats-shapes.ts';
import type { AdminClient } from '../admin-client/client.ts';
import { sumsBy } from '../admin-client/exposition.ts';
import { printable } from '../admin-client/printable.ts';
import { meaningOf, SHED, UNMATCHED } from '../admin-client/reasons.ts';
import { count, counted, deliveries, percent, time } from '../admin-client/wording.ts';
import type { Losses } from './losses.ts';

/** The state of one instance, as text. */
export async function objectiveText(client: AdminClient, losses: Losses): Promise<string> {
  const [about, summary, samples, ready] = await Promise.all([
    client.about(),
    client.summary(),
    client.samples(),
    client.ready(),
  ]);
  const { windows, connections } = summary;
  const rate = windows['5m'].rate;
  const verdict =
    rate === null
      ? 'Nothing has settled in the last five minutes.'
      : rate >= about.objective.all
        ? 'The objective is met over the last five minutes.'
        : 'The objective is MISSED over the last five minutes.';
  const kinds = Object.entries(connections.by_capability).map(([kind, many]) => `${printable(kind)} ${count(many)}`);
  return [
    `${verdict} Objective: ${percent(about.objective.all)} of deliveries confirmed.`,
    line('Last 5 minutes', windows['5m']),
    line('Last hour', windows['1h']),
    line(`Since the start (${about.started_at})`, windows.start),
    `By priority over the last hour: ${priorities(windows['1h'])}.`,
    `${deliveries(summary.pending)} in flight; ${counted(connections.open, 'connection')} open (best evidence so far: ${kinds.join(', ')}).`,
    ready.ready
      ? 'The sidecar is ready.'
      : `The sidecar is NOT ready: ${ready.reasons.map(printable).join(', ') || 'no reason given'}.`,
    ...counters(
      'Events passed untracked because a limit was reached',
      sumsBy(samples, 'ackspan_delivery_shed_total', 'reason'),
      SHED,
    ),
    ...counters(
      'Confirmations changed nothing',
      sumsBy(samples, 'ackspan_confirmation_unmatched_total', 'reason'),
      UNMATCHED,
    ),
    losses.since === undefined
      ? 'Its live stream is not followed now: what it loses and then stops with will not be known here.'
      : `Its losses are followed live since ${losses.since}.`,
  ].join('\n');
}

function line(name: string, window: WindowJson): string {
  const { rate, budget_left, confirmed, failed, timeout, unverifiable, shed, p50_ms, p99_ms } = window;
  const budget = budget_left === null ? '' : `, ${Math.round(budget_left * 100)}% of the error budget left`;
  const losses = Object.entries(window.losses)
    .filter(([, many]) => many > 0)
    .map(([reason, many]) => `${reason} ${count(many)}`);
  return `${name}: ${percent(rate)} confirmed${budget}; ${count(confirmed)} confirmed, ${count(failed)} failed, ${count(timeout)} timed out, ${count(unverifiable)} unverifiable, ${count(shed)} shed; p50 ${time(p50_ms)}, p99 ${time(p99_ms)}${losses.length === 0 ? '' : `; losses by reason: ${losses.join(', ')}`}.`;
}

function priorities({ by_priority }: WindowJson): string {
  return Object.entries(by_priority)
    .map(([priority, { rate }]) => `${priority} ${percent(rate)}`)
    .join(', ');
}

function counters(
  heading: string,
  sums: ReadonlyMap<string, number>,
  table: Readonly<Record<string, string>>,
): string[] {
  return [...sums]
    .filter(([, many]) => many > 0)
    .map(
      ([word, many]) =>
        `${heading}: ${count(many)} times, ${printable(word)} (${meaningOf(table, word) ?? 'a word that this build does not know'}).`,
    );
}
