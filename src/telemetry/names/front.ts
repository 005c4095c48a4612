// telemetry: metrics of the public port: plain HTTP, tunnels and what cannot be read.
import { LABEL as L, row } from './metric-row.ts';

export const FRONT_METRICS = {
  connectionRetired: row(
    'ackspan.connection.retired',
    'counter',
    '{connection}',
    [L.reason],
    'Connections ended because they were older than limits.connection_age, or carried no data message for limits.idle.',
  ),
  connectionUnreadable: row(
    'ackspan.connection.unreadable',
    'counter',
    '{connection}',
    [],
    'WebSocket connections whose upstream agreed on extensions that cannot be read: their messages pass untracked.',
  ),
  httpRequests: row(
    'ackspan.http.requests',
    'counter',
    '{request}',
    [L.result],
    'Plain HTTP requests passed on; failed = 502, 503 or 504 of ours, or an answer that broke off.',
  ),
  httpRejected: row(
    'ackspan.http.rejected',
    'counter',
    '{request}',
    [L.reason],
    'Requests and connections of the public port that Ackspan refused or ended by itself.',
  ),
  adminRejected: row(
    'ackspan.admin.rejected',
    'counter',
    '{connection}',
    [L.reason],
    'Connections of the admin port that were closed: evicted for a newcomer, refused, or stalled.',
  ),
  tunnelOpened: row(
    'ackspan.tunnel.opened',
    'counter',
    '{connection}',
    [],
    'Upgrades to another protocol than WebSocket that the upstream accepted.',
  ),
  tunnelActive: row(
    'ackspan.tunnel.active',
    'updown',
    '{connection}',
    [],
    'Open connections that were upgraded to another protocol than WebSocket.',
  ),
} as const;
