// admin: GET /api/v1/sessions: every session that is not over, also those whose client is away, newest first.
import type { Session } from '../delivery/session.ts';
import { CAPABILITIES } from '../delivery/words.ts';
import { nothingRelayed } from './connections.ts';
import { createPicker, readPage } from './page.ts';
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { badQuery, json } from './reply.ts';
import type { Route } from './route.ts';
import type { SessionJson, SessionPageJson } from './shapes.ts';

/** The places where a session's client can be. */
const PLACES = ['here', 'away', 'any'] as const;

/** The list of sessions; 404 in a process that relays none. */
export function sessionsRoute(deps: AdminDeps): Route {
  return {
    path: '/api/v1/sessions',
    open: false,
    answer({ search }) {
      if (deps.sessions === undefined) return nothingRelayed();
      const query = createQuery(search);
      const user = query.text('user');
      const capabilities = query.words('capability', CAPABILITIES);
      const client = query.one('client', PLACES, 'any');
      const request = readPage(query, deps.info.startedAt);
      const faults = query.faults();
      if (faults.length > 0) return badQuery(faults);
      const picker = createPicker<Session>(request);
      for (const session of deps.sessions())
        if (
          picker.wants(session.seq) &&
          (user === undefined || session.user === user) &&
          (capabilities === undefined || capabilities.has(session.capability)) &&
          (client === 'any' || (client === 'here') === (session.link !== undefined))
        )
          picker.take(session);
      const { items, nextCursor } = picker.page();
      return json(200, { sessions: items.map(shown), next_cursor: nextCursor } satisfies SessionPageJson);
    },
  };
}

function shown(session: Session): SessionJson {
  return {
    id: session.key,
    user: session.user ?? null,
    opted_in: session.optedIn,
    resumable: session.resumable,
    capability: session.capability,
    connection: session.link?.id ?? null,
    pending: session.pending,
    messages: session.lastOrdinal,
    received_through: session.receivedThrough,
    retained_bytes: session.retained,
  };
}
