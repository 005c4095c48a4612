// resume: the sessions that can be resumed, by id, their tokens, and whether a client may have the one it asks for.
import { randomBytes } from 'node:crypto';
import { wallOffset } from '../time/clock.ts';
import type { ResumeCounters } from './counters.ts';
import type { Tokens } from './token.ts';

/** Why a request for a session is refused. */
export type Refused = 'unknown' | 'expired' | 'forged' | 'foreign' | 'stale';

/**
 * A session that can be resumed, as far as its tokens go. The registry alone changes the figures.
 */
export interface Registered {
  readonly id: string;
  /**
   * The user of the session when it began. An event may name its user later, when tokens are out.
   */
  readonly user: string | undefined;
  /** Number of the latest welcome, and of the highest whose token was used. */
  serial: number;
  used: number;
  /** Offset from the monotonic clock to the wall clock that dated the latest token, ms. */
  offset: number;
}

export interface Registry<S extends Registered> {
  readonly size: number;
  /** Whether the limit is reached: one session must go before one is added. */
  readonly full: boolean;
  has(session: S): boolean;
  find(id: string): S | undefined;
  /** Every session that its client may come back to, or still has. */
  all(): Iterable<S>;
  /** A new id: 128 random bits. */
  newId(): string;
  add(session: S): void;
  /**
   * The session asked for, if the client may have it. The reason otherwise is counted, and the
   * client does not learn it. `now` is monotonic ms.
   */
  claim(id: string, token: string, user: string | undefined, now: number): S | undefined;
  /**
   * The session asked for, if the token is good for it. It proves no user, and nothing is counted.
   */
  hasToken(id: string, token: string, now: number): S | undefined;
  /** The token of the next welcome. */
  token(session: S, now: number): string;
  /** Returns false if the session was not there any more. */
  remove(session: S): boolean;
}

/**
 * Holds up to `limit` sessions; the caller of `add` sees to that. Tokens are dated by the wall
 * clock, and judged by that clock as it stood when the session's latest token was dated: setting
 * the clock ends no session before its time (SPEC D18). `offset` says how far the clocks are apart,
 * ms.
 */
export function createRegistry<S extends Registered>(
  tokens: Tokens,
  limit: number | (() => number),
  counters: ResumeCounters,
  offset: () => number = wallOffset,
): Registry<S> {
  const sessions = new Map<string, S>();

  const verify = (session: S, token: string, now: number) =>
    tokens.verify(token, session.id, session.user, now + session.offset);

  function judge(id: string, token: string, user: string | undefined, now: number): S | Refused {
    const session = sessions.get(id);
    if (session === undefined) return 'unknown';
    const { fault, serial } = verify(session, token, now);
    if (fault !== undefined) return fault;
    // A request without a user is foreign too: a session that had a user is not for clients without
    // one.
    if (user !== session.user) return 'foreign';
    // Welcomes may have been lost on their way, so older tokens work until a newer one was used.
    if (serial < session.used) return 'stale';
    session.used = serial;
    return session;
  }

  return {
    get size() {
      return sessions.size;
    },
    get full() {
      return sessions.size >= (typeof limit === 'number' ? limit : limit());
    },
    all: () => sessions.values(),
    has: (session) => sessions.get(session.id) === session,
    find: (id) => sessions.get(id),
    newId: () => randomBytes(16).toString('base64url'),
    add(session) {
      session.offset = offset();
      sessions.set(session.id, session);
    },
    claim(id, token, user, now) {
      const result = judge(id, token, user, now);
      if (typeof result === 'object') return result;
      counters[result]++;
      return undefined;
    },
    hasToken(id, token, now) {
      const session = sessions.get(id);
      if (session === undefined) return undefined;
      const { serial = -1 } = verify(session, token, now);
      return serial < session.used ? undefined : session;
    },
    token(session, now) {
      session.offset = offset();
      return tokens.sign(session.id, session.user, ++session.serial, now + session.offset);
    },
    remove(session) {
      return sessions.get(session.id) === session && sessions.delete(session.id);
    },
  };
}
