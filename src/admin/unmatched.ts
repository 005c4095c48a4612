// admin: GET /api/v1/unmatched: the latest confirmations that changed nothing, newest first.
import { UNMATCHED_REASONS } from '../delivery/words.ts';
import { isoTime } from './iso-time.ts';
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { badQuery, json, problem } from './reply.ts';
import type { Route } from './route.ts';
import type { UnmatchedWord } from './unmatched-book.ts';
import type { UnmatchedJson, UnmatchedPageJson } from './unmatched-shapes.ts';

/** Most that one answer lists. */
export const UNMATCHED_LIMIT = 500;

/** The list; 404 in a process that remembers none. */
export function unmatchedRoute(deps: AdminDeps): Route {
  return {
    path: '/api/v1/unmatched',
    open: false,
    answer({ search }) {
      const { unmatched } = deps;
      if (unmatched === undefined) return problem(404, 'This process remembers no confirmations.');
      const query = createQuery(search);
      const reasons = query.words('reason', UNMATCHED_REASONS);
      const event = query.text('event_id');
      const session = query.text('session');
      const user = query.text('user');
      const limit = query.whole('limit', 1, UNMATCHED_LIMIT, 50);
      const faults = query.faults();
      if (faults.length > 0) return badQuery(faults);
      const found: UnmatchedJson[] = [];
      for (const word of unmatched.all()) {
        if (found.length === limit) break;
        if (
          (reasons === undefined || reasons.has(word.reason)) &&
          (event === undefined || word.eventId === event) &&
          (session === undefined || word.session === session) &&
          (user === undefined || word.user === user)
        )
          found.push(shown(word, deps));
      }
      return json(200, { unmatched: found, forgotten: unmatched.forgotten } satisfies UnmatchedPageJson);
    },
  };
}

function shown({ at, reason, eventId, session, user, connection }: UnmatchedWord, deps: AdminDeps): UnmatchedJson {
  return {
    at: isoTime(at, deps),
    reason,
    event_id: eventId,
    session,
    user: user ?? null,
    connection: connection ?? null,
  };
}
