// admin: remembers the latest confirmations that changed nothing: whose, and about which event.
import type { Session } from '../delivery/session.ts';
import type { UnmatchedReason } from '../delivery/words.ts';

/** One such confirmation. `at` is monotonic ms. */
export interface UnmatchedWord {
  readonly at: number;
  readonly reason: UnmatchedReason;
  readonly eventId: string;
  readonly session: string;
  readonly user: string | undefined;
  readonly connection: string | undefined;
}

export interface UnmatchedBook {
  /** Number of those that are not remembered any more. */
  readonly forgotten: number;
  add(reason: UnmatchedReason, session: Session, eventId: string, at: number): void;
  /** Newest first. */
  all(): Iterable<UnmatchedWord>;
}

/** Confirmations that are remembered: few, because clients may send them as fast as they like. */
const LIMIT = 1_000;
/** Characters of an id that are kept. A longer id is cut, and then matches nothing. */
const ID_LIMIT = 256;

export function createUnmatchedBook(limit = LIMIT): UnmatchedBook {
  const ring: UnmatchedWord[] = [];
  /** Place of the next confirmation once the ring is full: the place of the oldest. */
  let next = 0;
  let forgotten = 0;
  return {
    get forgotten() {
      return forgotten;
    },
    add(reason, { key, user, link }, eventId, at) {
      const id = eventId.slice(0, ID_LIMIT);
      const word = { at, reason, eventId: id, session: key, user, connection: link?.id };
      if (ring.length < limit) {
        ring.push(word);
        return;
      }
      ring[next] = word;
      next = (next + 1) % limit;
      forgotten++;
    },
    *all() {
      for (let i = ring.length - 1; i >= 0; i--) yield ring[(next + i) % ring.length] as UnmatchedWord;
    },
  };
}
