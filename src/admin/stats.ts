// admin: GET /api/v1/stats: counts and rates since the start, as the sidecar keeps them, and how far a drain is.
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { badQuery, json } from './reply.ts';
import type { Route } from './route.ts';

/** The statistics, unchanged, and the drain. */
export function statsRoute(deps: AdminDeps): Route {
  return {
    path: '/api/v1/stats',
    open: false,
    answer({ search }) {
      const faults = createQuery(search).faults();
      if (faults.length > 0) return badQuery(faults);
      return json(200, { ...deps.stats(), ...(deps.drain && { drain: deps.drain.progress() }) });
    },
  };
}
