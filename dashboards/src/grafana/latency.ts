// Row of "who loses, where, why?": how long confirmations take, as a whole distribution and as quantiles with traces behind them.
import { M } from '../series.ts';
import { clicked } from './links.ts';
import type { Row } from './panel.ts';
import { ofEvents, ofPriority, quantile, rate } from './select.ts';

const CONFIRMED = ofEvents(M.settledBucket, 'error_type=""');
const RECEIVED = ofPriority(M.receiveBucket);

/** Confirmation times of confirmed deliveries. */
export const LATENCY_ROW: Row = {
  title: 'How fast?',
  panels: [
    {
      kind: 'heatmap',
      title: 'Confirmation times',
      description:
        'Each column is a moment, each cell how many deliveries took that long; dots are single deliveries: click one for its trace. A second band at 1 s, 2 s or 4 s means that confirmations come after a probe; a band at the deadline means they hardly come.',
      span: 24,
      unit: 's',
      queries: [{ expr: `sum by (le) (${rate(CONFIRMED)})`, legend: '{{le}}', exemplars: true }],
    },
    {
      kind: 'timeseries',
      title: 'Confirmation time p50, p95, p99',
      description:
        'Time from sending an event to its confirmation. The network sets p50; sleeping tabs and slow handlers set p99. Dots are single deliveries with their trace.',
      span: 12,
      unit: 's',
      min: 0,
      queries: [
        { expr: quantile(0.5, CONFIRMED), legend: 'p50' },
        { expr: quantile(0.95, CONFIRMED), legend: 'p95' },
        { expr: quantile(0.99, CONFIRMED), legend: 'p99', exemplars: true },
      ],
      runbook: 'late-confirmations.md',
    },
    {
      kind: 'timeseries',
      title: 'Received against processed, p95',
      description:
        'receive = until the client’s WebSocket stack had it; confirm = until the evidence its rule asks for. A wide gap is time spent in the client’s application, not on the wire.',
      span: 12,
      unit: 's',
      min: 0,
      queries: [
        { expr: quantile(0.95, RECEIVED), legend: 'receive' },
        { expr: quantile(0.95, CONFIRMED), legend: 'confirm' },
      ],
      runbook: 'late-confirmations.md',
    },
    {
      kind: 'timeseries',
      title: 'Confirmation time p95 by priority',
      description:
        'Priorities share one connection, so they should lie together. One apart: its events are larger or its handler slower.',
      span: 12,
      unit: 's',
      min: 0,
      queries: [{ expr: quantile(0.95, CONFIRMED, 'priority'), legend: '{{priority}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Confirmation time p95 by event type (the ten slowest)',
      description: 'The slowest types. Click a line for traces of that type that took longer than a second.',
      span: 12,
      unit: 's',
      min: 0,
      queries: [{ expr: `topk(10, ${quantile(0.95, CONFIRMED, 'event_type')})`, legend: '{{event_type}}' }],
      traces: `{ span.messaging.destination.name = "${clicked('event_type')}" && duration > 1s }`,
    },
  ],
};
