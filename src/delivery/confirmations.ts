// delivery: application confirmations, matched by event id to deliveries of the session or its user (D2, D3, D6, D13).
import { type EarlyConfirmation, keepEarly, provenBefore } from './early.ts';
import { type Ending, ERROR_TEXT_LIMIT } from './ending.ts';
import type { AskElsewhere, EveryStep, Store } from './ports.ts';
import { type Delivery, isSettled } from './record.ts';
import type { Session } from './session.ts';
import { TRANSITIONS } from './states.ts';
import { isFirst, isReceived, oldestFirst, oldestMeant } from './twins.ts';
import type { UnmatchedReason } from './words.ts';

/**
 * The effect of a confirmation message. `early`: kept until the messages still being decoded are
 * known (D3). `noted`: it proves nothing, since it may be about another message of the id (D13), or
 * it rejects a delivery that was confirmed at `received` (E8).
 */
export type Confirmed = 'confirmed' | 'rejected' | 'upgraded' | 'noted' | 'early' | UnmatchedReason;

/** What a confirmation or rejection says. */
type Word = Pick<EarlyConfirmation, 'rejected' | 'error'>;

export class Confirmations {
  readonly #store: Store;
  readonly #observer: EveryStep;
  readonly #ending: Ending;
  readonly #elsewhere: AskElsewhere | undefined;

  constructor(store: Store, observer: EveryStep, ending: Ending, elsewhere?: AskElsewhere) {
    this.#elsewhere = elsewhere;
    this.#store = store;
    this.#observer = observer;
    this.#ending = ending;
  }

