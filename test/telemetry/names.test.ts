// The names table: the public list, its Prometheus spelling, and what may never be in it.
import { ValueType } from '@opentelemetry/api';
import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics';
import { describe, expect, it } from 'vitest';
import { createMetricProducer } from '../../src/telemetry/metrics/producer.ts';
import { ATTR, METRICS, type MetricRow, SCHEMA_URL, SPAN_EVENT } from '../../src/telemetry/names/names.ts';
import { familyName, labelName, sampleName, unitOf } from '../../src/telemetry/names/prometheus-names.ts';

const rows: readonly MetricRow[] = Object.values(METRICS);

/**
 * As github.com/prometheus/otlptranslator v1.0.0 (UnderscoreEscapingWithSuffixes) builds them from
 * name, unit and kind.
 */
const IN_PROMETHEUS: Record<keyof typeof METRICS, string> = {
  deliveryDuration: 'ackspan_delivery_duration_seconds',
  receiveDuration: 'ackspan_delivery_receive_duration_seconds',
  processDuration: 'ackspan_delivery_process_duration_seconds',
  tracked: 'ackspan_delivery_tracked_total',
  handedOver: 'ackspan_delivery_handed_over_total',
  pending: 'ackspan_delivery_pending',
  unverifiable: 'ackspan_delivery_unverifiable_total',
  rejectedLater: 'ackspan_delivery_rejected_later_total',
  attempts: 'ackspan_delivery_attempts_total',
  shed: 'ackspan_delivery_shed_total',
  unmatched: 'ackspan_confirmation_unmatched_total',
  upgraded: 'ackspan_confirmation_upgraded_total',
  connectionActive: 'ackspan_connection_active',
  connectionOpened: 'ackspan_connection_opened_total',
  connectionDuration: 'ackspan_connection_duration_seconds',
  connectionClosed: 'ackspan_connection_closed_total',
  connectionRetired: 'ackspan_connection_retired_total',
  connectionSilent: 'ackspan_connection_silent_total',
  standstill: 'ackspan_standstill_duration_seconds',
  connectionRejected: 'ackspan_connection_rejected_total',
  upstreamUp: 'ackspan_upstream_up',
  relayMessages: 'ackspan_relay_messages_total',
  relayBytes: 'ackspan_relay_bytes_total',
  backpressure: 'ackspan_relay_backpressure_duration_seconds_total',
  relayAdded: 'ackspan_relay_added_total',
  relayConsumed: 'ackspan_relay_consumed_total',
  relayFaults: 'ackspan_relay_faults_total',
  untracked: 'ackspan_decode_untracked_total',
  unread: 'ackspan_decode_unread_total',
  toolDuration: 'ackspan_tool_duration_seconds',
  toolOrphaned: 'ackspan_tool_orphaned_total',
  toolUnwatched: 'ackspan_tool_unwatched_total',
  orderViolations: 'ackspan_order_violations_total',
  identity: 'ackspan_identity_requests_total',
  sessionResume: 'ackspan_session_resume_total',
  sessionEnded: 'ackspan_session_ended_total',
  sessionWaiting: 'ackspan_session_waiting',
  retainedBytes: 'ackspan_retained_bytes',
  retainedRefused: 'ackspan_retained_refused_total',
  connectionUnreadable: 'ackspan_connection_unreadable_total',
  httpRequests: 'ackspan_http_requests_total',
  httpRejected: 'ackspan_http_rejected_total',
  adminRejected: 'ackspan_admin_rejected_total',
  tunnelOpened: 'ackspan_tunnel_opened_total',
  tunnelActive: 'ackspan_tunnel_active',
  memoryLimit: 'ackspan_memory_limit_bytes',
  memoryUsed: 'ackspan_memory_used_ratio',
  inFlightLimit: 'ackspan_relay_in_flight_limit_bytes',
  inFlightBytes: 'ackspan_relay_in_flight_bytes',
  storeDegraded: 'ackspan_store_degraded',
  storeOperations: 'ackspan_store_operations_total',
  storeWritten: 'ackspan_store_written_bytes_total',
  storeStalled: 'ackspan_store_stalled_seconds_total',
  storeWaiting: 'ackspan_store_waiting_bytes',
  storeHeld: 'ackspan_store_held',
  storeLost: 'ackspan_store_commands_dropped_total',
  storeRetold: 'ackspan_store_retold_total',
  storeSize: 'ackspan_store_size_bytes',
  deadLetters: 'ackspan_dead_letters_total',
  deadLetterSize: 'ackspan_dead_letters_size_bytes',
  storeRestored: 'ackspan_store_restored_total',
  storeDropped: 'ackspan_store_dropped_total',
  hookRequests: 'ackspan_hook_requests_total',
  hookDropped: 'ackspan_hook_dropped_total',
  hookQueued: 'ackspan_hook_queued',
  hookBreakerOpened: 'ackspan_hook_breaker_opened_total',
  hookPayloadOmitted: 'ackspan_hook_payload_omitted_total',
  telemetrySpans: 'ackspan_telemetry_spans_total',
  telemetryLogs: 'ackspan_telemetry_logs_total',
  telemetryMetrics: 'ackspan_telemetry_metrics_total',
  eventLoopDelayP50: 'nodejs_eventloop_delay_p50_seconds',
  eventLoopDelayP99: 'nodejs_eventloop_delay_p99_seconds',
  eventLoopDelayMax: 'nodejs_eventloop_delay_max_seconds',
  eventLoopUtilization: 'nodejs_eventloop_utilization_ratio',
  cpuTime: 'process_cpu_time_seconds_total',
  memoryUsage: 'process_memory_usage_bytes',
  heapUsed: 'v8js_memory_heap_used_bytes',
  buildInfo: 'ackspan_build_info',
  limit: 'ackspan_limit',
  uptime: 'process_uptime_seconds',
};

