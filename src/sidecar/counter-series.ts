// sidecar: plain counters of other rooms as metric series, read at collection, so that counting stays an integer add.

import { createAdminCounters } from '../admin/places.ts';
import { UNRETAINED_REASONS, type UnretainedReason } from '../delivery/words.ts';
import type { FrontCounters } from '../front/counters.ts';
import { createHookCounters, REQUEST_RESULTS } from '../hooks/counters.ts';
import { HOOK_KINDS } from '../hooks/notice.ts';
import type { FileStore } from '../journal/file-store.ts';
import type { RedisStore } from '../journal/redis/redis-store.ts';
import { type Reading, readingsOf } from '../telemetry/metrics/readings.ts';
import { LABEL, METRICS } from '../telemetry/names/names.ts';
import type { ExportCounters } from '../telemetry/otlp/drops.ts';
import type { WatchDeps } from './observe.ts';
import type { LastingStore } from './store.ts';

/** Counts of exports, by signal. */
export interface Exports {
  readonly spans: ExportCounters;
  readonly logs: ExportCounters;
  /** Pushed metrics, in data points. */
  readonly metrics: ExportCounters;
}

/** Every series that reads a counter of another room. */
export function readings(deps: WatchDeps, { spans, logs, metrics }: Exports): Reading[] {
  const { relay, front } = deps.counters;
  const series = (metric: Reading['metric'], label: string, value: string, read: () => number): Reading => ({
    metric,
    attributes: { [label]: value },
    read,
  });
  return [
    series(METRICS.relayMessages, LABEL.direction, 'down', () => relay.messagesToClient),
    series(METRICS.relayMessages, LABEL.direction, 'up', () => relay.messagesToUpstream),
    series(METRICS.relayBytes, LABEL.direction, 'down', () => relay.bytesToClient),
    series(METRICS.relayBytes, LABEL.direction, 'up', () => relay.bytesToUpstream),
    series(METRICS.backpressure, LABEL.direction, 'down', () => relay.backpressureToClientMs / 1000),
    series(METRICS.backpressure, LABEL.direction, 'up', () => relay.backpressureToUpstreamMs / 1000),
    series(METRICS.relayAdded, LABEL.kind, 'barrier', () => relay.barriersSent),
    series(METRICS.relayAdded, LABEL.kind, 'pong', () => relay.pongsSynthesised),
    series(METRICS.relayConsumed, LABEL.kind, 'pong', () => relay.barriersAnswered),
    series(METRICS.relayConsumed, LABEL.kind, 'confirmation', () => relay.confirmationsSwallowed),
    series(METRICS.relayFaults, LABEL.kind, 'protocol', () => relay.protocolErrors),
    series(METRICS.relayFaults, LABEL.kind, 'tap', () => relay.tapFaults),
    ...rejectedReadings(front),
    ...frontReadings(deps),
    ...readingsOf(METRICS.adminRejected, LABEL.reason, deps.counters.admin ?? createAdminCounters()),
    ...readingsOf(METRICS.identity, LABEL.result, deps.identity ?? {}),
    ...sessionReadings(deps),
    ...hookReadings(deps),
    ...storeReadings(deps.store),
    ...readingsOf(METRICS.untracked, LABEL.reason, deps.decoder.others),
    ...readingsOf(METRICS.untracked, LABEL.reason, deps.unread),
    series(METRICS.untracked, LABEL.reason, 'unwatched', () => relay.messagesUnwatched),
    ...readingsOf(METRICS.connectionRetired, LABEL.reason, deps.aged ?? {}),
    { metric: METRICS.connectionSilent, attributes: {}, read: () => deps.silent.cut },
    ...upstreamReadings(deps),
    ...readingsOf(METRICS.unread, LABEL.kind, deps.decoder.unread),
    ...memoryReadings(deps),
    ...inFlightReadings(deps),
    ...settingReadings(deps),
    ...readingsOf(METRICS.telemetrySpans, LABEL.result, spans),
    ...readingsOf(METRICS.telemetryLogs, LABEL.result, logs),
    ...readingsOf(METRICS.telemetryMetrics, LABEL.result, metrics),
  ];
}

