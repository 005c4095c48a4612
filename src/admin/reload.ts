// admin: POST /reload reads the configuration again, and says what changed or why nothing did.
import type { AdminDeps } from './ports.ts';
import { json, problem } from './reply.ts';
import type { Route } from './route.ts';

/**
 * The keys that changed; 409 with every reason, and nothing changed, where one may not change or
 * the configuration has faults.
 */
export function reloadRoute(deps: AdminDeps): Route {
  return {
    path: '/reload',
    open: false,
    change() {
      if (deps.reload === undefined) return problem(404, 'Nothing can be reloaded in this process.');
      const done = deps.reload();
      return 'changed' in done ? json(200, { changed: done.changed }) : problem(409, done.faults.join(' '));
    },
  };
}
