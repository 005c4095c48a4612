// admin: GET /api/v1/about: who answers and what may be done here: what a page or a command asks first.
import { isoTime } from './iso-time.ts';
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { badQuery, json } from './reply.ts';
import type { Route } from './route.ts';
import type { AboutJson } from './shapes.ts';

/** Service, version, permissions and objectives. */
export function aboutRoute(deps: AdminDeps): Route {
  const { info, settings } = deps;
  return {
    path: '/api/v1/about',
    open: false,
    answer({ search, via }) {
      const faults = createQuery(search).faults();
      if (faults.length > 0) return badQuery(faults);
      return json(200, {
        service: info.service,
        version: info.version,
        started_at: isoTime(info.startedAt, deps),
        now: isoTime(deps.now(), deps),
        read_only: settings.readOnly,
        token_required: deps.token !== undefined,
        via,
        payloads: settings.payloads,
        trace_url: settings.traceUrl ?? null,
        objective: settings.objective,
      } satisfies AboutJson);
    },
  };
}
