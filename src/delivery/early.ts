// delivery: confirmations that come while messages of their session are read on the side (D3).
import type { Session } from './session.ts';

/** Confirmations per session that may wait for a record. */
const EARLY_LIMIT = 64;

/**
 * A confirmation that came while messages of its session were undecoded (D3). It waits until
 * nothing is left to decode, because it may be about one of those messages.
 */
export interface EarlyConfirmation {
  readonly eventId: string;
  readonly rejected: boolean;
  readonly error: string;
  /** Monotonic ms. */
  readonly cameAt: number;
  /** Ordinal up to which receipt was proven when it came, as far as is known by now. */
  provenThrough: number;
  /** Whether the message that it means is known. Newer ones of that id may still wait (D13). */
  claimed: boolean;
}

/**
 * Keeps a word while messages of the session are decoded on the side. False = there is no room. A
 * word that means a known message gives way to one that does not.
 */
export function keepEarly(session: Session, word: EarlyConfirmation): boolean {
  if (session.undecoded === 0) return false;
  session.early ??= [];
  const { early } = session;
  if (early.length === EARLY_LIMIT) {
    const least = early.findIndex(({ claimed }) => claimed);
    if (least < 0) return false;
    early.splice(least, 1);
  }
  return early.push(word) > 0;
}

/**
 * Notes that a word proves receipt up to `through`, as was found out only now: that was proven when
 * later words came. Returns those of them that mean a known message.
 */
export function provenBefore(early: readonly EarlyConfirmation[], word: EarlyConfirmation, through: number) {
  const later = early.slice(early.indexOf(word) + 1).filter(({ provenThrough }) => provenThrough < through);
  for (const each of later) each.provenThrough = through;
  return later.filter(({ claimed }) => claimed);
}