  /**
   * Applies a confirmation (or rejection) that came over the connection of `session`. The second
   * value is the ordinal up to which the confirmation proves receipt on that connection, because
   * the client's stack must have parsed what its application confirms. 0 = none.
   */
  apply(session: Session, eventId: string, rejected: boolean, error: string, now: number): [Confirmed, number] {
    const own = this.#store.find(session, eventId);
    const lapsed = own && oldestMeant(own) ? undefined : this.#ending.lapsed(session, eventId);
    const claimed = own !== undefined || lapsed !== undefined;
    const word = { eventId, rejected, error, cameAt: now, provenThrough: session.receivedThrough, claimed };
    // The event may be among the messages of this session that are still being read.
    const kept = keepEarly(session, word);
    const meant = own && this.#applyToOwn(session, own, word, now);
    if (lapsed !== undefined) {
      // The delivery has left the history. Its application still cannot have seen the message
      // before its stack had.
      const proven = isFirst(lapsed) ? lapsed.ordinal : 0;
      const [result = 'noted'] = meant ?? [];
      const late = this.#applyToSettled(lapsed, word, now, result === 'noted');
      return [result === 'noted' ? late : result, proven];
    }
    if (meant !== undefined) return meant;
    return [kept ? 'early' : this.#unmatched(session, word, Number.POSITIVE_INFINITY, now), 0];
  }

  /** Confirms every open message up to `through`: the application has handled them. */
  through(session: Session, through: number, now: number): void {
    for (const queue of [session.awaitingProcessed, session.awaitingReceived]) {
      for (let head = queue.head; head !== undefined && head.ordinal <= through; head = queue.head) {
        this.#ending.conclude(head, false, '', now);
      }
    }
    this.#ending.late(session, through, 'processed', now);
  }

  /**
   * Applies the application's confirmation or rejection of message `ordinal`. An outcome stays: the
   * confirmation is late, or a repetition that needs no counting.
   */
  byOrdinal(session: Session, ordinal: number, rejected: boolean, error: string, now: number): Confirmed {
    const delivery = session.open?.get(ordinal);
    if (delivery === undefined || delivery.queue === 'reemission') return 'duplicate';
    return this.#ending.conclude(delivery, rejected, error, now);
  }

  /** Notes the id of an untracked event: a confirmation of the id may be about that event (D13). */
  passed(session: Session, eventId: string): void {
    this.#store.passed(session.owner, eventId);
  }

  /** Counts a confirmation of something that was not sent to the session. */
  unknown(session: Session, what: string): Confirmed {
    this.#observer.unmatched('unknown', session, what);
    return 'unknown';
  }

  /**
   * Gives a delivery that was just tracked the confirmations that overtook it: those that came
   * after the message was sent. Returns the ordinal up to which they prove receipt, 0 = none.
   */
  claim(session: Session, delivery: Delivery, now: number): number {
    const { early = [] } = session;
    let proven = 0;
    for (const word of early) {
      if (word.eventId !== delivery.eventId || word.cameAt < delivery.sentAt) continue;
      if (word.claimed || delivery.repeated) this.#applyToNewer(delivery, word, now);
      else {
        const [, through] = this.#applyToOwn(session, delivery, word, now);
        for (const later of provenBefore(early, word, through)) this.#applyToProven(session, later, now);
        proven = Math.max(proven, through);
      }
      word.claimed = true;
    }
    return proven;
  }

  /**
   * Nothing is left to decode: early confirmations that no message claimed are about another
   * session's event, or about none.
   */
  giveUpEarly(session: Session, now: number): void {
    const early = session.early;
    session.early = undefined;
    for (const word of early ?? []) {
      if (word.claimed) continue;
      // A message of that id was sent after the word.
      if (this.#store.find(session, word.eventId) !== undefined) this.count(session, word.eventId);
      else this.#unmatched(session, word, word.cameAt, now);
    }
  }

  /**
   * How many sessions of the user were sent the event, as far as this process knows; undefined = it
   * cannot say.
   */
  sessionsOf(user: string, eventId: string): readonly Delivery[] | undefined {
    const found = this.#store.findForUser(user, eventId);
    return found.some(({ session }) => session.owner.restored) ? undefined : found;
  }

  /**
   * Applies a confirmation that came to another process. It counts only where receipt was proven
   * before `cameAt`: that process' connection was never sent the event.
   */
  fromElsewhere(newest: Delivery, rejected: boolean, error: string, cameAt: number, now: number): Confirmed {
    return this.#applyToTwins(newest, undefined, { rejected, error }, now, cameAt);
  }

  /**
   * The newest delivery of the event to the one other session of the same user that was sent it.
   * With two such sessions, or one whose delivery has left the history, the confirmation is
   * ambiguous (D6).
   */
  #onlyOther(session: Session, eventId: string): Delivery | undefined {
    const { user } = session.owner;
    // The session may confirm a message of its own that could not be read.
    if (session.obscured) return undefined;
    if (user === undefined || session.owner.restored || this.#store.forgot(session, eventId)) return undefined;
    const found = this.#store.findForUser(user, eventId);
    return found.length === 1 ? found[0] : undefined;
  }

  /** Applies a word to the deliveries of its event to the session that it came from. */
  #applyToOwn(session: Session, own: Delivery, word: Word, now: number): [Confirmed, number] {
    const oldest = oldestMeant(own);
    // A word that may be about another connection's message is no answer over this one (E6).
    if (oldest !== undefined || isReceived(own)) learn(session, own);
    const meant = oldest ?? (own.olderTwin === undefined && !own.repeated ? own : undefined);
    return [this.#applyToTwins(own, meant, word, now), oldest === undefined ? 0 : oldest.ordinal];
  }

  /**
   * Applies a word to a delivery that was tracked after it came, and that is not the oldest of its
   * id: the word is about it if its receipt was proven by then (D13).
   */
  #applyToNewer(delivery: Delivery, word: EarlyConfirmation, now: number): void {
    const { rejected, error, provenThrough, claimed } = word;
    const proven = delivery.ordinal <= provenThrough;
    if (proven) learn(delivery.session, delivery);
    if (!isSettled(delivery)) {
      if (proven) this.#ending.conclude(delivery, rejected, error, now);
      else this.#note(delivery, word);
    } else if (proven && !claimed) this.#applyToSettled(delivery, word, now, true);
  }

  /** Applies a word once more, because more turns out to have been proven when it came (D13). */
  #applyToProven(session: Session, { eventId, rejected, error, provenThrough }: EarlyConfirmation, now: number): void {
    const newest = this.#store.find(session, eventId);
    for (const each of newest === undefined ? [] : oldestFirst(newest))
      if (!isSettled(each) && each.queue !== 'reemission' && each.ordinal <= provenThrough)
        this.#ending.conclude(each, rejected, error, now);
  }

