// Row of the overview: whether one instance stands out.
import { ratioIn } from '../instances.ts';
import { M } from '../series.ts';
import type { Row } from './panel.ts';
import { ofInstance, rate } from './select.ts';

/** The worst instances by losses, by clients that cannot come in, and by what they carry. */
export const INSTANCES_ROW: Row = {
  title: 'Which instance?',
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
      title: 'Open connections by instance',
      description:
        'How the load balancer spreads clients. One instance with far more after a deploy: connections are long, so they spread again only as clients reconnect.',
      span: 8,
      unit: 'short',
      min: 0,
      queries: [{ expr: `sum by (instance) (${ofInstance(M.connections)})`, legend: '{{instance}}' }],
      runbook: 'instance-down.md',
    },
  ],
};
