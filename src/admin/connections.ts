// admin: GET /api/v1/connections and …/{id}: open and lately closed connections, newest first, in stable pages.
import { CAPABILITIES, STATUSES, type Status } from '../delivery/words.ts';
import type { BookEntry } from './connection-book.ts';
import { connectionSummary, lifeStep } from './connection-view.ts';
import { createPicker, readPage } from './page.ts';
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { badQuery, json, problem } from './reply.ts';
import type { Answer, Route } from './route.ts';
import type { ConnectionDetailJson, ConnectionPageJson } from './shapes.ts';

/** The kinds of connections that a list can show. */
export const CONNECTION_STATES = ['open', 'closed', 'any'] as const;

/** An entry with the number that pages are cut by. */
interface Line {
  readonly seq: number;
  readonly entry: BookEntry;
}

/** The list of connections; 404 in a process that relays none. */
export function connectionsRoute(deps: AdminDeps): Route {
  return {
    path: '/api/v1/connections',
    open: false,
    answer({ search }) {
      const { book } = deps;
      if (book === undefined) return nothingRelayed();
      const query = createQuery(search);
      const user = query.text('user');
      const claimed = query.text('claimed_user');
      const session = query.text('session');
      const capabilities = query.words('capability', CAPABILITIES);
      const state = query.one('state', CONNECTION_STATES, 'open');
      const request = readPage(query, deps.info.startedAt);
      const faults = query.faults();
      if (faults.length > 0) return badQuery(faults);
      const picker = createPicker<Line>(request);
      for (const entry of book.each()) {
        const shown = entry.view();
        if (
          picker.wants(shown.seq) &&
          (state === 'any' || (state === 'open') === (entry.closed === undefined)) &&
          (user === undefined || shown.user === user) &&
          (claimed === undefined || shown.claimedUser === claimed) &&
          (session === undefined || shown.session === session) &&
          (capabilities === undefined || capabilities.has(shown.capability))
        )
          picker.take({ seq: shown.seq, entry });
      }
      const { items, nextCursor } = picker.page();
      const connections = items.map(({ entry }) => connectionSummary(entry, deps));
      return json(200, { connections, next_cursor: nextCursor } satisfies ConnectionPageJson);
    },
  };
}

/** One connection, open or lately closed. */
export function connectionRoute(deps: AdminDeps): Route {
  return {
    path: '/api/v1/connections/{id}',
    open: false,
    answer({ params, search }) {
      const { book } = deps;
      if (book === undefined) return nothingRelayed();
      const faults = createQuery(search).faults();
      if (faults.length > 0) return badQuery(faults);
      const entry = book.get(params.id as string);
      if (entry === undefined) return noConnection();
      return json(200, {
        ...connectionSummary(entry, deps),
        life: entry.life.map((step) => lifeStep(step, deps)),
        deliveries: countDeliveries(entry, deps),
        remembered: deps.messages?.countOf(entry.view().seq) ?? 0,
      } satisfies ConnectionDetailJson);
    },
  };
}

export function nothingRelayed(): Answer {
  return problem(404, 'This process relays no connections.');
}

export function noConnection(): Answer {
  return problem(404, 'No connection that is open, or was lately, has this id.');
}

/** Deliveries of the session that were sent while the connection was there. */
function countDeliveries(entry: BookEntry, { store }: AdminDeps): Record<Status, number> {
  const counts = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>;
  const { session, openedAt } = entry.view();
  const until = entry.closed?.at ?? Number.POSITIVE_INFINITY;
  store.each(({ session: { key }, sentAt, status }) => {
    if (key === session && sentAt >= openedAt && sentAt <= until) counts[status]++;
    return true;
  });
  return counts;
}
