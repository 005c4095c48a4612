// telemetry: the names of metrics, each spelled once. A public interface. span-names.ts has the names of spans.

import { FRONT_METRICS } from './front.ts';
import { HOOK_METRICS } from './hooks.ts';
import { LABEL, type MetricRow, row } from './metric-row.ts';
import { PROCESS_METRICS } from './process.ts';
import { STORE_METRICS } from './store.ts';
import { TELEMETRY_METRICS } from './telemetry.ts';

export type { MetricKind, MetricRow } from './metric-row.ts';
export { LABEL } from './metric-row.ts';
export { ATTR, SPAN, SPAN_EVENT } from './span-names.ts';

/** Instrumentation scope of every span and metric. */
export const SCOPE = 'ackspan';

/**
 * Version of the semantic conventions whose names are used here (OpenTelemetry schema URL).
 */
export const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.37.0';

/**
 * Bucket bounds of confirmation times, seconds: dense where users wait, and one edge on the default
 * deadline of 30 s.
 */
export const DELIVERY_BOUNDS = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 15, 20, 30, 45, 60,
] as const;

/**
 * Bucket bounds of connection lifetimes, seconds, with edges on the usual proxy time-outs of 30 s,
 * 60 s, 5 min and 1 h.
 */
export const CONNECTION_BOUNDS = [0.1, 1, 5, 15, 30, 60, 300, 900, 1800, 3600, 14400, 43200, 86400] as const;

/**
 * Bucket bounds of tool calls, seconds: from a look-up to a long computation, with an edge on the
 * default of `tools.orphan_after`.
 */
export const TOOL_BOUNDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600] as const;

const L = LABEL;

/**
 * All metrics of Ackspan; tables of hooks, the process and others join from their own files. The
 * key is the name in code.
 */
