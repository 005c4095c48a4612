// sidecar: joins the counts of relay, decoder and core to metrics, spans and statistics. Decides nothing.
import type { AdminCounters } from '../admin/places.ts';
import { createDeliverySteps } from '../channels/delivery-steps.ts';
import type { AgentConfig, Config } from '../config/config.ts';
import type { ConnectionObserver, ConnectionFacts as Facts, UnreadReason } from '../connection/parts.ts';
import type { Decoder } from '../decode/decoder.ts';
import type { Journal } from '../delivery/journal.ts';
import { ObserverList } from '../delivery/observers.ts';
import type { Observer, Report } from '../delivery/ports.ts';
import type { Delivery } from '../delivery/record.ts';
import type { Retention } from '../delivery/retention.ts';
import type { Session } from '../delivery/session.ts';
import type { FrontCounters } from '../front/counters.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { RelayCounters } from '../relay/tap.ts';
import type { SessionCounters } from '../resume/counters.ts';
import type { AgentWatch } from '../telemetry/agents/agent-watch.ts';
import { createConnectionMetrics } from '../telemetry/metrics/connections.ts';
import { createDeliveryMetrics } from '../telemetry/metrics/metrics.ts';
import { createMetricProducer } from '../telemetry/metrics/producer.ts';
import { createReadings } from '../telemetry/metrics/readings.ts';
import { createRuntimeMetrics } from '../telemetry/metrics/runtime.ts';
import { createStandstillMetrics } from '../telemetry/metrics/standstills.ts';
import type { Stats } from '../telemetry/metrics/stats.ts';
import type { Totals } from '../telemetry/metrics/totals.ts';
import { createExportCounters } from '../telemetry/otlp/drops.ts';
import { createOutcomeLog } from '../telemetry/outcome-log.ts';
import { ScrapeExporter } from '../telemetry/scrape/exporter.ts';
import { startTelemetry } from '../telemetry/sdk.ts';
import { startBeat } from '../time/beat.ts';
import { type Exports, readings } from './counter-series.ts';
import { connectionFacts, openAgents, openSpans, spanFacts, startLooks } from './observe-spans.ts';
import type { LastingStore } from './store.ts';

/** `limits` of the configuration, as far as metrics show them. */
export type ShownLimits = Pick<
  Config['limits'],
  | 'connections'
  | 'connectionsPerUser'
  | 'pending'
  | 'pendingPerUser'
  | 'retainedBytes'
  | 'inFlightBytes'
  | 'messageBytes'
>;

export interface WatchDeps {
  readonly counters: { readonly relay: RelayCounters; readonly front: FrontCounters; readonly admin?: AdminCounters };
  readonly decoder: Decoder;
  readonly unread: Readonly<Record<UnreadReason, number>>;
  /** Called for each confirmation that changed nothing. */
  readonly unmatched?: Observer['unmatched'];
  /** Connections cut because their client was silent. */
  readonly silent: { readonly cut: number };
  /** Connections ended because they were old or idle. */
  readonly aged?: Readonly<Record<string, number>>;
  /** Upgrade requests by result of the search for their user. */
  readonly identity?: Readonly<Record<string, number>>;
  readonly sessions?: SessionCounters;
  /** Counters that are read when metrics are collected. */
  readonly retention?: () => Retention;
  /**
   * Counts of notices to the backend, where there are hooks. `follow` tells the hooks of
   * deliveries.
   */
  readonly hooks?: Pick<Hooks, 'counters' | 'waiting' | 'breaker'> | undefined;
  /**
   * The journal, where something outlives the process: told of every step first, and handed over
   * before telemetry leaves.
   */
  readonly journal?: Journal | undefined;
  readonly store?: LastingStore | undefined;
  /** Whether the upstream takes connections, as far as it is known. */
  readonly upstreamUp?: (() => boolean | undefined) | undefined;
  /** The limits that are shown beside what they limit. */
  readonly limits?: ShownLimits;
  /** The bound of memory, where there is one. */
  readonly memory?: { readonly bound: number; readonly used: number };
  readonly tracing: {
    readonly keepConfirmed: number;
    readonly slowMs: number;
    readonly events: 'span' | 'log' | 'both';
    readonly userHashKey: string | undefined;
    readonly peerAddress: boolean;
    /**
     * How long a delivery or a connection is open before spans show it, ms; 0 = not before its end.
     */
    readonly pendingAfterMs: number;
  };
  readonly inFlight: {
    /** Shows every delivery in flight, the newest first, until the visitor returns false. */
    each(visit: (delivery: Delivery) => boolean): void;
    /** Number of the latest delivery. */
    latest(): number;
  };
  /** Event types of agents. Left out: their tools and runs are not watched. */
  readonly agents?: AgentConfig | undefined;
  readonly serviceName: string;
  readonly version: string;
  /** The server address of connections whose Host header names none. */
  readonly serverPort: number;
  readonly now: () => number;
  readonly report: Report;
  /** Writes one line about each delivery that ended badly. */
  readonly log: OutcomeLines;
}

