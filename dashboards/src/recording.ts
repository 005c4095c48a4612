// SLO table → Prometheus recording rules: objectives as data, and for each window how much settled, failed, in what ratio and at what pace.
import type { RuleGroup } from './rule-file.ts';
import { M } from './series.ts';
import { byPriority, type Slo, WINDOWS, type Window } from './slo.ts';

/** Series that hold the objectives, one per priority. */
export const OBJECTIVE = 'ackspan:delivery_objective:ratio';

/** Name of the settled deliveries in a window, by job and priority (`all` = their sum). */
export function settledIn(window: Window): string {
  return `job_priority:ackspan_delivery_settled:increase${window}`;
}

/** Name of the deliveries in a window that ended failed or timed out. */
export function unconfirmedIn(window: Window): string {
  return `job_priority:ackspan_delivery_unconfirmed:increase${window}`;
}

/**
 * Name of unconfirmed over settled in a window: 1 − confirmation rate. NaN, which fires nothing,
 * when nothing settled.
 */
export function ratioIn(window: Window): string {
  return `job_priority:ackspan_delivery_unconfirmed:ratio_rate${window}`;
}

/**
 * Name of the deliveries in a window that may go unconfirmed by the objective of their priority.
 */
export function allowedIn(window: Window): string {
  return `job_priority:ackspan_delivery_allowed:increase${window}`;
}

/**
 * Name of unconfirmed over allowed in a window: 1 = exactly the objective, 2 = the budget goes
 * twice as fast as it may. `all` weighs each priority by its own objective, and a priority that may
 * not page counts at most what it is allowed to lose.
 */
export function paceIn(window: Window): string {
  return `job_priority:ackspan_delivery_budget:pace${window}`;
}

/** Long windows read much and change slowly: they are evaluated less often. */
const SLOW: readonly Window[] = ['6h', '1d', '3d', '7d'];

/** The groups, in the order in which they must stand before the alerts. */
export function recordingGroups(slo: Slo): RuleGroup[] {
  return [
    {
      name: 'ackspan-objectives',
      interval: '30s',
      rules: byPriority(slo).map(({ priority, ratio }) => ({
        record: OBJECTIVE,
        expr: `vector(${ratio})`,
        labels: { priority },
      })),
    },
    ...WINDOWS.map((window) => ({
      name: `ackspan-delivery-${window}`,
      interval: SLOW.includes(window) ? '2m' : '30s',
      rules: [...countRules(window), ...paceRules(slo, window)],
    })),
  ];
}

const ALL = { priority: 'all' };

function countRules(window: Window): RuleGroup['rules'] {
  return [
    { record: settledIn(window), expr: `sum by (job, priority) (increase(${M.settled}[${window}]))` },
    { record: settledIn(window), expr: `sum by (job) (increase(${M.settled}[${window}]))`, labels: ALL },
    {
      record: unconfirmedIn(window),
      expr: `sum by (job, priority) (increase(${M.settled}{error_type!=""}[${window}]))`,
    },
    {
      record: unconfirmedIn(window),
      expr: `sum by (job) (increase(${M.settled}{error_type!=""}[${window}]))`,
      labels: ALL,
    },
    { record: ratioIn(window), expr: `${unconfirmedIn(window)} / ${settledIn(window)}` },
  ];
}

function paceRules(slo: Slo, window: Window): RuleGroup['rules'] {
  return [
    {
      record: allowedIn(window),
      expr: `${settledIn(window)}{priority!="all"} * on (priority) group_left () (1 - ${OBJECTIVE})`,
    },
    { record: paceIn(window), expr: `${unconfirmedIn(window)}{priority!="all"} / ${allowedIn(window)}` },
    {
      record: paceIn(window),
      expr: `sum by (job) (\n${weighed(slo, window)}\n) / sum by (job) (${allowedIn(window)})`,
      labels: ALL,
    },
  ];
}

/**
 * What `all` counts: every loss of a priority that may page; of the others no more than they may
 * lose.
 */
function weighed(slo: Slo, window: Window): string {
  const silent = byPriority(slo)
    .filter((each) => !each.pages)
    .map((each) => each.priority);
  const quiet = `{priority=~"${silent.join('|')}"}`;
  const loud = `{priority!~"${['all', ...silent].join('|')}"}`;
  if (silent.length === 0) return `  ${unconfirmedIn(window)}${loud}`;
  return [
    `  ${unconfirmedIn(window)}${loud}`,
    `  or (${unconfirmedIn(window)}${quiet} < ${allowedIn(window)})`,
    `  or (${allowedIn(window)} and ${unconfirmedIn(window)}${quiet})`,
  ].join('\n');
}
