// Metrics that panels and rules ask for and that are not there yet: the one list of what may be without data.
import type { MetricRow } from '../../src/telemetry/names/names.ts';

/** Not in `src/telemetry/names/names.ts` yet. A row there wins; then delete it here. */
export const PLANNED: readonly MetricRow[] = [
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
