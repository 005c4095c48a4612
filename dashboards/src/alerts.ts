// SLO table → Prometheus alerts on the objective: burn rates over two windows each, and the outage. Each names its runbook.
import { paceIn, ratioIn, settledIn, unconfirmedIn } from './recording.ts';
import type { Alert, RuleGroup } from './rule-file.ts';
import { annotations } from './runbook.ts';
import { M } from './series.ts';
import type { BurnTier, Severity, Slo, Window } from './slo.ts';
import { symptomAlerts } from './symptoms.ts';

/** All alert groups. */
export function alertGroups(slo: Slo): RuleGroup[] {
  return [
    { name: 'ackspan-slo', interval: '30s', rules: [outage(slo), ...slo.tiers.map((tier) => burn(slo, tier))] },
    { name: 'ackspan-symptoms', interval: '30s', rules: symptomAlerts(slo) },
  ];
}

/**
 * One alert over several look-backs: the shortest that holds enough losses speaks, so little
 * traffic is watched too. A longer one is silent once a shorter window shows the recovery.
 */
function outage(slo: Slo): Alert {
  const { ratio, minUnconfirmed, windows, recovered } = slo.outage;
  const all = '{priority="all"}';
  const over = ({ short }: { readonly short: Window }) =>
    `unless (${ratioIn(short)}${all} < ${recovered.ratio} and ${settledIn(short)}${all} >= ${recovered.minDeliveries})`;
  const within = windows.map(({ long, short }, index) => {
    const failing = [
      `(${ratioIn(long)}${all} > ${ratio}`,
      `and ${ratioIn(short)}${all} > ${ratio}`,
      `and ${unconfirmedIn(long)}${all} >= ${minUnconfirmed}`,
    ];
    return `${[...failing, ...windows.slice(0, index).map(over)].join('\n')})`;
  });
  return {
    alert: 'AckspanDeliveryOutage',
    expr: `(\n${within.join('\nor ')}\n)\n${seenFor(slo.outage.settleIn)}`,
    labels: { severity: 'page', slo: 'ackspan-confirmation', tier: 'outage' },
    annotations: annotations(
      slo,
      'AckspanDeliveryOutage',
      '{{ $value | humanizePercentage }} of the pushed events do not reach their clients',
      `{{ $labels.job }}: {{ $value | humanizePercentage }} of the deliveries that settled in the last ${windows[0]!.long} were not ` +
        `confirmed (where few settle: in the shortest of ${windows.map(({ long }) => long).join(', ')} with ${minUnconfirmed} losses).`,
    ),
  };
}

/** One alert for all priorities: each is measured by the budget of its own objective. */
function burn(slo: Slo, tier: BurnTier): Alert {
  const over = (window: Window) => `${paceIn(window)}${which(slo, tier.severity)} > ${tier.factor}`;
  const pace = '{{ $value | printf "%.1f" }}';
  return {
    alert: 'AckspanErrorBudgetBurn',
    expr: [
      over(tier.long),
      `and ${over(tier.short)}`,
      `and ${settledIn(tier.long)} >= ${tier.minDeliveries}`,
      `and ${unconfirmedIn(tier.long)} >= ${tier.minUnconfirmed}`,
      seenFor(tier.settleIn),
    ].join('\n'),
    labels: { severity: tier.severity, slo: 'ackspan-confirmation', tier: tier.name },
    annotations: annotations(
      slo,
      'AckspanErrorBudgetBurn',
      `The confirmation error budget burns ${pace} times as fast as it may`,
      `{{ $labels.job }}, priority {{ $labels.priority }}: measured over ${tier.long}, ${pace} times as many deliveries go unconfirmed ` +
        `as the objective allows; at this pace the ${slo.window} budget lasts ${budgetLasts(slo)}.`,
    ),
  };
}

/**
 * The time that a whole budget lasts at the pace of the alert's value; templates cannot divide,
 * queries can.
 */
function budgetLasts(slo: Slo): string {
  const seconds = hours(slo.window) * 3600;
  return `{{ with $value | printf "${seconds} / %f" | query }}{{ . | first | value | humanizeDuration }}{{ end }}`;
}

/**
 * Holds for a job that was seen so long ago: a fresh Prometheus takes the minutes that it has for a
 * whole window.
 */
function seenFor(ago: Window): string {
  const seen = (metric: string) => `last_over_time(${metric}[1h] offset ${ago})`;
  return `and on (job) group by (job) (${seen(M.connections)} or ${seen(M.settled)})`;
}

/** A page leaves out the objectives that may not page; a ticket speaks for all. */
function which(slo: Slo, severity: Severity): string {
  const silent = slo.objectives.filter((each) => !each.pages).map((each) => each.priority);
  return severity === 'page' && silent.length > 0 ? `{priority!~"${silent.join('|')}"}` : '';
}

const UNIT_HOURS: Readonly<Record<string, number>> = { m: 1 / 60, h: 1, d: 24 };

function hours(window: Window): number {
  return Number.parseInt(window, 10) * UNIT_HOURS[window.slice(-1)]!;
}
