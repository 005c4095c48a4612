// admin: GET /api/v1/stats: counts and rates since the start, as the sidecar keeps them.
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { badQuery, json } from './reply.ts';
import type { Route } from './route.ts';

/** The statistics, unchanged. */
export function statsRoute(deps: AdminDeps): Route {
  return {
    path: '/api/v1/stats',
    open: false,
    answer({ search }) {
      const faults = createQuery(search).faults();
      return faults.length > 0 ? badQuery(faults) : json(200, deps.stats());
    },
  };
}
