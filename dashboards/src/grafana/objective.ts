// First row of the overview: is the objective met, by whom, and how much of the budget is left.
import { M } from '../series.ts';
import { budgetOf, overall, type Slo } from '../slo.ts';
import { clicked } from './links.ts';
import type { Panel, Row, Step } from './panel.ts';
import { ofEvents, ofPriority, sumRate } from './select.ts';

const LOST = ofEvents(M.settled, 'error_type!=""');
const SETTLED = ofEvents(M.settled);

/** Confirmation rate against the target, and what follows from it. */
export function objectiveRow(slo: Slo): Row {
  return { title: 'Is the objective met?', panels: [...headline(slo), ...overTime(slo), byPriority(slo)] };
}

function headline(slo: Slo): Panel[] {
  const target = overall(slo);
  const share = `${percent(target.ratio)}`;
  return [
    {
      kind: 'stat',
      title: 'Confirmation rate',
      description: `Confirmed ÷ (confirmed + failed + timed out) over the time range. The objective is ${share}; red is below it. Unverifiable deliveries are not in it: see their share beside it.`,
      span: 5,
      unit: 'percentunit',
      decimals: 2,
      queries: [
        {
          expr: `1 - sum(increase(${LOST}[$__range])) / sum(increase(${SETTLED}[$__range]))`,
          legend: 'confirmed',
        },
      ],
      steps: good(target.ratio),
      runbook: 'error-budget-burn.md',
    },
    {
      kind: 'stat',
      title: `Error budget left (${slo.window})`,
      description: `What may still go wrong in ${slo.window} before the objective of ${share} is missed. 100 % = nothing lost, 0 % = all spent, negative = missed. The filters above do not apply to the objective, so look at it with "All".`,
      span: 5,
      unit: 'percentunit',
      decimals: 1,
      queries: [
        {
          expr: `1 - sum(increase(${LOST}[${slo.window}])) / sum(increase(${SETTLED}[${slo.window}])) / ${budgetOf(target)}`,
          legend: 'budget left',
        },
      ],
      steps: [
        { value: null, color: 'red' },
        { value: 0, color: 'orange' },
        { value: 0.25, color: 'green' },
      ],
      runbook: 'error-budget-burn.md',
    },
    {
      kind: 'stat',
      title: 'Settled deliveries',
      description:
        'How many deliveries the rate beside it speaks for. With a few dozen, one loss moves it by percents.',
      span: 5,
      unit: 'short',
      decimals: 0,
      queries: [{ expr: `sum(increase(${SETTLED}[$__range]))`, legend: 'settled' }],
    },
    {
      kind: 'stat',
      title: 'Unverifiable share',
      description:
        'Deliveries to clients that never answered a barrier: neither confirmed nor lost. Above 20 % the confirmation rate speaks for too few.',
      span: 5,
      unit: 'percentunit',
      decimals: 1,
      queries: [
        {
          expr: `sum(increase(${ofEvents(M.unverifiable)}[$__range])) / (sum(increase(${ofEvents(M.unverifiable)}[$__range])) + sum(increase(${SETTLED}[$__range])))`,
          legend: 'unverifiable',
        },
      ],
      steps: [
        { value: null, color: 'green' },
        { value: 0.05, color: 'orange' },
        { value: 0.2, color: 'red' },
      ],
      runbook: 'unverifiable-share.md',
    },
    {
      kind: 'stat',
      title: 'Pending now',
      description:
        'Deliveries without an outcome yet. It follows traffic × confirmation time; a level that only rises is bad.',
      span: 4,
      unit: 'short',
      decimals: 0,
      queries: [{ expr: `sum(${ofPriority(M.pending)})`, legend: 'pending' }],
      runbook: 'pending-growth.md',
    },
  ];
}

function overTime(slo: Slo): Panel[] {
  const target = overall(slo);
  return [
    {
      kind: 'timeseries',
      title: 'Confirmation rate over time',
      description: `The dashed line is the objective of ${percent(target.ratio)}. A step down is a deploy or an outage; a slow slide is a network or a client release on its way out.`,
      span: 12,
      unit: 'percentunit',
      max: 1,
      lines: true,
      queries: [{ expr: `1 - ${sumRate(LOST)} / ${sumRate(SETTLED)}`, legend: 'all' }],
      steps: good(target.ratio),
      runbook: 'error-budget-burn.md',
    },
    {
      kind: 'timeseries',
      title: 'Confirmation rate by priority',
      description: `Objectives: ${slo.objectives
        .filter((each) => each.priority !== 'all')
        .map((each) => `${each.priority} ${percent(each.ratio)}`)
        .join(', ')}. CRITICAL below the others means its events are harder to deliver (large, or confirmed late).`,
      span: 12,
      unit: 'percentunit',
      max: 1,
      queries: [{ expr: `1 - ${sumRate(LOST, 'priority')} / ${sumRate(SETTLED, 'priority')}`, legend: '{{priority}}' }],
      traces: `{ span.ackspan.delivery.priority = "${clicked('priority')}" && status = error }`,
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
          expr: `bottomk(10, 1 - ${sumRate(LOST, 'event_type')} / ${sumRate(SETTLED, 'event_type')})`,
          legend: '{{event_type}}',
        },
      ],
      traces: `{ span.messaging.destination.name = "${clicked('event_type')}" && status = error }`,
    },
    {
      kind: 'timeseries',
      title: 'Confirmed deliveries by level',
      description:
        'received = the WebSocket stack of the client has it; processed = the application said so. Processed falling while received stays: the application hangs.',
      span: 12,
      unit: 'suffix:/s',
      stacked: true,
      min: 0,
      queries: [{ expr: sumRate(ofEvents(M.settled, 'error_type=""'), 'level'), legend: '{{level}}' }],
    },
  ];
}

function byPriority(slo: Slo): Panel {
  const by = (selector: string) => `sum by (priority) (increase(${selector}[$__range]))`;
  return {
    kind: 'table',
    title: 'By priority',
    description:
      'Over the time range. Budget left below 0 % means that this priority misses its objective if the whole window looks like this.',
    span: 24,
    unit: 'percentunit',
    by: 'priority',
    units: { settled: 'short', 'p99 confirmed': 's' },
    queries: [
      { expr: by(SETTLED), legend: 'settled' },
      { expr: `1 - ${by(LOST)} / ${by(SETTLED)}`, legend: 'confirmation rate' },
      { expr: budgetLeft(slo, by), legend: 'budget left' },
      {
        expr: `histogram_quantile(0.99, sum by (le, priority) (increase(${ofEvents(M.settledBucket, 'error_type=""')}[$__range])))`,
        legend: 'p99 confirmed',
      },
    ],
  };
}

/**
 * Each priority is divided by its own budget; the objectives are written in, so that the panel
 * needs no rules.
 */
function budgetLeft(slo: Slo, by: (selector: string) => string): string {
  const parts = slo.objectives
    .filter((each) => each.priority !== 'all')
    .map((each) => {
      const only = (selector: string) => by(selector.replace('{', `{priority="${each.priority}", `));
      return `1 - ${only(LOST)} / ${only(SETTLED)} / ${budgetOf(each)}`;
    });
  return parts.join('\nor ');
}

function good(from: number): Step[] {
  return [
    { value: null, color: 'red' },
    { value: from, color: 'green' },
  ];
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toFixed(3))} %`;
}
