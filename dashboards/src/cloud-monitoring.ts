// SLO table → Google Cloud Monitoring: a service, its SLO, and alert policies in PromQL with the same windows and factors.
import { ERROR_TYPES } from '../../src/delivery/words.ts';
import { runbookOf } from './runbook.ts';
import { M } from './series.ts';
import { type BurnTier, budgetOf, byPriority, overall, round, type Slo, type Window } from './slo.ts';
import { pages } from './symptoms.ts';

/** Where incidents go; replaced by your own before the files are applied. */
const CHANNELS = ['projects/PROJECT/notificationChannels/CHANNEL'];
/** Where the runbooks are served; replaced like the channel. */
const RUNBOOKS = 'https://RUNBOOKS/docs/runbooks/';
/** Conditions are looked at this often; Cloud Monitoring takes multiples of 30 s. */
const EVALUATION = '30s';
const DAY_SECONDS = 86_400;
/**
 * The histogram's count as a counter of its own (`transform/slo` in
 * deploy/cloudrun/otel-collector.yaml).
 */
const COUNTER = 'prometheus.googleapis.com/ackspan_delivery_duration_count_total/counter';
const BAD = ERROR_TYPES.filter((each) => each !== '');

/** What must page beside the objective, which none of it would show: file, alert, title. */
const SYMPTOMS = [
  ['no-data', 'AckspanNoData', 'Ackspan: no sidecar reports any more'],
  ['unverifiable', 'AckspanUnverifiableShare', 'Ackspan: hardly any delivery can be verified'],
  ['upstream-down', 'AckspanUpstreamDown', 'Ackspan: the backend takes no connections'],
  ['cannot-connect', 'AckspanCannotConnect', 'Ackspan: clients cannot connect'],
] as const;

/** File name → contents, as `gcloud` and the Monitoring API take them. */
export function cloudMonitoringFiles(slo: Slo): ReadonlyMap<string, object> {
  return new Map<string, object>([
    ['service.json', { displayName: 'Ackspan deliveries', custom: {} }],
    ['slo.json', objective(slo)],
    ['alert-policy-outage.json', outagePolicy(slo)],
    ...SYMPTOMS.map(([file, alert, title]) => [`alert-policy-${file}.json`, symptomPolicy(alert, title)] as const),
    ...slo.tiers.map((tier) => [`alert-policy-${tier.name}.json`, burnPolicy(slo, tier)] as const),
  ]);
}

/** Good ÷ total over the SLO's window; all priorities together. */
function objective(slo: Slo): object {
  const all = `metric.type="${COUNTER}" resource.type="prometheus_target"`;
  return {
    displayName: `${percent(overall(slo).ratio)} of pushed events confirmed, ${slo.window} rolling`,
    goal: overall(slo).ratio,
    rollingPeriod: `${Number.parseInt(slo.window, 10) * DAY_SECONDS}s`,
    serviceLevelIndicator: {
      requestBased: {
        goodTotalRatio: {
          totalServiceFilter: all,
          badServiceFilter: `${all} metric.labels.error_type=one_of(${BAD.map((each) => `"${each}"`).join(',')})`,
        },
      },
    },
  };
}

function outagePolicy(slo: Slo): object {
  const { ratio, minUnconfirmed, windows, recovered } = slo.outage;
  const name = 'AckspanDeliveryOutage';
  const over = ({ short }: { readonly short: Window }) =>
    `unless (${unconfirmed('', short)} < ${recovered.ratio} and ${increase('', short)} >= ${recovered.minDeliveries})`;
  const conditions = windows.map(({ long, short }, index) => {
    const query = [
      `${unconfirmed('', long)} > ${ratio}`,
      `and ${unconfirmed('', short)} > ${ratio}`,
      `and ${increase(failing(''), long)} >= ${minUnconfirmed}`,
      ...windows.slice(0, index).map(over),
    ].join('\n');
    return condition(name, `all priorities over ${long}`, query, { severity: 'page' });
  });
  return policy(name, 'Ackspan: many pushed events do not reach their clients', 'CRITICAL', conditions);
}

/** The same conditions as in Prometheus. */
function symptomPolicy(alert: string, title: string): object {
  const conditions = pages(alert).map((each) => {
    const seconds = Number.parseInt(each.for ?? '0', 10) * 60;
    return condition(
      alert,
      each.summary.includes('{{') ? title : each.summary,
      each.expr,
      { severity: 'page' },
      `${seconds}s`,
    );
  });
  return policy(alert, title, 'CRITICAL', conditions);
}

/** One condition per objective: Cloud Monitoring has no recorded objectives to join with. */
function burnPolicy(slo: Slo, tier: BurnTier): object {
  const name = 'AckspanErrorBudgetBurn';
  const conditions = slo.objectives
    .filter((each) => each.pages || tier.severity === 'ticket')
    .map((each) => {
      const only = each.priority === 'all' ? '' : `priority="${each.priority}"`;
      const over = (window: Window) =>
        each.priority === 'all'
          ? `${weighed(slo, window)} > ${tier.factor}`
          : `${unconfirmed(only, window)} > ${round(tier.factor * budgetOf(each))}`;
      const query = [
        over(tier.long),
        `and ${over(tier.short)}`,
        `and ${increase(only, tier.long)} >= ${tier.minDeliveries}`,
        `and ${increase(failing(only), tier.long)} >= ${tier.minUnconfirmed}`,
      ].join('\n');
      return condition(name, `priority ${each.priority}`, query, { severity: tier.severity, priority: each.priority });
    });
  const title = `Ackspan: confirmation error budget burns ${tier.factor} times too fast over ${tier.long}`;
  return policy(name, title, tier.severity === 'page' ? 'CRITICAL' : 'WARNING', conditions);
}

function policy(alert: string, displayName: string, severity: string, conditions: object[]): object {
  return {
    displayName,
    severity,
    combiner: 'OR',
    conditions,
    alertStrategy: { autoClose: '1800s' },
    notificationChannels: CHANNELS,
    documentation: {
      subject: displayName,
      content: `Runbook: ${RUNBOOKS}${runbookOf(alert)}`,
      mimeType: 'text/markdown',
    },
  };
}

function condition(
  alertRule: string,
  displayName: string,
  query: string,
  labels: Record<string, string>,
  duration = '0s',
): object {
  return {
    displayName,
    conditionPrometheusQueryLanguage: {
      query,
      duration,
      evaluationInterval: EVALUATION,
      ruleGroup: 'ackspan-slo',
      alertRule,
      labels,
    },
  };
}

function failing(matcher: string): string {
  return matcher === '' ? 'error_type!=""' : `error_type!="", ${matcher}`;
}

function increase(matcher: string, window: Window): string {
  return `sum(increase(${M.settled}${matcher === '' ? '' : `{${matcher}}`}[${window}]))`;
}

function unconfirmed(matcher: string, window: Window): string {
  return `${increase(failing(matcher), window)} / ${increase(matcher, window)}`;
}

/**
 * How fast the budget of all priorities together goes; each is allowed what its own objective
 * allows. LOW counts as it is.
 */
function weighed(slo: Slo, window: Window): string {
  const allowed = byPriority(slo).map(
    (each) => `${budgetOf(each)} * (${increase(`priority="${each.priority}"`, window)} or vector(0))`,
  );
  return `${increase(failing(''), window)} / (${allowed.join(' + ')})`;
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toFixed(3))} %`;
}
