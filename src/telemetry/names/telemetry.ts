// telemetry: metrics of telemetry itself: exported and lost items.
import { LABEL as L, row } from './metric-row.ts';

const RESULTS =
  'exported, dropped (queue full, or telemetry had stopped), failed (export refused or given up) or rejected (by a collector that took the request)';

/** One row per signal. */
export const TELEMETRY_METRICS = {
  telemetrySpans: row(
    'ackspan.telemetry.spans',
    'counter',
    '{span}',
    [L.result],
    `Spans handed to the exporter: ${RESULTS}.`,
  ),
  telemetryLogs: row(
    'ackspan.telemetry.logs',
    'counter',
    '{record}',
    [L.result],
    `Log events of deliveries handed to the exporter: ${RESULTS}.`,
  ),
  telemetryMetrics: row(
    'ackspan.telemetry.metrics',
    'counter',
    '{data_point}',
    [L.result],
    `Metric data points handed to the OTLP exporter: ${RESULTS}.`,
  ),
} as const;
