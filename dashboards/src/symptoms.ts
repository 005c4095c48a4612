// Alerts beside the objective: what hides failures, what comes before them, and what makes the numbers untrue.

import { INSTANCES } from './instances.ts';
import { REACHABILITY } from './reachability.ts';
import type { Alert } from './rule-file.ts';
import { annotations } from './runbook.ts';
import { M } from './series.ts';
import type { Slo } from './slo.ts';
import { grew, type Symptom } from './symptom.ts';

/** Share of a window's deliveries of which nobody can say whether they arrived. */
function unverifiableShare(window: string): string {
  const count = grew(M.unverifiable, window);
  return `${count} / (${count} + (${grew(M.settled, window)} or 0 * ${count}))`;
}

/** Jobs that have reported within a day; where one is missing now, it has vanished. */
const SEEN = `group by (job) (last_over_time(${M.connections}[1d]))`;

const SYMPTOMS: readonly Symptom[] = [
  {
    alert: 'AckspanUnverifiableShare',
    severity: 'page',
    expr: [
      `(${unverifiableShare('30m')} > 0.9 and ${grew(M.unverifiable, '30m')} >= 50)`,
      `or (${unverifiableShare('6h')} > 0.9 and ${unverifiableShare('1h')} > 0.9 and ${grew(M.unverifiable, '6h')} >= 50)`,
    ].join('\n'),
    for: '10m',
    summary: 'Hardly any delivery can be verified: nobody knows whether events arrive',
    description:
      '{{ $labels.job }}: {{ $value | humanizePercentage }} of deliveries went to clients that never answered a barrier. The confirmation rate, and every alert on it, speaks for almost nobody.',
  },
  {
    alert: 'AckspanUnverifiableShare',
    severity: 'ticket',
    expr: [`${unverifiableShare('30m')} > 0.2`, `and ${grew(M.unverifiable, '30m')} >= 50`].join('\n'),
    for: '10m',
    summary: 'Many deliveries cannot be verified',
    description:
      '{{ $labels.job }}: {{ $value | humanizePercentage }} of deliveries went to clients that never answered a barrier; the confirmation rate does not speak for them.',
  },
  {
    alert: 'AckspanLateConfirmations',
    severity: 'ticket',
    expr: [
      `${grew(`${M.unmatched}{reason="late"}`, '30m')} / ${grew(M.settled, '30m')} > 0.05`,
      `and ${grew(`${M.unmatched}{reason="late"}`, '30m')} >= 20`,
    ].join('\n'),
    for: '10m',
    summary: 'Confirmations arrive after their deadline',
    description:
      '{{ $labels.job }}: for {{ $value | humanizePercentage }} of settled deliveries a confirmation came too late; they counted as timed out.',
  },
  {
    alert: 'AckspanToolOrphaned',
    severity: 'ticket',
    expr: [
      `${grew(M.orphaned, '30m')} / (${grew(M.orphaned, '30m')} + ${grew(`${M.tool}_count`, '30m')}) > 0.05`,
      `and ${grew(M.orphaned, '30m')} >= 5`,
    ].join('\n'),
    for: '5m',
    summary: 'Users see tools start that never finish',
    description: '{{ $labels.job }}: {{ $value | humanizePercentage }} of tool calls had no tool_completed in time.',
  },
  {
    alert: 'AckspanPendingGrowth',
    severity: 'ticket',
    expr: [
      `sum by (job) (${M.pending}) > 2 * avg_over_time(sum by (job) (${M.pending})[1h:1m] offset 10m)`,
      `and deriv(sum by (job) (${M.pending})[10m:30s]) > 0`,
      `and sum by (job) (${M.pending}) > 1000`,
    ].join('\n'),
    for: '5m',
    summary: 'Deliveries without an outcome pile up',
    description:
      '{{ $labels.job }}: {{ $value | humanize }} deliveries are pending, more than twice the last hour, and rising.',
  },
  {
    alert: 'AckspanEventsShed',
    severity: 'ticket',
    expr: `${grew(M.shed, '10m')} > 0`,
    for: '2m',
    keep: '10m',
    summary: 'A limit is reached: events pass untracked',
    description:
      '{{ $labels.job }}: {{ $value | humanize }} events in 10 minutes reached clients without being tracked.',
  },
  {
    alert: 'AckspanTrackingFault',
    severity: 'ticket',
    expr: `${grew(`${M.faults}{kind="tap"}`, '10m')} > 0`,
    keep: '10m',
    summary: 'A fault turned connections into a pure pass-through',
    description:
      '{{ $labels.job }}: {{ $value | humanize }} connections in 10 minutes are relayed but no longer tracked.',
  },
  {
    alert: 'AckspanTelemetryDropped',
    severity: 'ticket',
    expr: [
      `${grew(`${M.spans}{result!="exported"}`, '10m')} > 0`,
      `or ${grew(`${M.logs}{result!="exported"}`, '10m')} > 0`,
    ].join('\n'),
    for: '5m',
    keep: '10m',
    summary: 'Spans or log events are lost on their way to the collector',
    description:
      '{{ $labels.job }}: {{ $value | humanize }} of them in 10 minutes were dropped or refused; metrics are complete.',
  },
  {
    alert: 'AckspanStoreDegraded',
    severity: 'ticket',
    expr: `max by (job, instance) (${M.storeDegraded}) == 1`,
    for: '5m',
    summary: 'The store cannot be written to: what is in flight would not outlive the process',
    description:
      '{{ $labels.instance }} of {{ $labels.job }} goes on with its memory for 5 minutes now. Events still arrive and are still proven; a crash, a deploy or a move to another instance would lose sessions and kept messages.',
  },
  {
    alert: 'AckspanEventLoopBlocked',
    severity: 'ticket',
    expr: `max by (job, instance) (${M.loopP99}) > 0.25`,
    for: '10m',
    summary: 'An instance answers late to everything',
    description:
      '{{ $labels.instance }}: event loop delay p99 is {{ $value | humanizeDuration }}; added latency is the same.',
  },
  {
    alert: 'AckspanNoData',
    severity: 'page',
    expr: `${SEEN} unless group by (job) (${M.connections})`,
    for: '5m',
    summary: 'No sidecar of a service reports any more',
    description:
      '{{ $labels.job }} reported within the last day, and for 5 minutes no metrics came from any of its sidecars: its deliveries are unknown, and no other alert about it can fire.',
  },
  {
    alert: 'AckspanNoData',
    severity: 'page',
    expr: `absent(last_over_time(${M.connections}[1d]))`,
    for: '15m',
    labels: { scope: 'everywhere' },
    summary: 'No sidecar has ever reported',
    description:
      'For 15 minutes this Prometheus has had no metrics of any Ackspan, and none within the last day: deliveries are unknown, and no other alert can fire.',
  },
  {
    alert: 'AckspanInstanceDown',
    severity: 'ticket',
    expr: `up == 0 and on (job) (${SEEN} or group by (job) (up{job=~".*ackspan.*"}))`,
    for: '3m',
    summary: 'An instance cannot be scraped',
    description: '{{ $labels.instance }} of {{ $labels.job }} has not answered a scrape for 3 minutes.',
  },
];

/** The symptoms that page, by the alert that they belong to. */
export function pages(alert: string): readonly Symptom[] {
  return [...REACHABILITY, ...INSTANCES, ...SYMPTOMS].filter(
    (each) => each.alert === alert && each.severity === 'page',
  );
}

/** The symptoms as Prometheus alerts. */
export function symptomAlerts(slo: Slo): Alert[] {
  return [...REACHABILITY, ...INSTANCES, ...SYMPTOMS].map((each) => ({
    alert: each.alert,
    expr: each.expr,
    ...(each.for === undefined ? {} : { for: each.for }),
    ...(each.keep === undefined ? {} : { keep_firing_for: each.keep }),
    labels: { severity: each.severity, ...each.labels },
    annotations: annotations(slo, each.alert, each.summary, each.description),
  }));
}
