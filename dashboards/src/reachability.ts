// Alerts on what comes before every delivery: whether clients can connect at all, and which limit or peer keeps them out.
import { M } from './series.ts';
import { grew, type Symptom } from './symptom.ts';

/** Reasons that a client can do nothing about: the upstream, or a limit of the whole sidecar. */
const KEPT_OUT = 'upstream_down|upstream_error|handshake_timeout|connections|memory';

function keptOut(window: string): string {
  return grew(`${M.rejected}{reason=~"${KEPT_OUT}"}`, window);
}

/**
 * Share of the handshakes of a window that were kept out, of those and the ones that became
 * connections.
 */
function keptOutShare(window: string): string {
  return `${keptOut(window)} / (${keptOut(window)} + (${grew(M.opened, window)} or 0 * ${keptOut(window)}))`;
}

/** Alerts for people who cannot connect. */
export const REACHABILITY: readonly Symptom[] = [
  {
    alert: 'AckspanUpstreamDown',
    severity: 'page',
    expr: `max by (job) (${M.upstreamUp}) == 0`,
    for: '2m',
    summary: 'The backend takes no connections: nobody can connect',
    description:
      '{{ $labels.job }}: for 2 minutes no instance has reached its upstream, neither by a handshake nor by a TCP connection of its own. New clients get 502.',
  },
  {
    alert: 'AckspanCannotConnect',
    severity: 'page',
    expr: [
      `(${keptOutShare('10m')} > 0.5 and ${keptOutShare('2m')} > 0.5 and ${keptOut('10m')} >= 10)`,
      `or (${keptOutShare('1h')} > 0.5 and ${keptOutShare('10m')} > 0.5 and ${keptOut('1h')} >= 5)`,
    ].join('\n'),
    for: '1m',
    summary: '{{ $value | humanizePercentage }} of WebSocket handshakes fail',
    description:
      '{{ $labels.job }}: {{ $value | humanizePercentage }} of the handshakes of the last minutes (1h where they are few) became no connection: the upstream is down, answers with errors or not in time, or a limit is reached. The label "reason" of ackspan_connection_rejected_total says which.',
  },
  {
    alert: 'AckspanConnectionLimit',
    severity: 'ticket',
    expr: [
      `sum by (job, reason) (increase(${M.rejected}{reason=~"connections|connections_per_user|memory"}[10m])) > 0`,
      `or label_replace(sum by (job) (increase(${M.httpRejected}{reason="descriptors"}[10m])) > 0, "reason", "descriptors", "", "")`,
    ].join('\n'),
    keep: '10m',
    summary: 'Clients are turned away by a limit: {{ $labels.reason }}',
    description:
      '{{ $labels.job }}: {{ $value | humanize }} connections in 10 minutes were refused because of limits.{{ $labels.reason }} (descriptors: the open files of the process, ulimit -n).',
  },
  {
    alert: 'AckspanHandshakesRefused',
    severity: 'ticket',
    expr: [
      `${grew(`${M.rejected}{reason="upstream"}`, '30m')} / (${grew(`${M.rejected}{reason="upstream"}`, '30m')} + ${grew(M.opened, '30m')}) > 0.5`,
      `and ${grew(`${M.rejected}{reason="upstream"}`, '30m')} >= 50`,
    ].join('\n'),
    for: '10m',
    summary: 'The backend refuses most handshakes',
    description:
      '{{ $labels.job }}: {{ $value | humanizePercentage }} of handshakes were answered by the backend with 3xx or 4xx: credentials, path or origin are wrong, or somebody probes.',
  },
];
