// Prometheus names of metrics, from the one table of telemetry names, so that a renamed metric renames every query.
import { METRICS, type MetricRow } from '../../src/telemetry/names/names.ts';
import { labelName, sampleName } from '../../src/telemetry/names/prometheus-names.ts';

/** Name of a metric's samples; for a histogram without `_bucket`, `_sum`, `_count`. */
export function series(row: MetricRow): string {
  return sampleName(row.name, row.unit, row.kind);
}

/**
 * Labels that a sample of the metric may carry by itself; scrape labels (`job`, `instance`) come on
 * top.
 */
export function labelsOf(row: MetricRow): string[] {
  return row.attributes.map(labelName);
}

const S = METRICS;
/** Shorthands for the queries: one name per idea. */
export const M = {
  settled: `${series(S.deliveryDuration)}_count`,
  settledBucket: `${series(S.deliveryDuration)}_bucket`,
  receiveBucket: `${series(S.receiveDuration)}_bucket`,
  tracked: series(S.tracked),
  pending: series(S.pending),
  unverifiable: series(S.unverifiable),
  attempts: series(S.attempts),
  shed: series(S.shed),
  unmatched: series(S.unmatched),
  upgraded: series(S.upgraded),
  connections: series(S.connectionActive),
  connectionBucket: `${series(S.connectionDuration)}_bucket`,
  closed: series(S.connectionClosed),
  rejected: series(S.connectionRejected),
  opened: series(S.connectionOpened),
  upstreamUp: series(S.upstreamUp),
  httpRejected: series(S.httpRejected),
  messages: series(S.relayMessages),
  bytes: series(S.relayBytes),
  backpressure: series(S.backpressure),
  added: series(S.relayAdded),
  consumed: series(S.relayConsumed),
  faults: series(S.relayFaults),
  untracked: series(S.untracked),
  unread: series(S.unread),
  spans: series(S.telemetrySpans),
  loopP50: series(S.eventLoopDelayP50),
  loopP99: series(S.eventLoopDelayP99),
  loopMax: series(S.eventLoopDelayMax),
  loopUse: series(S.eventLoopUtilization),
  cpu: series(S.cpuTime),
  memory: series(S.memoryUsage),
  memoryUsed: series(S.memoryUsed),
  inFlight: series(S.inFlightBytes),
  inFlightLimit: series(S.inFlightLimit),
  heap: series(S.heapUsed),
  uptime: series(S.uptime),
  tool: series(S.toolDuration),
  toolUnwatched: series(S.toolUnwatched),
  order: series(S.orderViolations),
  identity: series(S.identity),
  logs: series(S.telemetryLogs),
  orphaned: series(S.toolOrphaned),
  retained: series(S.retainedBytes),
  resume: series(S.sessionResume),
  hooks: series(S.hookRequests),
  storeDegraded: series(S.storeDegraded),
} as const;
