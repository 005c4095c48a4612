// Row of "who loses, where, why?": what went wrong, for which events.
import { M } from '../series.ts';
import { clicked } from './links.ts';
import type { Row } from './panel.ts';
import { ofEvents, ofPriority, sumRate } from './select.ts';

const LOST = ofEvents(M.settled, 'error_type!=""');

/** Outcomes by error type and event type. */
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
      queries: [{ expr: sumRate(LOST, 'error_type'), legend: '{{error_type}}' }],
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
          expr: `topk(10, ${sumRate(LOST, 'event_type, error_type')})`,
          legend: '{{event_type}} {{error_type}}',
        },
      ],
      runbook: 'error-budget-burn.md',
      traces: `{ span.messaging.destination.name = "${clicked('event_type')}" && status = error }`,
    },
    {
      kind: 'timeseries',
      title: 'Confirmation rate by event type (the ten worst)',
      description:
        'One type far below the rest: its payload or its handler is the problem. All alike: the connection is. Click a line for its failed traces.',
      span: 12,
      unit: 'percentunit',
      max: 1,
      queries: [
        {
          expr: `bottomk(10, 1 - ${sumRate(LOST, 'event_type')} / ${sumRate(ofEvents(M.settled), 'event_type')})`,
          legend: '{{event_type}}',
        },
      ],
      traces: `{ span.messaging.destination.name = "${clicked('event_type')}" && status = error }`,
    },
    {
      kind: 'timeseries',
      title: 'Confirmed by level',
      description:
        'received = the WebSocket stack of the client has it; processed = the application said so. Processed falling while received stays: the application hangs.',
      span: 12,
      unit: 'suffix:/s',
      stacked: true,
      min: 0,
      queries: [{ expr: sumRate(ofEvents(M.settled, 'error_type=""'), 'level'), legend: '{{level}}' }],
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
