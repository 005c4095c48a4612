// The overview dashboard: whether users got their events, how fast, and if not why. An SRE opens this one first.
import { M } from '../series.ts';
import type { Slo } from '../slo.ts';
import { CONNECTIONS_ROW, TOOLS_ROW } from './connections.ts';
import { INSTANCES_ROW } from './instances.ts';
import { LATENCY_ROW } from './latency.ts';
import { LOSSES_ROW } from './losses.ts';
import { objectiveRow } from './objective.ts';
import type { DashboardSpec } from './panel.ts';

/** The overview for an SLO. */
export function overview(slo: Slo): DashboardSpec {
  return {
    uid: 'ackspan-overview',
    title: 'Ackspan overview',
    description:
      'Whether pushed events reach their clients: confirmation rate against its objective, times, losses, connections, tools.',
    filters: [
      { name: 'instance', label: 'Instance', metric: M.uptime },
      { name: 'priority', label: 'Priority', metric: M.tracked },
      { name: 'event_type', label: 'Event type', metric: M.tracked },
    ],
    rows: [objectiveRow(slo), LATENCY_ROW, LOSSES_ROW, INSTANCES_ROW, CONNECTIONS_ROW, TOOLS_ROW],
  };
}
