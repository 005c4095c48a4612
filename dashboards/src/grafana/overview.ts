// The first two dashboards: whether users get their events, and who does not. An SRE opens these first.
import { M } from '../series.ts';
import type { Slo } from '../slo.ts';
import { CONNECTIONS_ROW, TOOLS_ROW } from './connections.ts';
import { LATENCY_ROW } from './latency.ts';
import { LOSSES_ROW } from './losses.ts';
import { objectiveRow } from './objective.ts';
import type { DashboardSpec } from './panel.ts';

/** Whether the objectives of an SLO are met. */
export function overview(slo: Slo): DashboardSpec {
  return {
    uid: 'ackspan-overview',
    title: 'Ackspan: are we inside the objective?',
    description: 'The confirmation rate against its objective, the error budget and how fast it goes, by priority.',
    filters: [
      { name: 'instance', label: 'Instance', metric: M.uptime },
      { name: 'priority', label: 'Priority', metric: M.tracked },
    ],
    rows: [objectiveRow(slo)],
  };
}

/** Which users and events are hit, and by what. */
export const LOSSES: DashboardSpec = {
  uid: 'ackspan-losses',
  title: 'Ackspan: who loses, where, why?',
  description: 'Losses by error type and event type, confirmation times, connections, tools.',
  filters: [
    { name: 'instance', label: 'Instance', metric: M.uptime },
    { name: 'priority', label: 'Priority', metric: M.tracked },
    { name: 'event_type', label: 'Event type', metric: M.tracked },
  ],
  rows: [LOSSES_ROW, LATENCY_ROW, CONNECTIONS_ROW, TOOLS_ROW],
};
