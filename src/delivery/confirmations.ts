// delivery: application confirmations: matched by event id to the session's own deliveries, or its user's; everything else is counted apart (D2, D3, D6, D13).
import { type Ending, ERROR_TEXT_LIMIT } from './ending.ts';
import type { Observer, Store } from './ports.ts';
import { type Delivery, isSettled } from './record.ts';
import type { Session } from './session.ts';
import { TRANSITIONS } from './states.ts';
import type { UnmatchedReason } from './words.ts';

/**
 * What became of a confirmation message. `early`: kept until the messages still being decoded are known (D3). `noted`: it proves
 * nothing, since it may be about another message of the id (D13), or it rejects what was confirmed at `received` (E8).
 */
export type Confirmed = 'confirmed' | 'rejected' | 'upgraded' | 'noted' | 'early' | UnmatchedReason;

/** At most so many confirmations per session wait for a record. */
const EARLY_LIMIT = 64;

export class Confirmations {
  readonly #store: Store;
  readonly #observer: Observer;
  readonly #ending: Ending;

  constructor(store: Store, observer: Observer, ending: Ending) {
    this.#store = store;
    this.#observer = observer;
    this.#ending = ending;
  }

  /**
   * Applies a confirmation (or rejection) that came over the connection of `session`. The second value is the ordinal up to which
   * the word proves receipt on that connection: the client's stack must have parsed what its application speaks of. 0 = none.
   */
  apply(session: Session, eventId: string, rejected: boolean, error: string, now: number): [Confirmed, number] {
    const own = this.#store.find(session, eventId);
    if (own !== undefined) {
      const oldest = oldestMeant(own);
      learn(session, own);
      const meant = oldest ?? (own.olderTwin === undefined && !own.repeated ? own : undefined);
      return [this.#applyToTwins(own, meant, rejected, error, now), oldest === undefined ? 0 : oldest.ordinal];
    }
    const lapsed = this.#ending.lapsed(session, eventId);
    if (lapsed !== undefined) {
      // It has left the books, and still its application cannot have seen it before its stack had.
      const proven = lapsed.repeated ? 0 : lapsed.ordinal;
      return [this.#applyToSettled(lapsed, rejected, error, now, true), proven];
    }
    const elsewhere = this.#onlyOther(session, eventId);
    if (elsewhere !== undefined) return [this.#applyToTwins(elsewhere, undefined, rejected, error, now), 0];
    return [this.#unmatched(session, eventId, rejected, error), 0];
  }

  /** The application has handled every message up to `through`: everything still open there is confirmed. */
  through(session: Session, through: number, now: number): void {
    for (const queue of [session.awaitingProcessed, session.awaitingReceived]) {
      for (let head = queue.head; head !== undefined && head.ordinal <= through; head = queue.head) {
        this.#ending.conclude(head, false, '', now);
      }
    }
    this.#ending.late(session, through, 'processed', now);
  }

  /** The application's word on message `ordinal`. An outcome that is there stays: the word is late, or a repetition that needs no counting. */
  byOrdinal(session: Session, ordinal: number, rejected: boolean, error: string, now: number): Confirmed {
    const delivery = session.open?.get(ordinal);
    if (delivery === undefined || delivery.queue === 'reemission') return 'duplicate';
    return this.#ending.conclude(delivery, rejected, error, now);
  }

  /** A word about something that the session has not been sent. */
  unknown(session: Session, what: string): Confirmed {
    this.#observer.unmatched('unknown', session, what);
    return 'unknown';
  }

  /** Gives a delivery that was just tracked the confirmation that overtook it. Answers up to where that proves receipt, 0 = nothing. */
  claim(session: Session, delivery: Delivery, now: number): number {
    const early = session.early;
    if (early === undefined || delivery.eventId === undefined) return 0;
    const index = early.findIndex((one) => one.eventId === delivery.eventId);
    if (index < 0) return 0;
    const [one] = early.splice(index, 1);
    return one === undefined ? 0 : this.apply(session, one.eventId, one.rejected, one.error, now)[1];
  }

  /** Nothing is left to decode: early confirmations that nobody claimed are unknown or foreign. */
  giveUpEarly(session: Session): void {
    const early = session.early;
    session.early = undefined;
    if (early !== undefined) for (const { eventId } of early) this.#count(session, eventId);
  }

  /**
   * The newest delivery of the event to the one other session of the same user that was sent it. With two of them, or one that has
   * left the books, nobody can say which of them the word is about (D6).
   */
  #onlyOther(session: Session, eventId: string): Delivery | undefined {
    const { user } = session.owner;
    // It may speak of a message of its own that could not be read.
    if (session.obscured) return undefined;
    if (user === undefined || session.owner.restored || this.#store.forgot(session.owner, eventId)) return undefined;
    const found = this.#store.findForUser(user, eventId);
    return found.length === 1 ? found[0] : undefined;
  }

  /**
   * Applies a word to the deliveries of one event to one session, from the oldest on. The word is about `meant`, and about every other
   * message of that id whose receipt is proven; for the rest it proves nothing and is only remembered (D13).
   */
  #applyToTwins(
    newest: Delivery,
    meant: Delivery | undefined,
    rejected: boolean,
    error: string,
    now: number,
  ): Confirmed {
    let result: Confirmed | undefined;
    let settled: Delivery | undefined;
    for (const each of oldestFirst(newest)) {
      // A missed one is repeated by the copy that the word is about.
      const missed = each.queue === 'reemission' && meant !== undefined;
      if (isSettled(each)) settled ??= each;
      else if (each === meant || missed || isReceived(each)) {
        const one = this.#ending.conclude(each, rejected, error, now);
        result = result === undefined || one === 'rejected' ? one : result;
      } else {
        each.word = rejected ? 'rejected' : 'confirmed';
        if (error !== '') each.errorText = error.slice(0, ERROR_TEXT_LIMIT);
        this.#observer.changed?.(each);
        result ??= 'noted';
      }
    }
    if (settled === undefined) return result ?? 'noted';
    const known = this.#applyToSettled(settled, rejected, error, now, result === undefined);
    return result ?? known;
  }

  /** A word on a delivery that has its outcome: raises its level, or is noted or counted (`counts`: nothing else came of the word). */
  #applyToSettled(delivery: Delivery, rejected: boolean, error: string, now: number, counts: boolean): Confirmed {
    const transition = TRANSITIONS[delivery.status][rejected ? 'rejected' : 'satisfied'];
    if (transition === 'repeat' && delivery.level === 'received') {
      if (!rejected) return this.#upgrade(delivery, now);
      if (delivery.rejectedAt === 0) return this.#object(delivery, error, now);
    }
    const again = transition === 'repeat' && (!rejected || delivery.rejectedAt !== 0);
    const reason: UnmatchedReason = again ? 'duplicate' : 'late';
    if (counts) {
      this.#ending.forgive(delivery);
      this.#observer.unmatched(reason, delivery.session, delivery.eventId ?? delivery.id);
    }
    return reason;
  }

  #upgrade(delivery: Delivery, now: number): Confirmed {
    delivery.level = 'processed';
    delivery.upgradedAt = now;
    this.#observer.upgraded(delivery, now);
    return 'upgraded';
  }

  /** The outcome stays: the client has the message. That its application refused it is told all the same (E8). */
  #object(delivery: Delivery, error: string, now: number): Confirmed {
    delivery.rejectedAt = now;
    delivery.errorText = error.slice(0, ERROR_TEXT_LIMIT);
    this.#observer.rejectedLater?.(delivery, now);
    return 'noted';
  }

