// The same counts per instance: one bad instance among many is lost in the sum, and everything for those who are on it.
import { ratioIn as jobRatioIn } from './recording.ts';
import type { Recording, RuleGroup } from './rule-file.ts';
import { M } from './series.ts';
import { SLO, type Window } from './slo.ts';
import type { Symptom } from './symptom.ts';

/** Look-backs of an instance: long and short, for much traffic and for little. */
const LOOK_BACKS = [
  { long: '30m', short: '5m' },
  { long: '6h', short: '1h' },
] as const satisfies readonly { long: Window; short: Window }[];

/** Losses of one instance that are no accident. */
const MIN_UNCONFIRMED = 10;

function settledIn(window: Window): string {
  return `job_instance:ackspan_delivery_settled:increase${window}`;
}

function unconfirmedIn(window: Window): string {
  return `job_instance:ackspan_delivery_unconfirmed:increase${window}`;
}

/** Name of an instance's share of settled deliveries that were not confirmed. */
export function ratioIn(window: Window): string {
  return `job_instance:ackspan_delivery_unconfirmed:ratio_rate${window}`;
}

/** Per job and instance: what settled, what was lost, and its share. */
export function instanceGroup(): RuleGroup {
  const windows = LOOK_BACKS.flatMap(({ long, short }) => [short, long]);
  return { name: 'ackspan-instances', interval: '30s', rules: windows.flatMap(rules) };
}

function rules(window: Window): Recording[] {
  const sum = (selector: string) => `sum by (job, instance) (increase(${selector}[${window}]))`;
  return [
    { record: settledIn(window), expr: sum(M.settled) },
    { record: unconfirmedIn(window), expr: sum(`${M.settled}{error_type!=""}`) },
    { record: ratioIn(window), expr: `${unconfirmedIn(window)} / ${settledIn(window)}` },
  ];
}

/**
 * An instance that loses more than `share`, and `times` as much as its job, in one of the pairs of
 * windows, as long as no shorter pair shows the recovery.
 */
function worse(share: number, times: number, least: number, pairs: readonly { long: Window; short: Window }[]): string {
  const { ratio, minDeliveries } = SLO.outage.recovered;
  const over = ({ short }: { readonly short: Window }) =>
    `unless (${ratioIn(short)} < ${ratio} and ${settledIn(short)} >= ${minDeliveries})`;
  const lost = pairs.map(({ long, short }, index) => {
    const failing = [
      `(${ratioIn(long)} > ${share}`,
      `and ${ratioIn(short)} > ${share}`,
      `and ${unconfirmedIn(long)} >= ${least}`,
      `and ${ratioIn(long)} > on (job) group_left () (${times} * ${jobRatioIn(long)}{priority="all"})`,
    ];
    return `${[...failing, ...pairs.slice(0, index).map(over)].join('\n')})`;
  });
  return lost.join('\nor ');
}

/**
 * Alerts on one instance; `times` keeps them silent where all are bad alike, which is the outage's.
 */
export const INSTANCES: readonly Symptom[] = [
  {
    alert: 'AckspanBadInstance',
    severity: 'page',
    expr: worse(0.25, 1.5, MIN_UNCONFIRMED, LOOK_BACKS),
    for: '1m',
    summary: 'One instance loses {{ $value | humanizePercentage }} of its events while the others do not',
    description:
      '{{ $labels.instance }} of {{ $labels.job }}: {{ $value | humanizePercentage }} of the deliveries that it settled in the last 30m (6h where few settle) were not confirmed, more than one and a half times the share of all instances.',
  },
  {
    alert: 'AckspanBadInstance',
    severity: 'ticket',
    expr: worse(0.1, 3, 3 * MIN_UNCONFIRMED, [LOOK_BACKS[1]]),
    for: '30m',
    summary: 'One instance loses three times as many events as the others',
    description:
      '{{ $labels.instance }} of {{ $labels.job }}: {{ $value | humanizePercentage }} of the deliveries that it settled in the last 6h were not confirmed.',
  },
  {
    alert: 'AckspanUpstreamDown',
    severity: 'ticket',
    expr: `min by (job, instance) (${M.upstreamUp}) == 0 unless on (job) max by (job) (${M.upstreamUp}) == 0`,
    for: '5m',
    summary: 'One instance cannot reach its backend',
    description:
      '{{ $labels.instance }} of {{ $labels.job }} has not reached its upstream for 5 minutes; other instances have. Clients that are sent to it get 502.',
  },
];
