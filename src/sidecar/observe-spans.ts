// sidecar: joins connections, deliveries and agent runs to their spans, and shows in time what stays open.
import type { ConnectionFacts as Facts } from '../connection/parts.ts';
import type { Store } from '../delivery/ports.ts';
import { type Delivery, isSettled } from '../delivery/record.ts';
import { type AgentWatch, createAgentWatch } from '../telemetry/agents/agent-watch.ts';
import type { DeliveryMetrics } from '../telemetry/metrics/metrics.ts';
import type { Telemetry } from '../telemetry/sdk.ts';
import { createPendingLook } from '../telemetry/spans/pending-spans.ts';
import { createSpans, type Spans } from '../telemetry/spans/spans.ts';
import { startBeat } from '../time/beat.ts';
import type { HandshakeFacts, WatchDeps } from './observe.ts';

/** Facts for the span of a handshake. */
export function spanFacts({ id, host, port, openedAt }: HandshakeFacts, { serverPort }: WatchDeps) {
  return { id, serverAddress: host, serverPort: port === 0 ? serverPort : port, openedAt };
}

/** Facts for the span of a connection. Only that span tells of the client. */
export function connectionFacts(facts: Facts, deps: WatchDeps) {
  const { path, agent, remote } = facts;
  return { ...spanFacts(facts, deps), path, agent, peer: deps.tracing.peerAddress ? remote : undefined };
}

/** Spans, where they go somewhere. */
export function openSpans(deps: WatchDeps, telemetry: Telemetry, metrics: DeliveryMetrics): Spans | undefined {
  if (telemetry.tracer === undefined) return undefined;
  const { events, userHashKey } = deps.tracing;
  const { runs } = deps.agents ?? {};
  return createSpans({
    tracer: telemetry.tracer,
    sampling: deps.tracing,
    events,
    logEvent: telemetry.logEvent,
    userHashKey,
    ids: telemetry.spanIds,
    runs: runs && { ends: runs.end, silentAfterMs: runs.silentAfterMs, maxRuns: runs.limit },
    exemplar: (delivery, traceId, spanId) => metrics.exemplar(delivery, traceId, spanId),
  });
}

/** Deliveries of `store` that are open. `latest` is the number of the newest delivery. */
export function inFlightOf(store: Store, latest: () => number): WatchDeps['inFlight'] {
  return { each: (visit) => store.each((delivery) => !isSettled(delivery) && visit(delivery)), latest };
}

/** Gap between two looks at what is open, ms. */
const LOOK_MS = 1000;

/**
 * Looks once a second at what has stayed open, and ends runs that are over. The result ends that.
 */
export function startLooks(deps: WatchDeps, spans: Spans | undefined): () => void {
  if (spans === undefined) return () => {};
  const look = createPendingLook({
    afterMs: deps.tracing.pendingAfterMs,
    eachOpen: deps.inFlight.each,
    latest: deps.inFlight.latest,
    show(delivery: Delivery, now) {
      if (!spans.showPending(delivery, now)) return false;
      // The next process ends the span that backends are shown now.
      deps.journal?.steps.changed?.(delivery);
      return true;
    },
    showConnections: spans.connections.show,
  });
  const tick = (now: number): boolean => {
    look(now);
    spans.tick(now);
    return false;
  };
  return startBeat({ waiting: 1, tick }, deps.report, LOOK_MS);
}

/** The watch of tools and runs, where there are any. */
export function openAgents(deps: WatchDeps, telemetry: Telemetry, spans: Spans | undefined): AgentWatch | undefined {
  const { agents, tracing } = deps;
  if (agents === undefined) return undefined;
  const { tools, runs } = agents;
  return createAgentWatch({
    events: {
      run_start: runs.start,
      run_step: runs.step,
      run_end: runs.end,
      tool_start: tools.start,
      tool_end: tools.end,
    },
    tracer: telemetry.tracer,
    runOf: (delivery) => spans?.runOf(delivery),
    // Read each time: a reload changes it.
    get keepEnded() {
      return tracing.keepConfirmed;
    },
    orphanAfterMs: tools.orphanAfterMs,
    maxOpenTools: tools.limit,
    silentAfterMs: runs.silentAfterMs,
    maxRuns: runs.limit,
  });
}
