// admin: GET /api/v1/connections: the open client connections, newest first, filtered, in pages that stay put.
import { CAPABILITIES } from '../delivery/words.ts';
import { isoTime } from './delivery-view.ts';
import { createPicker, readPage } from './page.ts';
import type { AdminDeps, ConnectionView } from './ports.ts';
import { createQuery } from './query.ts';
import { badQuery, json, problem } from './reply.ts';
import type { Route } from './route.ts';

function shown(connection: ConnectionView, deps: AdminDeps): object {
  return {
    id: connection.id,
    session: connection.session,
    user: connection.user ?? null,
    claimed_user: connection.claimedUser ?? null,
    capability: connection.capability,
    opened_at: isoTime(connection.openedAt, deps),
    remote: connection.remote,
    path: connection.path.split('?', 1)[0],
    pending: connection.pending,
    messages: connection.messages,
  };
}

/** The list of connections; 404 in a process that relays none. */
export function connectionsRoute(deps: AdminDeps): Route {
  return {
    path: '/api/v1/connections',
    open: false,
    answer({ search }) {
      if (deps.connections === undefined) return problem(404, 'This process relays no connections.');
      const query = createQuery(search);
      const user = query.text('user');
      const claimed = query.text('claimed_user');
      const session = query.text('session');
      const capabilities = query.words('capability', CAPABILITIES);
      const request = readPage(query, deps.info.startedAt);
      const faults = query.faults();
      if (faults.length > 0) return badQuery(faults);
      const picker = createPicker<ConnectionView>(request, deps.info.startedAt);
      for (const connection of deps.connections())
        if (
          picker.wants(connection.seq) &&
          (user === undefined || connection.user === user) &&
          (claimed === undefined || connection.claimedUser === claimed) &&
          (session === undefined || connection.session === session) &&
          (capabilities === undefined || capabilities.has(connection.capability))
        )
          picker.take(connection);
      const { items, nextCursor } = picker.page();
      return json(200, { connections: items.map((each) => shown(each, deps)), next_cursor: nextCursor });
    },
  };
}
