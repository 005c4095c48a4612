// "Are we inside the objective?": rate, budget and pace, in all and by priority, as the rules recorded them.
import { paceIn, ratioIn } from '../recording.ts';
import { M } from '../series.ts';
import { overall, type Slo } from '../slo.ts';
import { clicked } from './links.ts';
import type { Panel, Row, Step } from './panel.ts';
import { ofJob, ofPriority, sumRate } from './select.ts';

const LOST = ofPriority(M.settled, 'error_type!=""');
const SETTLED = ofPriority(M.settled);

/** Confirmation rate against the target, and what follows from it. */
export function objectiveRow(slo: Slo): Row {
  return { title: 'Are we inside the objective?', panels: [...headline(slo), ...overTime(slo), byPriority(slo)] };
}

function headline(slo: Slo): Panel[] {
  const target = overall(slo);
  const share = `${percent(target.ratio)}`;
  return [
    {
      kind: 'stat',
      title: 'Confirmation rate',
      description: `Confirmed ÷ (confirmed + failed + timed out) over the time range. The objective is ${share}; red is below it. Of several jobs the worst one. Unverifiable deliveries are not in it: see their share beside it.`,
      span: 5,
      unit: 'percentunit',
      decimals: 2,
      queries: [
        {
          expr: `1 - max(sum by (job) (increase(${LOST}[$__range])) / (sum by (job) (increase(${SETTLED}[$__range])) > 0))`,
          legend: 'confirmed',
        },
      ],
      steps: good(target.ratio),
      runbook: 'error-budget-burn.md',
    },
    {
      kind: 'stat',
      title: `Error budget left (${slo.window})`,
      description: `What may still go wrong in ${slo.window} before the objective of ${share} is missed. 100 % = nothing lost, 0 % = all spent, negative = missed. Each priority is weighed by its own objective. Of several jobs the worst one.`,
      span: 5,
      unit: 'percentunit',
      decimals: 1,
      queries: [{ expr: `1 - max(${ofJob(paceIn(slo.window), 'priority="all"')})`, legend: 'budget left' }],
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
        'Deliveries to clients that never answered a barrier: neither confirmed nor lost. Above 20 % the confirmation rate speaks for too few. Of several jobs the worst one.',
      span: 5,
      unit: 'percentunit',
      decimals: 1,
      queries: [
        {
          expr: `max(sum by (job) (increase(${ofPriority(M.unverifiable)}[$__range])) / (sum by (job) (increase(${ofPriority(M.unverifiable)}[$__range])) + sum by (job) (increase(${SETTLED}[$__range])) > 0))`,
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
      description: `The dashed line is the objective of ${percent(target.ratio)}. Over 5 minutes; of several jobs the worst one. A step down is a deploy or an outage; a slow slide is a network or a client release on its way out.`,
      span: 12,
      unit: 'percentunit',
      max: 1,
      lines: true,
      queries: [{ expr: `1 - max(${ofJob(ratioIn('5m'), 'priority="all"')})`, legend: 'worst job' }],
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
      queries: [{ expr: `1 - max by (priority) (${ofJob(ratioIn('5m'), 'priority!="all"')})`, legend: '{{priority}}' }],
      traces: `{ span.ackspan.delivery.priority = "${clicked('priority')}" && status = error }`,
    },
    {
      kind: 'timeseries',
      title: 'How fast the budget goes, by priority',
      description:
        'Over an hour; 1 = exactly as fast as the objective allows. A priority that stays above 1 misses its objective. Alerts look at this pace over several windows.',
      span: 12,
      unit: 'suffix: ×',
      min: 0,
      lines: true,
      steps: [
        { value: null, color: 'green' },
        { value: 1, color: 'red' },
      ],
      queries: [{ expr: `max by (priority) (${ofJob(paceIn('1h'))})`, legend: '{{priority}}' }],
      runbook: 'error-budget-burn.md',
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
      queries: [{ expr: sumRate(ofPriority(M.settled, 'error_type=""'), 'level'), legend: '{{level}}' }],
    },
  ];
}

function byPriority(slo: Slo): Panel {
  const by = (selector: string) => `sum by (priority) (increase(${selector}[$__range]))`;
  return {
    kind: 'table',
    title: 'By priority',
    description: `Over the time range, the budget over ${slo.window}. Budget left below 0 %: this priority misses its objective. Of several jobs the worst one.`,
    span: 24,
    unit: 'percentunit',
    by: 'priority',
    units: { settled: 'short', 'p99 confirmed': 's' },
    queries: [
      { expr: by(SETTLED), legend: 'settled' },
      { expr: `1 - ${by(LOST)} / ${by(SETTLED)}`, legend: 'confirmation rate' },
      {
        expr: `1 - max by (priority) (${ofJob(paceIn(slo.window), 'priority!="all"')})`,
        legend: `budget left (${slo.window})`,
      },
      {
        expr: `histogram_quantile(0.99, sum by (le, priority) (increase(${ofPriority(M.settledBucket, 'error_type=""')}[$__range])))`,
        legend: 'p99 confirmed',
      },
    ],
  };
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
