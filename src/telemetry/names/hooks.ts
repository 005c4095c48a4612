// telemetry: metrics of notices to the backend.
import { LABEL as L, row } from './metric-row.ts';

/**
 * Notices: noticed = delivered + dropped + queued, where delivered is the number of requests with
 * that result.
 */
export const HOOK_METRICS = {
  hookRequests: row(
    'ackspan.hook.requests',
    'counter',
    '{request}',
    [L.kind, L.result],
    'Requests to the receiver of notices: delivered, refused (not tried again), failed or timeout.',
  ),
  hookDropped: row(
    'ackspan.hook.dropped',
    'counter',
    '{notice}',
    [L.reason],
    'Notices that ended without being delivered, by reason.',
  ),
  hookQueued: row('ackspan.hook.queued', 'updown', '{notice}', [], 'Notices that wait or are being sent.'),
  hookBreakerOpened: row(
    'ackspan.hook.breaker.opened',
    'counter',
    '{opening}',
    [],
    'Times the receiver of notices failed so often that it was left alone for a while.',
  ),
  hookPayloadOmitted: row(
    'ackspan.hook.payload.omitted',
    'counter',
    '{notice}',
    [],
    'Notices sent without their message because too many bytes were waiting.',
  ),
} as const;
