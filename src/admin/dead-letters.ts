// admin: /api/v1/dead-letters: lost deliveries that the store keeps: listed, exported as NDJSON, purged by user.
import type { ServerResponse } from 'node:http';
import { type DeadLetterBox, type LetterFilter, LettersAway } from '../delivery/dead-letters.ts';
import { ERROR_TYPES, PRIORITIES } from '../delivery/words.ts';
import { auditLine, readWhy } from './audit.ts';
import { createMembers } from './body.ts';
import type { DeadLetterPageJson, PurgeJson } from './dead-letter-shapes.ts';
import { createLetterLine, letterJson } from './dead-letter-view.ts';
import { PAGE_LIMIT } from './page.ts';
import type { AdminDeps } from './ports.ts';
import { createQuery, type Query } from './query.ts';
import { badBody, badQuery, json, problem } from './reply.ts';
import type { Answer, Change, Route } from './route.ts';

/** Why a delivery was lost. */
export const LOSS_REASONS = ERROR_TYPES.filter((type) => type !== '');
/** Letters that an export reads at a time: each may have a message of some size. */
const EXPORT_PAGE = 50;
/** Longest user that a purge names, characters. */
const USER_LIMIT = 1000;

/** The three resources. `closing`: called when the server is closed. */
export function deadLetterRoutes(deps: AdminDeps, closing: Set<() => void>): readonly Route[] {
  return [listRoute(deps), exportRoute(deps, closing), purgeRoute(deps)];
}

function listRoute(deps: AdminDeps): Route {
  return {
    path: '/api/v1/dead-letters',
    open: false,
    async answer({ search }) {
      const { deadLetters } = deps;
      if (deadLetters === undefined) return nothingKept();
      const query = createQuery(search);
      const filter = readLetterFilter(query, deadLetters);
      const limit = query.whole('limit', 1, PAGE_LIMIT, 50);
      const after = query.text('cursor');
      if (after !== undefined && !deadLetters.isCursor(after))
        query.refuse('cursor', 'not a cursor', ['next_cursor of the previous page']);
      const faults = query.faults();
      if (faults.length > 0) return badQuery(faults);
      const page = { after, limit, messages: false };
      return orAway(deadLetters.find(filter, page), ({ found, more }) =>
        json(200, {
          dead_letters: found.map(letterJson),
          next_cursor: more ? (found.at(-1)?.cursor ?? null) : null,
        } satisfies DeadLetterPageJson),
      );
    },
  };
}

function exportRoute(deps: AdminDeps, closing: Set<() => void>): Route {
  const open = new Set<ServerResponse>();
  // An export that ends early must not look like a whole one, so its connection breaks.
  closing.add(() => {
    for (const response of open) response.destroy();
  });
  return {
    path: '/api/v1/dead-letters/export',
    open: false,
    answer({ search }) {
      const { deadLetters } = deps;
      if (deadLetters === undefined) return nothingKept();
      const query = createQuery(search);
      const filter = readLetterFilter(query, deadLetters);
      const faults = query.faults();
      if (faults.length > 0) return badQuery(faults);
      return {
        kind: 'stream',
        contentType: 'application/x-ndjson',
        open(response) {
          open.add(response);
          response.once('close', () => open.delete(response));
          exportTo(response, deadLetters, filter, createLetterLine(deps.settings)).catch((error) => {
            deps.report({ stage: 'admin', error });
            response.destroy();
          });
        },
      };
    },
  };
}

/** Writes everything that matches, newest loss first, no faster than it is read. */
async function exportTo(
  response: ServerResponse,
  letters: DeadLetterBox,
  filter: LetterFilter,
  line: ReturnType<typeof createLetterLine>,
): Promise<void> {
  let after: string | undefined;
  do {
    const { found, more } = await letters.find(filter, { after, limit: EXPORT_PAGE, messages: true });
    for (const each of found) {
      if (response.destroyed) return;
      if (!response.write(line(each))) await drained(response);
    }
    after = more ? found.at(-1)?.cursor : undefined;
  } while (after !== undefined);
  response.end();
}

/** Resolves when more can be written, or nobody reads any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

function purgeRoute(deps: AdminDeps): Route {
  return {
    path: '/api/v1/dead-letters/purge',
    open: false,
    change: (change) => purge(change, deps),
  };
}

async function purge(change: Change, deps: AdminDeps): Promise<Answer> {
  const { deadLetters } = deps;
  if (deadLetters === undefined) return nothingKept();
  const wrong = createQuery(change.search).faults();
  if (wrong.length > 0) return badQuery(wrong);
  const members = createMembers(change.body);
  const why = readWhy(members);
  const user = members.text('user', USER_LIMIT, false);
  const claimedUser = members.text('claimed_user', USER_LIMIT, false);
  const faults = members.faults();
  if (faults.length > 0) return badBody(faults);
  const owner = user !== undefined ? { user } : claimedUser !== undefined ? { claimedUser } : undefined;
  if (owner === undefined || (user !== undefined && claimedUser !== undefined))
    return badBody([{ parameter: 'user', fault: 'whose letters', allowed: ['either `user` or `claimed_user`'] }]);
  // The audit comes first: a purge that breaks off half-way has removed something.
  deps.audit(auditLine('purge_dead_letters', why, change, { user, claimed_user: claimedUser }));
  return orAway(deadLetters.purge(owner), (purged) => json(200, { purged } satisfies PurgeJson));
}

/** The filters of a list of dead letters. A duration goes back from now as letters are dated. */
function readLetterFilter(query: Query, letters: DeadLetterBox): LetterFilter {
  const wall = letters.wall();
  return {
    user: query.text('user'),
    claimedUser: query.text('claimed_user'),
    session: query.text('session'),
    eventId: query.text('event_id'),
    types: query.list('type'),
    priorities: query.words('priority', PRIORITIES),
    reasons: query.words('reason', LOSS_REASONS),
    since: query.time('since', wall),
    until: query.time('until', wall),
  };
}

async function orAway<T>(asked: Promise<T>, answer: (got: T) => Answer): Promise<Answer> {
  try {
    return answer(await asked);
  } catch (error) {
    if (!(error instanceof LettersAway)) throw error;
    return problem(503, `${error.message} Ask again later: what was asked for is not done.`, { code: 'store_away' });
  }
}

function nothingKept(): Answer {
  return problem(
    404,
    'No dead letters are kept: that needs a store (`store: file:/var/lib/ackspan` or `store: redis://…`).',
    {
      code: 'no_store',
    },
  );
}
