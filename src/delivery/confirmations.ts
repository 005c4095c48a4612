// Application confirmations: matched by event id to the session's own deliveries, or its user's; everything else is counted apart (D2, D3, D6).
import type { Ending } from './ending.ts';
import type { Observer, Store } from './ports.ts';
import { type Delivery, isSettled } from './record.ts';
import type { Session } from './session.ts';
import { TRANSITIONS } from './states.ts';
import type { UnmatchedReason } from './words.ts';

/** What became of a confirmation message. `early`: kept until the messages still being decoded are known (D3). */
export type Confirmed = 'confirmed' | 'rejected' | 'upgraded' | 'early' | UnmatchedReason;

/** At most so many confirmations per session wait for a record. */
const EARLY_LIMIT = 64;
/** Characters of the application's error text that are kept. */
const ERROR_TEXT_LIMIT = 256;

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
   * Applies a confirmation (or rejection) that came over the connection of `session`. The second value is the session's
   * own newest delivery of that event, if there is one: its stack must have received everything up to it.
   */
  apply(session: Session, eventId: string, rejected: boolean, error: string, now: number): [Confirmed, Delivery?] {
    const own = this.#store.find(session, eventId);
    if (own !== undefined) {
      const result = this.#applyTo(own, rejected, error, now);
      learn(session, own);
      return [result, own];
    }
    const user = session.owner.user;
    if (user !== undefined) {
      let result: Confirmed | undefined;
      for (const delivery of this.#store.findForUser(user, eventId)) {
        const one = this.#applyTo(delivery, rejected, error, now);
        if (result === undefined || one === 'confirmed' || one === 'rejected') result = one;
      }
      if (result !== undefined) return [result];
    }
    return [this.#unmatched(session, eventId, rejected, error)];
  }

  /** The application has handled every message up to `through`: everything still open there is confirmed. */
  through(session: Session, through: number, now: number): void {
    for (const queue of [session.awaitingProcessed, session.awaitingReceived]) {
      for (let head = queue.head; head !== undefined && head.ordinal <= through; head = queue.head) {
        this.#concludeAll(head, false, '', now);
      }
    }
    this.#ending.late(session, through, 'processed', now);
  }

  /** The application's word on message `ordinal`. An outcome that is there stays: the word is late, or a repetition that needs no counting. */
  byOrdinal(session: Session, ordinal: number, rejected: boolean, error: string, now: number): Confirmed {
    const delivery = session.open?.get(ordinal);
    if (delivery === undefined || delivery.queue === 'reemission') return 'duplicate';
    return this.#concludeAll(delivery, rejected, error, now);
  }

  /** A word about something that the session has not been sent. */
  unknown(session: Session, what: string): Confirmed {
    this.#observer.unmatched('unknown', session, what);
    return 'unknown';
  }

  /** Gives a delivery that was just tracked the confirmation that overtook it. */
  claim(session: Session, delivery: Delivery, now: number): void {
    const early = session.early;
    if (early === undefined || delivery.eventId === undefined) return;
    const index = early.findIndex((one) => one.eventId === delivery.eventId);
    if (index < 0) return;
    const [one] = early.splice(index, 1);
    if (one !== undefined) this.apply(session, one.eventId, one.rejected, one.error, now);
  }

  /** Nothing is left to decode: early confirmations that nobody claimed are unknown or foreign. */
  giveUpEarly(session: Session): void {
    const early = session.early;
    session.early = undefined;
    if (early !== undefined) for (const { eventId } of early) this.#count(session, eventId);
  }

  /** Applies to the newest delivery of the id and to its older twins that are still open: the backend emitted it twice, the application confirms once. */
  #applyTo(newest: Delivery, rejected: boolean, error: string, now: number): Confirmed {
    let open: Confirmed | undefined;
    let older: Delivery | undefined;
    for (let each: Delivery | undefined = newest; each !== undefined; each = older) {
      // Read first: a store that keeps no history unlinks a delivery as it settles.
      older = each.olderTwin;
      if (isSettled(each)) continue;
      open = this.#conclude(each, rejected, error, now);
    }
    return open ?? this.#applyToSettled(newest, rejected, now);
  }

  /** Concludes a delivery, and older ones of its event that the client had missed: it was emitted again for their sake. */
  #concludeAll(delivery: Delivery, rejected: boolean, error: string, now: number): 'confirmed' | 'rejected' {
    let older = delivery.olderTwin;
    const result = this.#conclude(delivery, rejected, error, now);
    while (older !== undefined) {
      const twin = older;
      older = twin.olderTwin;
      if (twin.queue === 'reemission') this.#conclude(twin, rejected, error, now);
    }
    return result;
  }

  #conclude(delivery: Delivery, rejected: boolean, error: string, now: number): 'confirmed' | 'rejected' {
    if (rejected) {
      delivery.errorText = error.slice(0, ERROR_TEXT_LIMIT);
      this.#ending.settle(delivery, 'rejected', 'rejected', now);
      return 'rejected';
    }
    delivery.level = 'processed';
    this.#ending.settle(delivery, 'satisfied', '', now);
    return 'confirmed';
  }

  #applyToSettled(delivery: Delivery, rejected: boolean, now: number): Confirmed {
    const verdict = TRANSITIONS[delivery.status][rejected ? 'rejected' : 'satisfied'];
    if (verdict === 'repeat' && !rejected && delivery.level === 'received') {
      delivery.level = 'processed';
      delivery.upgradedAt = now;
      this.#observer.upgraded(delivery, now);
      return 'upgraded';
    }
    const reason: UnmatchedReason = verdict === 'repeat' && !rejected ? 'duplicate' : 'late';
    this.#observer.unmatched(reason, delivery.session, delivery.eventId ?? delivery.id);
    return reason;
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
    this.#observer.unmatched(reason, session, eventId);
    return reason;
  }
}

/** An application that has confirmed one event of a type is expected to confirm that type from now on; other types stay as they were. */
function learn(session: Session, delivery: Delivery): void {
  session.capability = 'processed';
  session.processedTypes ??= new Set();
  session.processedTypes.add(delivery.type.index);
}
