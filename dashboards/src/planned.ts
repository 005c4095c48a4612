// Metrics that panels and rules ask for and `src/telemetry/names.ts` does not have yet. A row there wins; then delete it here.
import type { MetricRow } from '../../src/telemetry/names.ts';

/** Shown as "no data" until the sidecar has them. */
export const PLANNED: readonly MetricRow[] = [
  {
    name: 'ackspan.tool.duration',
    kind: 'histogram',
    unit: 's',
    attributes: ['tool', 'error.type'],
    description: 'Time from tool_executing to tool_completed.',
    bounds: [1],
  },
  {
    name: 'ackspan.tool.orphaned',
    kind: 'counter',
    unit: '{call}',
    attributes: ['tool'],
    description: 'Tool calls whose end was not seen in time.',
  },
  {
    name: 'ackspan.retained.bytes',
    kind: 'updown',
    unit: 'By',
    attributes: [],
    description: 'Payload bytes kept for a replay.',
  },
  {
    name: 'ackspan.session.resume',
    kind: 'counter',
    unit: '{session}',
    attributes: ['result'],
    description: 'Attempts to resume a session.',
  },
  {
    name: 'ackspan.hook.requests',
    kind: 'counter',
    unit: '{request}',
    attributes: ['kind', 'result'],
    description: 'Notices sent to the upstream.',
  },
  {
    name: 'ackspan.store.degraded',
    kind: 'gauge',
    unit: '{store}',
    attributes: [],
    description: '1 while the shared store cannot be reached and deliveries are kept in this process only.',
  },
  {
    name: 'ackspan.store.operations',
    kind: 'counter',
    unit: '{operation}',
    attributes: ['result'],
    description: 'Operations on the shared store.',
  },
];
