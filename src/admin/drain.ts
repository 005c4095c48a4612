// admin: POST /drain and GET /api/v1/drain: parts from every client while the process goes on; how far that is.
import { auditLine, readWhy } from './audit.ts';
import { createMembers } from './body.ts';
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { badBody, badQuery, json, problem } from './reply.ts';
import type { Route } from './route.ts';
import type { DrainJson } from './shapes.ts';

/**
 * `POST /drain` begins it and answers at once; there is no way back. `GET /api/v1/drain` says how
 * far it is.
 */
export function drainRoutes(deps: AdminDeps): readonly Route[] {
  const none = () => problem(404, 'Nothing is relayed in this process.');
  const begin: Route = {
    path: '/drain',
    open: false,
    change(change) {
      if (deps.drain === undefined) return none();
      const wrong = createQuery(change.search).faults();
      if (wrong.length > 0) return badQuery(wrong);
      const members = createMembers(change.body);
      const why = readWhy(members);
      const faults = members.faults();
      if (faults.length > 0) return badBody(faults);
      deps.audit(auditLine('drain', why, change, { ...deps.drain.progress() }));
      deps.drain.begin(`asked over the admin API: ${why.reason}`);
      return json(200, deps.drain.progress() satisfies DrainJson);
    },
  };
  const progress: Route = {
    path: '/api/v1/drain',
    open: false,
    answer({ search }) {
      const faults = createQuery(search).faults();
      if (faults.length > 0) return badQuery(faults);
      return deps.drain === undefined ? none() : json(200, deps.drain.progress() satisfies DrainJson);
    },
  };
  return [begin, progress];
}
