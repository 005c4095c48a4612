// "Which instance?": whether one of them stands out, the worst first.
import { ratioIn } from '../instances.ts';
import { M } from '../series.ts';
import type { DashboardSpec, Row } from './panel.ts';
import { ofInstance, quantile, rate, sumRate } from './select.ts';

const LOSSES: Row = {
  title: 'Which instance loses?',
  panels: [
    {
      kind: 'timeseries',
      title: 'Unconfirmed share by instance (the ten worst)',
      description:
        'Over 30 minutes, all priorities together. One line far above the others: that host, its network or its backend; take it out. All together: not the instances.',
      span: 8,
      unit: 'percentunit',
      min: 0,
      max: 1,
      queries: [{ expr: `topk(10, ${ofInstance(ratioIn('30m'))})`, legend: '{{instance}}' }],
      runbook: 'bad-instance.md',
    },
    {
      kind: 'timeseries',
      title: 'Handshakes that failed by instance (the ten worst)',
      description:
        'Upgrade requests that became no connection, clients that left first excepted. One instance only: its backend is down, or it has reached a limit.',
      span: 8,
      unit: 'suffix:/s',
      min: 0,
      queries: [
        {
          expr: `topk(10, sum by (instance) (${rate(ofInstance(M.rejected, 'reason!="client_gone"'))}))`,
          legend: '{{instance}}',
        },
      ],
      runbook: 'cannot-connect.md',
    },
    {
      kind: 'timeseries',
      title: 'Open connections by instance (the ten most)',
      description:
        'How the load balancer spreads clients. One instance with far more after a deploy: connections are long, so they spread again only as clients reconnect.',
      span: 8,
      unit: 'short',
      min: 0,
      queries: [{ expr: `topk(10, sum by (instance) (${ofInstance(M.connections)}))`, legend: '{{instance}}' }],
      runbook: 'instance-down.md',
    },
    {
      kind: 'timeseries',
      title: 'Unconfirmed deliveries by instance and error_type (the ten most)',
      description:
        'What goes wrong where. disconnected on one instance: its network or its edge; shutdown: it is being replaced; timeout: its clients, or the instance itself stands still.',
      span: 12,
      unit: 'suffix:/s',
      min: 0,
      queries: [
        {
          expr: `topk(10, ${sumRate(ofInstance(M.settled, 'error_type!=""'), 'instance, error_type')})`,
          legend: '{{instance}} {{error_type}}',
        },
      ],
      runbook: 'bad-instance.md',
    },
    {
      kind: 'timeseries',
      title: 'Confirmation time p99 by instance (the ten slowest)',
      description:
        'One instance apart from the others: it is busy, throttled, or far from its clients. All together: not the instances.',
      span: 12,
      unit: 's',
      min: 0,
      queries: [
        {
          expr: `topk(10, ${quantile(0.99, ofInstance(M.settledBucket, 'error_type=""'), 'instance')})`,
          legend: '{{instance}}',
        },
      ],
      runbook: 'late-confirmations.md',
    },
  ],
};

const HEALTH: Row = {
  title: 'Which instance is not well?',
  panels: [
    {
      kind: 'timeseries',
      title: 'Event loop delay p99 (the ten worst)',
      description: 'How late an instance is with everything that it relays. Above 0.1 s is felt, above 0.25 s alerts.',
      span: 8,
      unit: 's',
      min: 0,
      queries: [{ expr: `topk(10, max by (instance) (${ofInstance(M.loopP99)}))`, legend: '{{instance}}' }],
      runbook: 'event-loop-blocked.md',
    },
    {
      kind: 'timeseries',
      title: 'Resident memory (the ten largest)',
      description: 'One instance that grows away from the others has a backend or clients that are unlike theirs.',
      span: 8,
      unit: 'bytes',
      min: 0,
      queries: [{ expr: `topk(10, sum by (instance) (${ofInstance(M.memory)}))`, legend: '{{instance}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Time since the start (the ten youngest)',
      description: 'Falls to zero at each restart. One instance that is always young is killed again and again.',
      span: 8,
      unit: 's',
      min: 0,
      queries: [{ expr: `bottomk(10, max by (instance) (${ofInstance(M.uptime)}))`, legend: '{{instance}}' }],
      runbook: 'instance-down.md',
    },
  ],
};

/** One bad instance among many is lost in the sum, and everything for those who are on it. */
export const INSTANCES: DashboardSpec = {
  uid: 'ackspan-instances',
  title: 'Ackspan: which instance?',
  description:
    'The worst instances by losses, by clients that cannot come in, by how slow they are, and by what they carry.',
  filters: [{ name: 'instance', label: 'Instance', metric: M.uptime }],
  rows: [LOSSES, HEALTH],
};
