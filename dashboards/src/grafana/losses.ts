// Row of the overview: what went wrong and what was tried.
import { M } from '../series.ts';
import { clicked } from './links.ts';
import type { Row } from './panel.ts';
import { ofEvents, ofInstance, ofPriority, sumRate } from './select.ts';

/** Outcomes by error type, attempts, and confirmations that changed nothing. */
export const LOSSES_ROW: Row = {
  title: 'What goes wrong?',
  panels: [
    {
      kind: 'timeseries',
      title: 'Unconfirmed deliveries by error_type',
      description:
        'timeout = the socket was open and the client silent; disconnected = the socket broke first; rejected = the application refused it; shutdown = a deploy; limit = no room. Zero is good. Click for the traces.',
      span: 12,
      unit: 'suffix:/s',
      stacked: true,
      min: 0,
      queries: [{ expr: sumRate(ofEvents(M.settled, 'error_type!=""'), 'error_type'), legend: '{{error_type}}' }],
      runbook: 'delivery-outage.md',
      traces: `{ span.error.type = "${clicked('error_type')}" && span.messaging.system = "websocket" }`,
    },
    {
      kind: 'timeseries',
      title: 'Unconfirmed deliveries by event type (the ten most)',
      description: 'Which events users miss. Click a line for the traces of its losses.',
      span: 12,
      unit: 'suffix:/s',
      min: 0,
      queries: [
        {
          expr: `topk(10, ${sumRate(ofEvents(M.settled, 'error_type!=""'), 'event_type, error_type')})`,
          legend: '{{event_type}} {{error_type}}',
        },
      ],
      runbook: 'error-budget-burn.md',
      traces: `{ span.messaging.destination.name = "${clicked('event_type')}" && status = error }`,
    },
    {
      kind: 'timeseries',
      title: 'Attempts after the send, by kind',
      description:
        'probe = a new barrier ping; resend and replay = the event again, to clients that drop duplicates; reemit = the backend was asked. Rising probes come before time-outs. blocked = the client does not read.',
      span: 12,
      unit: 'suffix:/s',
      min: 0,
      queries: [
        { expr: sumRate(ofInstance(M.attempts, 'kind!="send"'), 'kind, result'), legend: '{{kind}} {{result}}' },
      ],
    },
    {
      kind: 'timeseries',
      title: 'Confirmations that changed nothing',
      description:
        'late = after the deadline (is it too short?); duplicate = harmless; unknown = an id that was never sent; foreign = somebody confirms other people’s events: a bug or an attack. All but duplicate should be near zero.',
      span: 12,
      unit: 'suffix:/s',
      min: 0,
      queries: [{ expr: sumRate(ofInstance(M.unmatched), 'reason'), legend: '{{reason}}' }],
      runbook: 'late-confirmations.md',
    },
    {
      kind: 'timeseries',
      title: 'Unverifiable share over time',
      description:
        'Share of deliveries to clients that never answered a barrier. A step up after a change of the edge means that it drops pongs now.',
      span: 8,
      unit: 'percentunit',
      min: 0,
      queries: [
        {
          expr: `${sumRate(ofEvents(M.unverifiable))} / (${sumRate(ofEvents(M.unverifiable))} + ${sumRate(ofEvents(M.settled))})`,
          legend: 'unverifiable',
        },
      ],
      runbook: 'unverifiable-share.md',
    },
    {
      kind: 'timeseries',
      title: 'Pending by priority',
      description:
        'Deliveries in flight. Good: follows traffic. Bad: rises on its own, or hits a flat ceiling (a limit).',
      span: 8,
      unit: 'short',
      stacked: true,
      min: 0,
      queries: [{ expr: `sum by (priority) (${ofPriority(M.pending)})`, legend: '{{priority}}' }],
      runbook: 'pending-growth.md',
    },
    {
      kind: 'timeseries',
      title: 'Shed by reason',
      description:
        'Events that passed untracked because a limit was reached. They were delivered as ever, only not proven. Zero is good.',
      span: 8,
      unit: 'suffix:/s',
      min: 0,
      queries: [{ expr: sumRate(ofPriority(M.shed), 'reason, priority'), legend: '{{reason}} {{priority}}' }],
      runbook: 'events-shed.md',
    },
  ],
};