/** The log of outcomes. */
export interface OutcomeLines {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** The address and time of a handshake, before it is a connection. */
export type HandshakeFacts = Pick<Facts, 'id' | 'host' | 'port' | 'openedAt'>;

/** The spans of handshakes that came without a trace. */
export interface Handshakes {
  /**
   * Starts a span and returns its context as a `traceparent`. The span goes on in the connection
   * with that id, or is `refused`.
   */
  begin(facts: HandshakeFacts): string;
  /**
   * Ends the span of a handshake that became no connection. `status` is the answer to the client; 0
   * = the client left before.
   */
  refused(id: string, status: number): void;
}

/**
 * Figures that the statistics cannot know: messages with several events, and messages that are not
 * seen.
 */
export interface Unreadable {
  /**
   * Events beyond the first of their message. Without these, `tracked`, `shed` and `untracked` make
   * up the messages relayed (SPEC D16).
   */
  readonly batched: number;
  /** WebSockets so far whose extensions could not be read. Their messages passed uncounted. */
  readonly unreadable_connections: number;
}

/** The watching side of a sidecar. */
export interface Watch {
  /** The observer of every step of every delivery. */
  readonly observer: Observer;
  readonly connections: ConnectionObserver;
  stats(): Stats & Unreadable;
  /** The counts for windows of time. */
  totals(): Totals;
  /** Notes a standstill of `ms`. */
  stoodStill(ms: number): void;
  scrape(accept: string): Promise<{ contentType: string; body: string | Buffer }>;
  /** Spans of handshakes, for upstreams that are told of them; undefined where spans go nowhere. */
  readonly handshakes: Handshakes | undefined;
  traceId(delivery: Delivery): string | undefined;
  /** Adds an observer of every step. The result removes it. */
  follow(observer: Observer): () => void;
  /**
   * Notes that the session is over and will not be resumed. A session that cannot be resumed ends
   * with its connection's `closed`.
   */
  sessionEnded(session: Session): void;
  /** As `Telemetry.shutdown`. */
  shutdown(timeoutMs: number, quietMs?: number): Promise<void>;
}

/**
 * Gap between two looks, ms: orphans and silent runs are counted in tens of seconds, and every
 * wake-up of an idle process costs its host.
 */
const AGENT_BEAT_MS = 500;

/**
 * Starts metrics, and the OpenTelemetry SDK.
 */
export async function startWatch(deps: WatchDeps): Promise<Watch> {
  const metrics = createDeliveryMetrics({ outlived: deps.journal !== undefined });
  const connectionMetrics = createConnectionMetrics();
  const runtime = createRuntimeMetrics();
  const standstills = createStandstillMetrics();
  const counted = () => createExportCounters();
  const exports: Exports = { spans: counted(), logs: counted(), metrics: counted() };
  let agents: AgentWatch | undefined;
  const sources = [
    metrics.source,
    connectionMetrics.source,
    createReadings(readings(deps, exports)),
    runtime.source,
    standstills.source,
  ];
  const handOver = (): void => deps.journal?.handOver();
  const first = (): [] => {
    handOver();
    return [];
  };
  const producer = createMetricProducer({
    sources: [first, ...sources, () => agents?.source() ?? []],
    version: deps.version,
    startedAt: deps.now(),
    now: deps.now,
  });
  const exporter = new ScrapeExporter([producer]);
  const telemetry = startTelemetry({
    serviceName: deps.serviceName,
    version: deps.version,
    metricProducers: [producer],
    metricReaders: [exporter],
    report: deps.report,
    counters: exports.spans,
    logCounters: exports.logs,
    metricCounters: exports.metrics,
    events: deps.tracing.events,
    beforeExport: handOver,
  });
  const spans = openSpans(deps, telemetry, metrics);
  const outcomes = createOutcomeLog({
    log: (level, fields, message) => deps.log[level](fields, message),
    traceContext: (delivery) => spans?.traceContext(delivery),
  });
  agents = openAgents(deps, telemetry, spans);
  const stopLooks = startLooks(deps, spans);
  const stopBeat = agents === undefined ? undefined : startBeat(agents, deps.report, AGENT_BEAT_MS);
  // The log comes after the spans: a delivery that went wrong may get its span, and so its trace
  // id, only now. It is joined to the log instead of being one more observer of every step.
  const logged: Observer = { ...outcomes.observer, ...(deps.unmatched && { unmatched: deps.unmatched }) };
  const all = [deps.journal?.steps, metrics, spans?.observer, logged, agents?.observer, createDeliverySteps()];
  const observers = new ObserverList(all.filter((each) => each !== undefined));
  return {
    observer: observers,
    connections: {
      opened({ session, facts }) {
        connectionMetrics.opened('none');
        outcomes.opened(session, facts.id);
        spans?.connections.opened(session, connectionFacts(facts, deps));
      },
      capability: (_, from, to) => connectionMetrics.changed(from, to),
      closed({ session, facts }, { by, code, reason, at }) {
        connectionMetrics.closed(code, by, at - facts.openedAt, session.capability);
        spans?.connections.closed(session, { code, by, reason }, at);
        if (!session.resumable) agents?.sessionEnded(session, at);
      },
    },
    handshakes: spans && {
      begin: (facts) => spans.connections.begin(spanFacts(facts, deps)),
      refused: (id, status) => spans.connections.refused(id, status, deps.now()),
    },
    stats: () => ({
      ...metrics.stats(untracked(deps), { ...deps.decoder.unread }),
      batched: deps.decoder.batched,
      unreadable_connections: deps.counters.front.unreadable,
    }),
    totals: () => metrics.totals(),
    stoodStill: standstills.stoodStill,
    scrape: (accept) => exporter.scrape(accept),
    traceId: (delivery) => spans?.traceId(delivery),
    follow: (observer) => observers.add(observer),
    sessionEnded: (session) => agents?.sessionEnded(session, deps.now()),
    async shutdown(timeoutMs, quietMs) {
      stopBeat?.();
      stopLooks();
      spans?.stop();
      runtime.stop();
      outcomes.stop();
      await telemetry.shutdown(timeoutMs, quietMs);
    },
  };
}

/** Messages that are no deliveries, by the reason of relay or decoder. */
function untracked({ decoder, unread, counters }: WatchDeps): Record<string, number> {
  return { ...decoder.others, ...unread, unwatched: counters.relay.messagesUnwatched };
}
