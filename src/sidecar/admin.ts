// sidecar: the admin server joined with the sidecar: what it may read, and how a connection looks there.
import { fileURLToPath } from 'node:url';
import type { ConnectionBook } from '../admin/connection-book.ts';
import type { MessageLog } from '../admin/message-log.ts';
import type { AdminDeps, ConnectionView } from '../admin/ports.ts';
import type { UnmatchedBook } from '../admin/unmatched-book.ts';
import type { Config } from '../config/config.ts';
import type { Connection } from '../connection/connection.ts';
import type { Operator } from '../delivery/operator.ts';
import type { Session } from '../delivery/session.ts';
import { clientAddress, createPeerCheck } from '../front/trusted-proxies.ts';
import { middleMs } from '../telemetry/metrics/latency.ts';
import { now, wallOf } from '../time/clock.ts';
import { VERSION } from '../version.ts';
import type { Scrapes } from './last-scrape.ts';
import type { Watch } from './observe.ts';
import type { DrainState } from './stop.ts';
import type { StoreEngine } from './store.ts';
import type { UpstreamCheck } from './upstream-check.ts';

/** The parts of a sidecar that the admin server reads. */
export interface AdminSide {
  readonly config: Config;
  readonly watch: Watch;
  readonly store: AdminDeps['store'];
  readonly connections: ReadonlySet<Connection>;
  /**
   * Sessions that can be resumed. Sessions of clients that have not opted in go with their
   * connection.
   */
  readonly resumable: () => Iterable<Session>;
  readonly book: ConnectionBook;
  readonly messages: MessageLog | undefined;
  readonly unmatched: UnmatchedBook;
  readonly operator: Operator;
  readonly state: Readonly<DrainState>;
  /** Begins to part from every client. */
  readonly drain: (reason: string) => void;
  readonly counters: AdminDeps['counters'];
  readonly upstreamCheck: UpstreamCheck;
  readonly scrapes: Scrapes;
  /** Reads the configuration again. */
  readonly reload: AdminDeps['reload'];
  /** The store that outlives the process, where there is one. */
  readonly lasting: StoreEngine | undefined;
  /** What was lost, where the store keeps that. */
  readonly deadLetters: AdminDeps['deadLetters'];
  /** The other instances, where they share a store. */
  readonly across: AdminDeps['across'];
  readonly report: AdminDeps['report'];
  readonly log: { info(fields: object, message: string): void };
}

/** The ports of the admin server. Its clock (`startedAt`) starts now. */
export function adminDeps(side: AdminSide): AdminDeps {
  const {
    config,
    watch,
    store,
    connections,
    book,
    messages,
    operator,
    state,
    counters,
    upstreamCheck,
    scrapes,
    lasting,
    report,
  } = side;
  const { readOnly, payloads, redact, traceUrl } = config.admin;
  const isTrusted = createPeerCheck(config.trustedProxies);
  return {
    store,
    stats: () => watch.stats(),
    statistics: {
      totals: () => ({ ...watch.totals(), pending: store.pending, connections: connections.size }),
      latencyMs: middleMs,
    },
    connections: () => Array.from(connections, connectionView),
    book,
    sessions: () => sessionsOf(connections, side.resumable()),
    messages,
    unmatched: side.unmatched,
    deadLetters: side.deadLetters,
    across: side.across,
    drain: {
      begin: side.drain,
      progress: () => ({
        state: state.drained ? 'drained' : state.draining ? 'draining' : 'serving',
        connections: connections.size,
        pending: store.pending,
      }),
    },
    operator,
    audit: (line) => side.log.info({ stage: 'audit', ...line }, `audit: ${line.action} by ${line.by ?? line.remote}`),
    settings: { readOnly, payloads, redact, traceUrl, objective: config.objective },
    metrics: (accept) => watch.scrape(accept),
    reload: side.reload,
    scraped: (from) => scrapes.asked(from),
    health() {
      const { up, reason } = upstreamCheck;
      const waits = config.readiness.upstream ? reason : undefined;
      const drains = state.drained ? 'drained' : state.draining ? 'draining' : undefined;
      const reasons = [drains, waits].filter((each) => each !== undefined);
      const upstream = up === undefined ? 'unknown' : up ? 'up' : (reason ?? 'down');
      const degraded = lasting?.degraded === undefined ? [] : [lasting.degraded];
      return { ready: reasons.length === 0, reasons, degraded, upstream };
    },
    traceId: (delivery) => watch.traceId(delivery),
    watch: (observer) => watch.follow(observer),
    info: { service: config.serviceName, version: VERSION, startedAt: now() },
    pageFolder: fileURLToPath(new URL('../page', import.meta.url)),
    clientAddress: (peer, forwardedFor) => clientAddress(peer, forwardedFor, isTrusted),
    token: config.admin.token,
    now,
    counters,
    wallOf,
    report,
  };
}

/** Every session once: those that have a connection, and those whose client is away. */
function sessionsOf(connections: Iterable<Connection>, resumable: Iterable<Session>): ReadonlySet<Session> {
  const sessions = new Set(resumable);
  for (const { session } of connections) sessions.add(session);
  return sessions;
}

/** A connection as the admin server sees it now. */
export function connectionView({ facts, session, messages }: Connection): ConnectionView {
  const { id, seq, openedAt, remote, path } = facts;
  const { key, user, claimedUser, capability, pending } = session;
  return { id, seq, openedAt, remote, path, session: key, user, claimedUser, capability, pending, messages };
}
