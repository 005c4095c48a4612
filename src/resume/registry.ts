// resume: the sessions that can be resumed, and whether a client may have the one it asks for.
import { randomBytes } from 'node:crypto';
import type { Session } from '../delivery/session.ts';
import { wallOffset } from '../time/clock.ts';
import type { ResumeCounters } from './counters.ts';
import type { Tokens } from './token.ts';

/** Why somebody who asks for a session does not get it. */
export type Refused = 'unknown' | 'expired' | 'forged' | 'foreign' | 'stale';

/** A session that its client may come back to; `Carrier` is whatever runs its connection. */
export interface Berth<Carrier> {
  readonly session: Session;
  /** Whose it was when it began: an event may name its user later, when tokens are out. */
  readonly user: string | undefined;
  carrier: Carrier;
  /** Number of the latest welcome, and of the highest whose token was used. */
  serial: number;
  used: number;
  /** Number of the latest claim, and of the claim that the carrier came with: of two that overlap the newer wins. */
  claims: number;
  seated: number;
  /** From the monotonic clock to the wall clock that dated the latest token. */
  offset: number;
  /** Highest serial of a word of its client that was taken in; 0 = none. */
  heard: number;
}

export interface Registry<Carrier> {
  readonly size: number;
  /** As many sessions as there may be: one must go before one is added. */
  readonly full: boolean;
  has(berth: Berth<Carrier>): boolean;
  /** A new id: 128 random bits. */
  newId(): string;
  add(session: Session, carrier: Carrier): Berth<Carrier>;
  /** The session asked for, if the client may have it; the reason otherwise is counted, and told to nobody. `now` is monotonic ms. */
  claim(key: string, token: string, user: string | undefined, now: number): Berth<Carrier> | undefined;
  /** The token of the next welcome. */
  token(berth: Berth<Carrier>, now: number): string;
  /** False: it was not there any more. */
  remove(session: Session): boolean;
}

/**
 * Up to `limit` sessions; whoever adds one sees to that. Tokens are dated by the wall clock, and judged by that clock as it stood when
 * the session's latest was dated: setting it ends no session before its time (SPEC D18). `offset` says how far the clocks are apart, ms.
 */
export function createRegistry<Carrier>(
  tokens: Tokens,
  limit: number,
  counters: ResumeCounters,
  offset: () => number = wallOffset,
): Registry<Carrier> {
  const berths = new Map<string, Berth<Carrier>>();

  function judge(key: string, token: string, user: string | undefined, now: number): Berth<Carrier> | Refused {
    const berth = berths.get(key);
    if (berth === undefined) return 'unknown';
    const { fault, serial } = tokens.verify(token, key, berth.user, now + berth.offset);
    if (fault !== undefined) return fault;
    // Also when nobody is known now: a session that had a user is not for those without one.
    if (user !== berth.user) return 'foreign';
    // Welcomes may have been lost on their way, so older tokens work until a newer one was used.
    if (serial < berth.used) return 'stale';
    berth.used = serial;
    return berth;
  }

  return {
    get size() {
      return berths.size;
    },
    get full() {
      return berths.size >= limit;
    },
    has: (berth) => berths.get(berth.session.key) === berth,
    newId: () => randomBytes(16).toString('base64url'),
    add(session, carrier) {
      const berth: Berth<Carrier> = {
        ...{ session, user: session.user, carrier },
        ...{ serial: 0, used: 0, claims: 0, seated: 0, heard: 0, offset: offset() },
      };
      berths.set(session.key, berth);
      return berth;
    },
    claim(key, token, user, now) {
      const result = judge(key, token, user, now);
      if (typeof result === 'object') return result;
      counters[result]++;
      return undefined;
    },
    token(berth, now) {
      berth.offset = offset();
      return tokens.sign(berth.session.key, berth.user, ++berth.serial, now + berth.offset);
    },
    remove(session) {
      return berths.get(session.key)?.session === session && berths.delete(session.key);
    },
  };
}
