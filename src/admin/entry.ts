// admin: admits a caller: token, log-in, host, origin, and how often it may ask.
import type { IncomingHttpHeaders } from 'node:http';
import { bearerOf, createTokenCheck, foreignChange, foreignOrigin, namesLoopback } from './guard.ts';
import { createPageSessions, type PageSessions } from './page-session.ts';
import { createRate, type Rate } from './rate.ts';
import { problem } from './reply.ts';
import type { Answer, Route, Via } from './route.ts';

/** Wrong tokens per address: this many at once, then one every three seconds. */
const WRONG = { burst: 20, perSecond: 1 / 3 };
/** Requests per address: more than a page and a few scripts make. */
const QUESTIONS = { burst: 400, perSecond: 100 };
/** Changes per address. */
const CHANGES = { burst: 60, perSecond: 5 };

/** One request as far as the entry judges it. */
export interface Caller {
  readonly headers: IncomingHttpHeaders;
  readonly method: string;
  readonly remote: string;
  /** The path of the mount; undefined on the own port. */
  readonly mount: string | undefined;
  /** The resource asked for, where it exists. */
  readonly route: Route | undefined;
}

/** How the caller was admitted; `undefined` via: without credentials, to an open resource. */
export interface Entered {
  readonly via: Via;
  readonly trusted: boolean;
}

export interface Entry {
  /** Log-ins; undefined where no token is asked for. */
  readonly sessions: PageSessions | undefined;
  /** Whether the text is the token. A wrong one counts against the address. */
  logIn(given: string, remote: string): boolean;
  /**
   * The refusal, or how the caller was admitted. `at` is monotonic ms, `wall` ms since the epoch.
   */
  judge(caller: Caller): Answer | Entered;
}

export interface EntryDeps {
  readonly token: string | undefined;
  readonly readOnly: boolean;
  now(): number;
  wallOf(at: number): number;
}

/** The entries of one admin server. */
export function createEntry({ token, readOnly, now, wallOf }: EntryDeps): Entry {
  const isToken = token === undefined ? undefined : createTokenCheck(token);
  const sessions = token === undefined ? undefined : createPageSessions(token);
  const wrong = createRate(WRONG.burst, WRONG.perSecond);
  const questions = createRate(QUESTIONS.burst, QUESTIONS.perSecond);
  const changes = createRate(CHANGES.burst, CHANGES.perSecond);

  /**
   * The credentials that the caller proves itself by; undefined = none. Returns a refusal where it
   * has been wrong too often.
   */
  function identify({ headers, remote, mount }: Caller): Via | Answer | undefined {
    if (isToken === undefined || sessions === undefined) return mount === undefined ? 'open' : undefined;
    const given = bearerOf(headers);
    if (given === undefined) return sessions.good(headers.cookie ?? '', wallOf(now())) ? 'session' : undefined;
    // The limit comes before the comparison: a guesser must not learn from the refusal that it was
    // right.
    if (!wrong.has(remote, now())) return tooMany(wrong, remote, now());
    if (isToken(given)) return 'bearer';
    wrong.take(remote, now());
    return undefined;
  }

  function judgeChange({ headers, remote, route }: Caller, via: Via | undefined): Answer | undefined {
    const foreign = via === 'bearer' ? undefined : foreignChange(headers);
    if (foreign !== undefined) return problem(403, foreign, { code: 'foreign_origin' });
    if (!/^application\/json(?:\s*;|\s*$)/i.test(headers['content-type'] ?? ''))
      return problem(415, 'Changes are sent as application/json.');
    if (readOnly && route?.harmless !== true)
      return problem(403, 'This admin server is read-only (admin.read_only).', { code: 'read_only' });
    return changes.take(remote, now()) ? undefined : tooMany(changes, remote, now());
  }

  return {
    sessions,
    logIn(given, remote) {
      if (isToken === undefined || !wrong.has(remote, now())) return false;
      if (isToken(given)) return true;
      wrong.take(remote, now());
      return false;
    },
    judge(caller) {
      const { headers, method, remote, mount, route } = caller;
      if (mount === undefined && token === undefined && !namesLoopback(headers.host))
        return problem(421, 'Without a token the admin server answers only to a loopback name in the Host header.');
      const via = identify(caller);
      if (typeof via === 'object') return via;
      const isOpen = route?.open === true && !(route.page === true && mount !== undefined && token === undefined);
      if (via === undefined && !isOpen) return refusal(token);
      if (method === 'POST' && route?.change !== undefined) {
        const refused = judgeChange(caller, via);
        if (refused !== undefined) return refused;
      } else if (!isOpen && method !== 'OPTIONS') {
        const foreign = via === 'bearer' ? undefined : foreignOrigin(headers);
        if (foreign !== undefined) return problem(403, foreign, { code: 'foreign_origin' });
        if (!questions.take(remote, now())) return tooMany(questions, remote, now());
      }
      return { via: via ?? 'open', trusted: via !== undefined || mount === undefined };
    },
  };
}

function tooMany(rate: Rate, remote: string, at: number): Answer {
  return problem(429, 'Too many requests from this address.', {
    headers: { 'Retry-After': String(rate.wait(remote, at)) },
  });
}

function refusal(token: string | undefined): Answer {
  if (token === undefined)
    return problem(403, 'On the public port only health is served unless a token is configured.');
  return problem(401, 'Send the admin token as "Authorization: Bearer …", or log in on the page.', {
    headers: { 'WWW-Authenticate': 'Bearer realm="ackspan"' },
  });
}