export const METRICS = {
  deliveryDuration: row(
    'ackspan.delivery.duration',
    'histogram',
    's',
    [L.eventType, L.priority, L.level, L.errorType],
    'Time from sending an event to its outcome; once per settled delivery, unverifiable ones excepted. A loss is in no bucket but +Inf.',
    DELIVERY_BOUNDS,
  ),
  receiveDuration: row(
    'ackspan.delivery.receive.duration',
    'histogram',
    's',
    [L.priority],
    "Time from sending an event to the barrier's proof that the client's WebSocket stack parsed it.",
    DELIVERY_BOUNDS,
  ),
  processDuration: row(
    'ackspan.delivery.process.duration',
    'histogram',
    's',
    [L.eventType, L.priority],
    "Time from sending an event to the application's confirmation, also where a pong had confirmed the event before.",
    DELIVERY_BOUNDS,
  ),
  tracked: row(
    'ackspan.delivery.tracked',
    'counter',
    '{delivery}',
    [L.eventType, L.priority],
    'Deliveries tracked; always equals pending plus settled plus handed over.',
  ),
  pending: row('ackspan.delivery.pending', 'updown', '{delivery}', [L.priority], 'Deliveries without an outcome yet.'),
  unverifiable: row(
    'ackspan.delivery.unverifiable',
    'counter',
    '{delivery}',
    [L.eventType, L.priority, L.reason],
    'Deliveries that ended without proof of receipt or of loss: neither confirmed nor failed.',
  ),
  rejectedLater: row(
    'ackspan.delivery.rejected_later',
    'counter',
    '{delivery}',
    [L.eventType, L.priority],
    'Deliveries confirmed at received whose application rejected them afterwards; their outcome stays.',
  ),
  attempts: row(
    'ackspan.delivery.attempts',
    'counter',
    '{attempt}',
    [L.kind, L.result],
    'Attempts to get deliveries confirmed; kind send is the original relay of the event.',
  ),
  shed: row(
    'ackspan.delivery.shed',
    'counter',
    '{event}',
    [L.reason, L.priority],
    'Events that passed untracked because a limit was reached.',
  ),
  unmatched: row(
    'ackspan.confirmation.unmatched',
    'counter',
    '{confirmation}',
    [L.reason],
    'Confirmations that changed nothing.',
  ),
  upgraded: row(
    'ackspan.confirmation.upgraded',
    'counter',
    '{confirmation}',
    [],
    'Deliveries whose evidence rose to a higher level after their outcome.',
  ),
  connectionActive: row(
    'ackspan.connection.active',
    'updown',
    '{connection}',
    [L.capability],
    'Open WebSocket connections by what the client has shown it can confirm.',
  ),
  connectionOpened: row(
    'ackspan.connection.opened',
    'counter',
    '{connection}',
    [],
    'WebSocket connections opened, those that go on with a session included.',
  ),
  connectionDuration: row(
    'ackspan.connection.duration',
    'histogram',
    's',
    [L.capability],
    'Lifetime of closed WebSocket connections.',
    CONNECTION_BOUNDS,
  ),
  connectionClosed: row(
    'ackspan.connection.closed',
    'counter',
    '{connection}',
    [L.code, L.by],
    'Closed WebSocket connections by close code and by who ended them; 1006 = no close frame.',
  ),
  connectionSilent: row(
    'ackspan.connection.silent',
    'counter',
    '{connection}',
    [],
    'Connections cut because the client sent nothing and answered no barrier for limits.silence.',
  ),
  connectionRejected: row(
    'ackspan.connection.rejected',
    'counter',
    '{connection}',
    [L.reason],
    'Upgrade requests that did not become a connection; a reason that is a limit is named after its key below `limits`.',
  ),
  upstreamUp: row(
    'ackspan.upstream.up',
    'gauge',
    '{upstream}',
    [],
    'Whether the upstream answered a handshake in the last seconds, or took a TCP connection that was tried then: 1 or 0.',
  ),
  relayMessages: row(
    'ackspan.relay.messages',
    'counter',
    '{message}',
    [L.direction],
    'WebSocket data messages relayed.',
  ),
  relayBytes: row(
    'ackspan.relay.bytes',
    'counter',
    'By',
    [L.direction],
    'Bytes relayed after the upgrade, frame headers included.',
  ),
  backpressure: row(
    'ackspan.relay.backpressure.duration',
    'counter',
    's',
    [L.direction],
    'Time for which reading was paused because the other side did not drain.',
  ),
  relayAdded: row(
    'ackspan.relay.added',
    'counter',
    '{frame}',
    [L.kind],
    'Frames added to the stream: barrier pings to clients, pongs owed to the upstream.',
  ),
  relayConsumed: row(
    'ackspan.relay.consumed',
    'counter',
    '{frame}',
    [L.kind],
    'Frames taken out of the client stream: barrier pongs and confirmation messages.',
  ),
  relayFaults: row(
    'ackspan.relay.faults',
    'counter',
    '{fault}',
    [L.kind],
    'Faults that turned a connection into a pure pass-through.',
  ),
  untracked: row(
    'ackspan.decode.untracked',
    'counter',
    '{message}',
    [L.reason],
    'Upstream messages relayed without tracking, by reason.',
  ),
  unread: row(
    'ackspan.decode.unread',
    'counter',
    '{message}',
    [L.kind],
    'Upstream messages in which no event could be read, by their shape. They are tracked under it, unless `events.unread: count`.',
  ),
  toolDuration: row(
    'ackspan.tool.duration',
    'histogram',
    's',
    [L.tool],
    'Time from the event that starts a tool call to the one that ends it; orphans excepted.',
    TOOL_BOUNDS,
  ),
  toolOrphaned: row(
    'ackspan.tool.orphaned',
    'counter',
    '{call}',
    [L.tool],
    'Tool calls whose end was not seen in time, or before the session ended.',
  ),
  toolUnwatched: row(
    'ackspan.tool.unwatched',
    'counter',
    '{call}',
    [L.reason],
    'Tool calls dropped without a verdict because a limit was reached.',
  ),
  orderViolations: row(
    'ackspan.order.violations',
    'counter',
    '{violation}',
    [L.kind],
    'Agent events that came out of order, or not at all.',
  ),
  identity: row(
    'ackspan.identity.requests',
    'counter',
    '{request}',
    [L.result],
    'Upgrade requests by the result of the search for their user: identified, claimed (without proof), none, or why there is none.',
  ),
  sessionResume: row(
    'ackspan.session.resume',
    'counter',
    '{session}',
    [L.result],
    'Connections of clients that have opted in, by the result of their request for a session.',
  ),
  sessionEnded: row(
    'ackspan.session.ended',
    'counter',
    '{session}',
    [L.reason],
    'Sessions of clients that have opted in that are over, by why.',
  ),
  sessionWaiting: row(
    'ackspan.session.waiting',
    'updown',
    '{session}',
    [],
    'Sessions whose client is away and may come back.',
  ),
  retainedBytes: row('ackspan.retained.bytes', 'updown', 'By', [], 'Messages kept for replays and resends.'),
  retainedRefused: row(
    'ackspan.retained.refused',
    'counter',
    '{message}',
    [L.reason],
    'Messages not kept for replays and resends: a limit was reached, or they hold several events.',
  ),
  ...FRONT_METRICS,
  ...HOOK_METRICS,
  ...STORE_METRICS,
  ...TELEMETRY_METRICS,
  ...PROCESS_METRICS,
} as const satisfies Record<string, MetricRow>;