describe('the table of metrics', () => {
  it('spells every metric in Prometheus as the Collector does', () => {
    const mine = Object.entries(METRICS).map(([key, row]) => [key, sampleName(row.name, row.unit, row.kind)]);
    expect(Object.fromEntries(mine)).toEqual(IN_PROMETHEUS);
  });

  it('has the delivery histogram with its public labels and bounds', () => {
    expect(METRICS.deliveryDuration.attributes.map(labelName)).toEqual([
      'event_type',
      'priority',
      'level',
      'error_type',
    ]);
    expect(METRICS.deliveryDuration.bounds).toEqual([
      0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 15, 20, 30, 45, 60,
    ]);
  });

  it('has each name once, a sentence for each, and bounds on histograms only, ascending', () => {
    expect(new Set(rows.map((row) => row.name)).size).toBe(rows.length);
    for (const row of rows) {
      expect(row.description, row.name).toMatch(/^[A-Z].*\.$/);
      expect(row.bounds !== undefined, row.name).toBe(row.kind === 'histogram');
      expect([...(row.bounds ?? [])].sort((a, b) => a - b)).toEqual([...(row.bounds ?? [])]);
    }
  });

  it('never labels a metric with a user, session, connection or message', () => {
    for (const row of rows) expect(row.attributes.join(), row.name).not.toMatch(/user|session|connection|id\b|message/);
  });

  it('keeps each span attribute and event name once', () => {
    const names = [...Object.values(ATTR), ...Object.values(SPAN_EVENT)];
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('Prometheus spelling', () => {
  it.each([
    ['a.b', 'By', 'counter', 'a_b_bytes_total'],
    ['a.bytes', 'By', 'counter', 'a_bytes_total'],
    ['a.total.b', '{x}', 'counter', 'a_b_total'],
    ['a', '1', 'gauge', 'a_ratio'],
    ['a', '1', 'updown', 'a'],
    ['a', '1', 'counter', 'a_total'],
    ['a', 'By/s', 'gauge', 'a_bytes_per_second'],
    ['a', '{x}/s', 'gauge', 'a_per_second'],
    ['9a', '', 'gauge', '_9a'],
    ['a..b__c', '%', 'gauge', 'a_b_c_percent'],
    ['a', 'foo', 'histogram', 'a_foo'],
  ] as const)('%s in %s (%s) becomes %s', (name, unit, kind, expected) => {
    expect(sampleName(name, unit, kind)).toBe(expected);
  });

  it('names the unit only where the family ends in it', () => {
    expect(unitOf(familyName('a.duration', 's', 'counter'), 's')).toBe('seconds');
    expect(unitOf(familyName('a', '1', 'gauge'), '1')).toBe('ratio');
    expect(unitOf(familyName('a.bytes.b', 'By', 'gauge'), 'By')).toBe('');
    expect(unitOf(familyName('a', '{x}', 'gauge'), '{x}')).toBe('');
  });

  it('turns attribute keys into label names', () => {
    expect(['a.b', 'a..b', '1a', 'a-b', 'a_b'].map(labelName)).toEqual(['a_b', 'a_b', 'key_1a', 'a_b', 'a_b']);
  });
});

it('writes the enum members of the SDK without importing it', async () => {
  const point = (value: number) => [{ attributes: {}, value }];
  const producer = createMetricProducer({
    sources: [
      () => [
        { metric: METRICS.upgraded, points: point(1) },
        { metric: METRICS.uptime, points: point(2) },
        { metric: METRICS.memoryUsage, points: point(3) },
        { metric: METRICS.receiveDuration, points: [{ attributes: {}, value: { counts: [], sum: 0 } }] },
      ],
    ],
    version: '1.2.3',
    startedAt: 1000.5,
    now: () => 2000.25,
  });
  const { resourceMetrics, errors } = await producer.collect();
  const [scope] = resourceMetrics.scopeMetrics;
  expect(errors).toEqual([]);
  expect(scope?.scope).toEqual({ name: 'ackspan', version: '1.2.3', schemaUrl: SCHEMA_URL });
  expect(scope?.metrics.map((metric) => metric.dataPointType)).toEqual([
    DataPointType.SUM,
    DataPointType.GAUGE,
    DataPointType.SUM,
    DataPointType.HISTOGRAM,
  ]);
  expect(scope?.metrics).toMatchObject([{ isMonotonic: true }, {}, { isMonotonic: false }, {}]);
  for (const metric of scope?.metrics ?? []) {
    expect(metric.aggregationTemporality).toBe(AggregationTemporality.CUMULATIVE);
    expect(metric.descriptor).toMatchObject({ valueType: ValueType.DOUBLE });
    expect(metric.dataPoints[0]).toMatchObject({ startTime: [1, 500_000], endTime: [2, 250_000] });
  }
});

it('loses only the metrics of a source that throws, and says so', async () => {
  const broken = new Error('broken source');
  const producer = createMetricProducer({
    sources: [
      () => {
        throw broken;
      },
      () => [{ metric: METRICS.upgraded, points: [{ attributes: {}, value: 1 }] }],
    ],
    version: '1',
    startedAt: 0,
    now: () => 1,
  });
  const { resourceMetrics, errors } = await producer.collect();
  expect(errors).toEqual([broken]);
  expect(resourceMetrics.scopeMetrics[0]?.metrics).toHaveLength(1);
});
