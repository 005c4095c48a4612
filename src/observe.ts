// Everything that watches: joins the counts of relay, decoder and core to metrics, spans and statistics. Nothing here decides anything.
import type { Decoder } from './decode/decoder.ts';
import type { Observer } from './delivery/ports.ts';
import type { Delivery } from './delivery/record.ts';
import type { FrontCounters } from './relay/front-counters.ts';
import type { RelayCounters, SkipReason } from './relay/tap.ts';
import type { ConnectionObserver } from './session.ts';
import { createConnectionMetrics } from './telemetry/connections.ts';
import { createSpanCounters, type SpanCounters } from './telemetry/drops.ts';
import { ScrapeExporter } from './telemetry/exporter.ts';
import { createDeliveryMetrics, type DeliveryMetrics } from './telemetry/metrics.ts';
import { LABEL, METRICS } from './telemetry/names.ts';
import { createMetricProducer } from './telemetry/producer.ts';
import { createReadings, type Reading, readingsOf } from './telemetry/readings.ts';
import { createRuntimeMetrics } from './telemetry/runtime.ts';
import type { Telemetry } from './telemetry/sdk.ts';
import { createSpans, type Spans } from './telemetry/spans.ts';
import type { Stats } from './telemetry/stats.ts';

export interface WatchDeps {
  readonly counters: { readonly relay: RelayCounters; readonly front: FrontCounters };
  readonly decoder: Decoder;
  readonly skipped: Readonly<Record<SkipReason, number>>;
  readonly tracing: {
    readonly keepConfirmed: number;
    readonly slowMs: number;
    readonly events: 'span' | 'log' | 'both';
    readonly userHashKey: string | undefined;
  };
  readonly serviceName: string;
  readonly version: string;
  /** For connections whose Host header names none. */
  readonly serverPort: number;
  readonly now: () => number;
  report(fault: { stage: string; error: unknown }): void;
}

/** The watching side of a sidecar. */
export interface Watch {
  /** Told of every step of every delivery. */
  readonly observer: Observer;
  readonly connections: ConnectionObserver;
  stats(): Stats;
  scrape(accept: string): Promise<{ contentType: string; body: string }>;
  traceId(delivery: Delivery): string | undefined;
  /** Adds somebody who wants to hear every step too; the result ends it. */
  follow(observer: Observer): () => void;
  shutdown(timeoutMs: number): Promise<void>;
}

/** Starts metrics at once and the OpenTelemetry SDK behind a lazy import, because it costs start-up time. */
export async function startWatch(deps: WatchDeps): Promise<Watch> {
  const metrics = createDeliveryMetrics();
  const connectionMetrics = createConnectionMetrics();
  const runtime = createRuntimeMetrics();
  const spanCounters = createSpanCounters();
  const producer = createMetricProducer({
    sources: [metrics.source, connectionMetrics.source, createReadings(readings(deps, spanCounters)), runtime.source],
    version: deps.version,
    startedAt: deps.now(),
    now: deps.now,
  });
  const exporter = new ScrapeExporter([producer]);
  const { startTelemetry } = await import('./telemetry/sdk.ts');
  const telemetry = startTelemetry({
    serviceName: deps.serviceName,
    version: deps.version,
    metricProducers: [producer],
    metricReaders: [exporter],
    report: deps.report,
    counters: spanCounters,
  });
  const spans = openSpans(deps, telemetry, metrics);
  const fan = new Fan(spans === undefined ? [metrics] : [metrics, spans.observer]);
  return {
    observer: fan,
    connections: {
      opened({ session, facts }) {
        connectionMetrics.opened('none');
        const serverPort = facts.port === 0 ? deps.serverPort : facts.port;
        spans?.connections.opened(session, { ...facts, serverAddress: facts.host, serverPort });
      },
      capability: (_, from, to) => connectionMetrics.changed(from, to),
      closed({ session, facts }, by, code, now) {
        connectionMetrics.closed(code, by, now - facts.openedAt, session.capability);
        spans?.connections.closed(session, code, by, now);
      },
    },
    stats: () => metrics.stats(),
    scrape: (accept) => exporter.scrape(accept),
    traceId: (delivery) => spans?.traceId(delivery),
    follow: (observer) => fan.add(observer),
    async shutdown(timeoutMs) {
      runtime.stop();
      await telemetry.shutdown(timeoutMs);
    },
  };
}

function openSpans(deps: WatchDeps, telemetry: Telemetry, metrics: DeliveryMetrics): Spans | undefined {
  if (telemetry.tracer === undefined) return undefined;
  const { keepConfirmed, slowMs, events, userHashKey } = deps.tracing;
  return createSpans({
    tracer: telemetry.tracer,
    sampling: { keepConfirmed, slowMs },
    events,
    userHashKey,
    exemplar: (delivery, traceId, spanId) => metrics.exemplar(delivery, traceId, spanId),
  });
}

/** Tells several observers; what one throws reaches neither the others' turn nor the caller's state (SPEC D8: the tap reports it). */
class Fan implements Observer {
  #all: readonly Observer[];
  constructor(all: readonly Observer[]) {
    this.#all = all;
  }
  add(observer: Observer): () => void {
    this.#all = [...this.#all, observer];
    return () => {
      this.#all = this.#all.filter((each) => each !== observer);
    };
  }
  tracked(...step: Parameters<Observer['tracked']>): void {
    for (const each of this.#all) each.tracked(...step);
  }
  attempted(...step: Parameters<Observer['attempted']>): void {
    for (const each of this.#all) each.attempted(...step);
  }
  received(...step: Parameters<Observer['received']>): void {
    for (const each of this.#all) each.received(...step);
  }
  settled(...step: Parameters<Observer['settled']>): void {
    for (const each of this.#all) each.settled(...step);
  }
  upgraded(...step: Parameters<Observer['upgraded']>): void {
    for (const each of this.#all) each.upgraded(...step);
  }
  unmatched(...step: Parameters<Observer['unmatched']>): void {
    for (const each of this.#all) each.unmatched(...step);
  }
  shed(...step: Parameters<Observer['shed']>): void {
    for (const each of this.#all) each.shed(...step);
  }
}

/** Plain counters of other folders, as series. */
function readings(deps: WatchDeps, spans: SpanCounters): Reading[] {
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
    series(METRICS.connectionRejected, LABEL.reason, 'upstream', () => front.refusedByUpstream),
    series(METRICS.connectionRejected, LABEL.reason, 'limit', () => front.refusedByLimit),
    series(METRICS.connectionRejected, LABEL.reason, 'upstream_down', () => front.upstreamFailed),
    series(METRICS.connectionRejected, LABEL.reason, 'handshake_timeout', () => front.handshakeTimeouts),
    series(METRICS.connectionRejected, LABEL.reason, 'client_gone', () => front.clientGone),
    ...readingsOf(METRICS.untracked, LABEL.reason, deps.decoder.others),
    ...readingsOf(METRICS.untracked, LABEL.reason, deps.skipped),
    series(METRICS.telemetrySpans, LABEL.result, 'exported', () => spans.exported),
    series(METRICS.telemetrySpans, LABEL.result, 'dropped', () => spans.dropped),
    series(METRICS.telemetrySpans, LABEL.result, 'failed', () => spans.failed),
  ];
}
