// sidecar: the admin server joined with the sidecar: what it may read, and how a connection looks there.
import type { AdminDeps, ConnectionView } from '../admin/ports.ts';
import type { Config } from '../config/config.ts';
import type { Connection } from '../connection/connection.ts';
import { now, wallOf } from '../time/clock.ts';
import { VERSION } from '../version.ts';
import type { Watch } from './observe.ts';
import type { UpstreamCheck } from './upstream-check.ts';

/** What of a sidecar the admin server is given. */
export interface AdminSide {
  readonly config: Config;
  readonly watch: Watch;
  readonly store: AdminDeps['store'];
  readonly connections: ReadonlySet<Connection>;
  readonly state: { readonly draining: boolean };
  readonly counters: AdminDeps['counters'];
  /** Only where readiness depends on it. */
  readonly upstreamCheck: UpstreamCheck | undefined;
  readonly report: AdminDeps['report'];
}

/** The ports of the admin server; it starts its clock (`startedAt`) now. */
export function adminDeps(side: AdminSide): AdminDeps {
  const { config, watch, store, connections, state, counters, upstreamCheck, report } = side;
  return {
    store,
    stats: () => watch.stats(),
    connections: () => Array.from(connections, view),
    metrics: (accept) => watch.scrape(accept),
    health() {
      const reasons = [state.draining ? 'draining' : undefined, upstreamCheck?.reason].filter(
        (reason) => reason !== undefined,
      );
      return { ready: reasons.length === 0, reasons };
    },
    traceId: (delivery) => watch.traceId(delivery),
    watch: (observer) => watch.follow(observer),
    info: { service: config.serviceName, version: VERSION, startedAt: now() },
    token: config.admin.token,
    now,
    counters,
    wallOf,
    report,
  };
}

function view({ facts, session, messages }: Connection): ConnectionView {
  const { id, seq, openedAt, remote, path } = facts;
  const { key, user, claimedUser, capability, pending } = session;
  return { id, seq, openedAt, remote, path, session: key, user, claimedUser, capability, pending, messages };
}
