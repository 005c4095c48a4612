// admin: /drain: begins to part from every client while the process goes on, and says how far that is.
import { auditLine, readWhy } from './audit.ts';
import { createMembers } from './body.ts';
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { badBody, badQuery, json, problem } from './reply.ts';
import type { Route } from './route.ts';
import type { DrainJson } from './shapes.ts';

/** GET: how far it is. POST: begins it, and answers at once. There is no way back: a drained process is stopped. */
export function drainRoute(deps: AdminDeps): Route {
  const none = () => problem(404, 'Nothing is relayed in this process.');
  return {
    path: '/drain',
    open: false,
    answer({ search }) {
      const faults = createQuery(search).faults();
      if (faults.length > 0) return badQuery(faults);
      return deps.drain === undefined ? none() : json(200, deps.drain.progress() satisfies DrainJson);
    },
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
}
