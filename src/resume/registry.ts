// resume: the sessions that can be resumed, and whether a client may have the one it asks for.
import { randomBytes } from 'node:crypto';
import type { Session } from '../delivery/session.ts';
import type { OptIn } from './opt-in.ts';
import type { Tokens } from './token.ts';

/** What became of requests for a session: plain numbers for the metric `ackspan.session.resume`. `fresh`: none was asked for. */
export interface ResumeCounters {
  fresh: number;
  recovered: number;
  unknown: number;
  expired: number;
  forged: number;
  foreign: number;
  /** An older token of the session, used after a newer one. */
  stale: number;
}

/** A session that its client may come back to; `Carrier` is whatever runs its connection. */
export interface Berth<Carrier> {
  readonly session: Session;
  carrier: Carrier;
  /** Number of the latest welcome, and of the highest whose token was used. */
  serial: number;
  used: number;
}

export interface Registry<Carrier> {
  readonly counters: ResumeCounters;
  readonly size: number;
  /** A new id: 128 random bits. */
  newId(): string;
  add(session: Session, carrier: Carrier): Berth<Carrier>;
  /** The session asked for, if the client may have it; the reason otherwise is counted and told to nobody. */
  claim(ask: OptIn, user: string | undefined, now: number): Berth<Carrier> | undefined;
  /** The token of the next welcome. */
  token(berth: Berth<Carrier>, now: number): string;
  remove(session: Session): void;
}

/** At most `limit` sessions are kept; beyond it `add` still works and the oldest session can no longer be resumed. */
export function createRegistry<Carrier>(tokens: Tokens, limit: number): Registry<Carrier> {
  const berths = new Map<string, Berth<Carrier>>();
  const counters: ResumeCounters = {
    fresh: 0,
    recovered: 0,
    unknown: 0,
    expired: 0,
    forged: 0,
    foreign: 0,
    stale: 0,
  };

  function judge(ask: OptIn, user: string | undefined, now: number): keyof ResumeCounters {
    if (ask.session === undefined) return 'fresh';
    const berth = berths.get(ask.session);
    if (berth === undefined) return 'unknown';
    const { fault, serial } = tokens.verify(ask.token, ask.session, berth.session.user, now);
    if (fault !== undefined) return fault;
    if (user !== undefined && user !== berth.session.user) return 'foreign';
    // Welcomes may have been lost on their way, so older tokens work until a newer one was used.
    if (serial < berth.used) return 'stale';
    berth.used = serial;
    return 'recovered';
  }

  return {
    counters,
    get size() {
      return berths.size;
    },
    newId: () => randomBytes(16).toString('base64url'),
    add(session, carrier) {
      if (berths.size >= limit) for (const oldest of berths.keys()) if (berths.delete(oldest)) break;
      const berth: Berth<Carrier> = { session, carrier, serial: 0, used: 0 };
      berths.set(session.key, berth);
      return berth;
    },
    claim(ask, user, now) {
      const result = judge(ask, user, now);
      counters[result]++;
      return result === 'recovered' ? berths.get(ask.session!) : undefined;
    },
    token: (berth, now) => tokens.sign(berth.session.key, berth.session.user, ++berth.serial, now),
    remove(session) {
      if (berths.get(session.key)?.session === session) berths.delete(session.key);
    },
  };
}