  /** Notes a word on a delivery of which it proves nothing (D13). */
  #note(delivery: Delivery, { rejected, error }: Word): void {
    delivery.word = rejected ? 'rejected' : 'confirmed';
    if (error !== '') delivery.errorText = error.slice(0, ERROR_TEXT_LIMIT);
    this.#observer.changed(delivery);
  }

  /**
   * Applies a confirmation to the deliveries of one event to one session, from the oldest on. The
   * confirmation is about `meant`, and about every other message of that id whose receipt is
   * proven. For the rest it proves nothing and is only noted (D13).
   */
  #applyToTwins(
    newest: Delivery,
    meant: Delivery | undefined,
    word: Word,
    now: number,
    cameAt = Number.POSITIVE_INFINITY,
  ): Confirmed {
    let result: Confirmed | undefined;
    let settled: Delivery | undefined;
    for (const each of oldestFirst(newest)) {
      // The confirmed copy repeats a delivery that the client missed.
      const missed = each.queue === 'reemission' && meant !== undefined;
      if (isSettled(each)) settled ??= each;
      else if (each === meant || missed || (isReceived(each) && each.receivedAt < cameAt)) {
        const one = this.#ending.conclude(each, word.rejected, word.error, now);
        result = result === undefined || one === 'rejected' ? one : result;
      } else {
        this.#note(each, word);
        result ??= 'noted';
      }
    }
    if (settled === undefined) return result ?? 'noted';
    const known = this.#applyToSettled(settled, word, now, result === undefined);
    return result ?? known;
  }

  /**
   * Applies a confirmation to a delivery that has its outcome: raises the level, or is noted or
   * counted (`counts`: the confirmation had no other effect).
   */
  #applyToSettled(delivery: Delivery, { rejected, error }: Word, now: number, counts: boolean): Confirmed {
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

  /**
   * Notes a rejection after the outcome. The outcome stays, because the client has the message
   * (E8).
   */
  #object(delivery: Delivery, error: string, now: number): Confirmed {
    delivery.rejectedAt = now;
    delivery.errorText = error.slice(0, ERROR_TEXT_LIMIT);
    this.#observer.rejectedLater(delivery, now);
    return 'noted';
  }

  /**
   * Applies a word on an event that the session was not sent. It counts for another session where
   * receipt was proven before `before` (D6).
   */
  #unmatched(session: Session, word: EarlyConfirmation, before: number, now: number): Confirmed {
    const { eventId, cameAt } = word;
    const other = this.#onlyOther(session, eventId);
    if (other !== undefined) return this.#applyToTwins(other, undefined, word, now, before);
    if (this.#maybeElsewhere(session, eventId) && this.#elsewhere?.(session, word, cameAt) === true) return 'noted';
    return this.count(session, eventId);
  }

  /** Whether the one session that was sent the event may be another process'. */
  #maybeElsewhere(session: Session, eventId: string): boolean {
    const { obscured, owner } = session;
    if (obscured || owner.user === undefined || owner.restored || this.#store.forgot(session, eventId)) return false;
    return this.#store.findForUser(owner.user, eventId).length === 0;
  }

  /** Counts a confirmation without effect. */
  count(session: Session, eventId: string): UnmatchedReason {
    const reason = this.#store.knows(eventId) ? 'foreign' : 'unknown';
    // The client confirms a message that could not be read. A later event of that id is a copy of
    // that message.
    if (session.obscured) this.#store.claimed(session.owner, eventId);
    this.#observer.unmatched(reason, session, eventId);
    return reason;
  }
}

/**
 * Expects further confirmations of a type of which the application has confirmed one event. That
 * saves barriers and decides nothing (E5).
 */
function learn(session: Session, delivery: Delivery): void {
  session.capability = 'processed';
  session.processedTypes ??= new Set();
  session.processedTypes.add(delivery.type.index);
}
