// SLO table → Prometheus recording rules: objectives as data, and for each window how much settled, failed, and in what ratio.
import type { RuleGroup } from './rule-file.ts';
import { M } from './series.ts';
import { type Slo, WINDOWS, type Window } from './slo.ts';

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

/** Name of unconfirmed over settled in a window: 1 − confirmation rate. NaN, which fires nothing, when nothing settled. */
export function ratioIn(window: Window): string {
  return `job_priority:ackspan_delivery_unconfirmed:ratio_rate${window}`;
}

/** Long windows read much and change slowly: they are evaluated less often. */
const SLOW: readonly Window[] = ['6h', '3d', '7d'];

/** The groups, in the order in which they must stand before the alerts. */
export function recordingGroups(slo: Slo): RuleGroup[] {
  return [
    {
      name: 'ackspan-objectives',
      interval: '30s',
      rules: slo.objectives.map(({ priority, ratio }) => ({
        record: OBJECTIVE,
        expr: `vector(${ratio})`,
        labels: { priority },
      })),
    },
    ...WINDOWS.map((window) => ({
      name: `ackspan-delivery-${window}`,
      interval: SLOW.includes(window) ? '2m' : '30s',
      rules: windowRules(window),
    })),
  ];
}

function windowRules(window: Window): RuleGroup['rules'] {
  const all = { priority: 'all' };
  return [
    { record: settledIn(window), expr: `sum by (job, priority) (increase(${M.settled}[${window}]))` },
    { record: settledIn(window), expr: `sum by (job) (increase(${M.settled}[${window}]))`, labels: all },
    {
      record: unconfirmedIn(window),
      expr: `sum by (job, priority) (increase(${M.settled}{error_type!=""}[${window}]))`,
    },
    {
      record: unconfirmedIn(window),
      expr: `sum by (job) (increase(${M.settled}{error_type!=""}[${window}]))`,
      labels: all,
    },
    { record: ratioIn(window), expr: `${unconfirmedIn(window)} / ${settledIn(window)}` },
  ];
}