  #unmatched(session: Session, eventId: string, rejected: boolean, error: string): Confirmed {
    if (session.undecoded > 0) {
      session.early ??= [];
      if (session.early.length < EARLY_LIMIT) {
        session.early.push({ eventId, rejected, error });
        return 'early';
      }
    }
    return this.#count(session, eventId);
  }

  #count(session: Session, eventId: string): UnmatchedReason {
    const reason = this.#store.knows(eventId) ? 'foreign' : 'unknown';
    // The client speaks of a message that could not be read: a later event of that id is its copy.
    if (session.obscured) this.#store.passed(session.owner, eventId);
    this.#observer.unmatched(reason, session, eventId);
    return reason;
  }
}

/** The twins of a delivery and itself, oldest first; there is nearly always one. */
function oldestFirst(newest: Delivery): Delivery[] {
  const twins = [newest];
  for (let each = newest.olderTwin; each !== undefined; each = each.olderTwin) twins.push(each);
  return twins.length === 1 ? twins : twins.reverse();
}

/**
 * The oldest message that a word on the event can mean, if that message is certain to have been the first of its id: a client has no
 * word for a message that it has not got. What the client missed and the backend was asked to emit again cannot be meant.
 */
function oldestMeant(newest: Delivery): Delivery | undefined {
  let oldest: Delivery | undefined;
  for (let each: Delivery | undefined = newest; each !== undefined; each = each.olderTwin)
    if (each.queue !== 'reemission') oldest = each;
  return oldest?.repeated === true ? undefined : oldest;
}

/** Whether barrier evidence has shown that the client's stack has the message. */
function isReceived(delivery: Delivery): boolean {
  return delivery.receivedAt !== 0 && delivery.queue !== 'reemission';
}

/** An application that has confirmed one event of a type is expected to speak of that type soon; that saves barriers and decides nothing (E5). */
function learn(session: Session, delivery: Delivery): void {
  session.capability = 'processed';
  session.processedTypes ??= new Set();
  session.processedTypes.add(delivery.type.index);
}