/** Handshakes that became no connection. A limit's reason is the name of its key below `limits`. */
function rejectedReadings(front: FrontCounters): Reading[] {
  const rejected: Readonly<Record<string, () => number>> = {
    upstream: () => front.refusedByUpstream - front.upstreamErrors,
    upstream_error: () => front.upstreamErrors,
    upstream_down: () => front.upstreamFailed,
    handshake_timeout: () => front.handshakeTimeouts,
    client_gone: () => front.clientGone,
    stopping: () => front.refusedWhileStopping,
    connections: () => front.refusedByLimit,
    connections_per_user: () => front.refusedByUserLimit,
    memory: () => front.refusedByMemory,
  };
  return Object.entries(rejected).map(([reason, read]) => ({
    metric: METRICS.connectionRejected,
    attributes: { [LABEL.reason]: reason },
    read,
  }));
}

/** The public port, handshakes apart. */
function frontReadings({ counters: { front } }: WatchDeps): Reading[] {
  const rejected = (reason: string, read: () => number): Reading => ({
    metric: METRICS.httpRejected,
    attributes: { [LABEL.reason]: reason },
    read,
  });
  const requests = (result: string, read: () => number): Reading => ({
    metric: METRICS.httpRequests,
    attributes: { [LABEL.result]: result },
    read,
  });
  return [
    { metric: METRICS.connectionUnreadable, attributes: {}, read: () => front.unreadable },
    requests('passed', () => front.requests - front.requestErrors),
    requests('failed', () => front.requestErrors),
    rejected('malformed', () => front.badRequests),
    rejected('head_bytes', () => front.headersTooLarge),
    rejected('head_timeout', () => front.requestTimeouts),
    rejected('body_stalled', () => front.bodiesStalled),
    rejected('answer_stalled', () => front.answersStalled),
    rejected('descriptors', () => front.descriptorsShort),
    rejected('accept_failed', () => front.acceptFailed),
    { metric: METRICS.tunnelOpened, attributes: {}, read: () => front.tunnels },
    { metric: METRICS.tunnelActive, attributes: {}, read: () => front.tunnelsOpen },
  ];
}

/** No point before anything is known of the upstream: a 0 would say that it is down. */
function upstreamReadings({ upstreamUp }: WatchDeps): Reading[] {
  if (upstreamUp === undefined) return [];
  const read = () => {
    const up = upstreamUp();
    return up === undefined ? undefined : Number(up);
  };
  return [{ metric: METRICS.upstreamUp, attributes: {}, read }];
}

/** There is no series without a bound. */
function memoryReadings({ memory }: WatchDeps): Reading[] {
  if (memory === undefined || memory.bound === 0) return [];
  return [
    { metric: METRICS.memoryLimit, attributes: {}, read: () => memory.bound },
    { metric: METRICS.memoryUsed, attributes: {}, read: () => memory.used },
  ];
}

/** Bytes kept of messages under way, beside their bound. */
function inFlightReadings({ counters: { relay }, limits }: WatchDeps): Reading[] {
  const kept: Reading = { metric: METRICS.inFlightBytes, attributes: {}, read: () => relay.collectedBytes };
  if (limits === undefined) return [kept];
  return [kept, { metric: METRICS.inFlightLimit, attributes: {}, read: () => limits.inFlightBytes }];
}

/** What runs, and the limits that it has; read each time, because a reload changes them. */
function settingReadings({ version, limits }: WatchDeps): Reading[] {
  const build: Reading = {
    metric: METRICS.buildInfo,
    attributes: { [LABEL.version]: version, [LABEL.nodeVersion]: process.version },
    read: () => 1,
  };
  if (limits === undefined) return [build];
  const shown: Readonly<Record<string, () => number>> = {
    connections: () => limits.connections,
    connections_per_user: () => limits.connectionsPerUser,
    pending: () => limits.pending,
    pending_per_user: () => limits.pendingPerUser,
    retained_bytes: () => limits.retainedBytes,
    in_flight_bytes: () => limits.inFlightBytes,
    message_bytes: () => limits.messageBytes,
  };
  const limit = ([name, read]: [string, () => number]): Reading => ({
    metric: METRICS.limit,
    attributes: { [LABEL.limit]: name },
    read,
  });
  return [build, ...Object.entries(shown).map(limit)];
}

