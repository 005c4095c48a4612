// SLO table → Prometheus alerts on the objective: burn rates over two windows each, and the outage. Each names its runbook.
import { OBJECTIVE, ratioIn, settledIn, unconfirmedIn } from './recording.ts';
import type { Alert, RuleGroup } from './rule-file.ts';
import { annotations } from './runbook.ts';
import { type BurnTier, round, type Severity, type Slo, type Window } from './slo.ts';
import { symptomAlerts } from './symptoms.ts';

/** All alert groups. */
export function alertGroups(slo: Slo): RuleGroup[] {
  return [
    { name: 'ackspan-slo', interval: '30s', rules: [outage(slo), ...slo.tiers.map((tier) => burn(slo, tier))] },
    { name: 'ackspan-symptoms', interval: '30s', rules: symptomAlerts(slo) },
  ];
}

function outage(slo: Slo): Alert {
  const { ratio, long, short, minDeliveries } = slo.outage;
  const all = '{priority="all"}';
  return {
    alert: 'AckspanDeliveryOutage',
    expr: [
      `${ratioIn(long)}${all} > ${ratio}`,
      `and ${ratioIn(short)}${all} > ${ratio}`,
      `and ${settledIn(long)}${all} >= ${minDeliveries}`,
    ].join('\n'),
    labels: { severity: 'page', slo: 'ackspan-confirmation', tier: 'outage' },
    annotations: annotations(
      slo,
      'AckspanDeliveryOutage',
      'Most pushed events do not reach their clients',
      `{{ $labels.job }}: {{ $value | humanizePercentage }} of the deliveries settled in ${long} were not confirmed.`,
    ),
  };
}

/** One alert for all priorities: each is compared with the budget of its own objective. */
function burn(slo: Slo, tier: BurnTier): Alert {
  const over = (window: Window) => `${ratioIn(window)}${which(slo, tier.severity)}`;
  const limit = `on (priority) group_left () (${tier.factor} * (1 - ${OBJECTIVE}))`;
  const spent = spentBudget(slo, tier);
  return {
    alert: 'AckspanErrorBudgetBurn',
    expr: [
      `${over(tier.long)} > ${limit}`,
      `and ${over(tier.short)} > ${limit}`,
      `and ${settledIn(tier.long)} >= ${tier.minDeliveries}`,
      `and ${unconfirmedIn(tier.long)} >= ${tier.minUnconfirmed}`,
    ].join('\n'),
    labels: { severity: tier.severity, slo: 'ackspan-confirmation', tier: tier.name },
    annotations: annotations(
      slo,
      'AckspanErrorBudgetBurn',
      `Confirmation error budget burns ${tier.factor} times too fast over ${tier.long}`,
      `{{ $labels.job }}, priority {{ $labels.priority }}: {{ $value | humanizePercentage }} not confirmed over ${tier.long}; ` +
        `at this pace ${spent} of the ${slo.window} budget goes every ${tier.long}.`,
    ),
  };
}

/** A page leaves out the objectives that may not page; a ticket speaks for all. */
function which(slo: Slo, severity: Severity): string {
  const silent = slo.objectives.filter((each) => !each.pages).map((each) => each.priority);
  return severity === 'page' && silent.length > 0 ? `{priority!~"${silent.join('|')}"}` : '';
}

/** Share of the whole budget that the tier's factor spends in its long window, such as `2%`. */
function spentBudget(slo: Slo, tier: BurnTier): string {
  return `${Number((round((tier.factor * hours(tier.long)) / hours(slo.window)) * 100).toFixed(1))}%`;
}

const UNIT_HOURS: Readonly<Record<string, number>> = { m: 1 / 60, h: 1, d: 24 };

function hours(window: Window): number {
  return Number.parseInt(window, 10) * UNIT_HOURS[window.slice(-1)]!;
}