/** Sessions that outlive their connection, and messages kept for them. */
function sessionReadings({ sessions, retention }: WatchDeps): Reading[] {
  if (sessions === undefined || retention === undefined) return [];
  const refused = (reason: UnretainedReason): Reading => ({
    metric: METRICS.retainedRefused,
    attributes: { [LABEL.reason]: reason },
    read: () => retention().refused[reason],
  });
  return [
    ...readingsOf(METRICS.sessionResume, LABEL.result, sessions.resume),
    ...readingsOf(METRICS.sessionEnded, LABEL.reason, sessions.ended),
    { metric: METRICS.sessionWaiting, attributes: {}, read: () => sessions.waiting },
    { metric: METRICS.retainedBytes, attributes: {}, read: () => retention().bytes },
    ...UNRETAINED_REASONS.map(refused),
  ];
}

/**
 * Series of the store that outlives the process. There is none without one: a 0 would say that all
 * is well with it.
 */
function storeReadings(store: LastingStore | undefined): Reading[] {
  if (store === undefined) return [];
  const { engine, file, shared, restored } = store;
  return [
    { metric: METRICS.storeDegraded, attributes: {}, read: () => Number(engine.degraded !== undefined) },
    series(METRICS.storeOperations, LABEL.result, 'ok', () => engine.counters.writes),
    series(METRICS.storeOperations, LABEL.result, 'failed', () => engine.counters.failures),
    { metric: METRICS.storeWritten, attributes: {}, read: () => engine.counters.written },
    { metric: METRICS.storeStalled, attributes: {}, read: () => engine.counters.stalledMs / 1000 },
    series(METRICS.deadLetters, LABEL.result, 'kept', () => engine.deadLetters.counters.kept),
    series(METRICS.deadLetters, LABEL.result, 'failed', () => engine.deadLetters.counters.failed),
    { metric: METRICS.deadLetterSize, attributes: {}, read: () => engine.deadLetters.bytes },
    ...readingsOf(METRICS.storeRestored, LABEL.kind, restored),
    ...(file === undefined ? [] : fileReadings(file)),
    ...(shared === undefined ? [] : sharedReadings(shared)),
  ];
}

const series = (metric: Reading['metric'], label: string, value: string, read: () => number): Reading => ({
  metric,
  attributes: { [label]: value },
  read,
});

function fileReadings(file: FileStore): Reading[] {
  const { sessions, deliveries } = file.left.dropped;
  return [
    { metric: METRICS.storeSize, attributes: {}, read: () => file.bytes },
    ...readingsOf(METRICS.storeDropped, LABEL.kind, { sessions, deliveries }),
  ];
}

function sharedReadings(shared: RedisStore): Reading[] {
  const { link } = shared;
  return [
    { metric: METRICS.storeWaiting, attributes: {}, read: () => link.waitingBytes },
    { metric: METRICS.storeHeld, attributes: {}, read: () => shared.journal.held },
    { metric: METRICS.storeLost, attributes: {}, read: () => link.counters.dropped },
    { metric: METRICS.storeRetold, attributes: {}, read: () => shared.retold },
  ];
}

/** The counts without hooks: a series of zeros tells panels and alerts that nothing happens. */
const NO_HOOKS: NonNullable<WatchDeps['hooks']> = {
  counters: createHookCounters(),
  waiting: 0,
  breaker: { state: 'closed', opened: 0 },
};

/** Notices to the backend. */
function hookReadings({ hooks = NO_HOOKS }: WatchDeps): Reading[] {
  const { counters, breaker } = hooks;
  const requests = HOOK_KINDS.flatMap((kind) =>
    REQUEST_RESULTS.map((result) => ({
      metric: METRICS.hookRequests,
      attributes: { [LABEL.kind]: kind, [LABEL.result]: result },
      read: () => counters.requests[kind][result],
    })),
  );
  return [
    ...requests,
    ...readingsOf(METRICS.hookDropped, LABEL.reason, counters.dropped),
    { metric: METRICS.hookQueued, attributes: {}, read: () => hooks.waiting },
    { metric: METRICS.hookBreakerOpened, attributes: {}, read: () => breaker.opened },
    { metric: METRICS.hookPayloadOmitted, attributes: {}, read: () => counters.payloadsOmitted },
  ];
}
