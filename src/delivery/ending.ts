// delivery: evidence and endings: the only place where a delivery is marked received or gets its outcome (D1, D2).
import { cutOff, type Goodbye } from './goodbye.ts';
import type { EveryStep, Store } from './ports.ts';
import { DeliveryQueue } from './queue.ts';
import { type Delivery, isSettled } from './record.ts';
import type { RecordPool } from './record-pool.ts';
import type { Retention } from './retention.ts';
import type { Session } from './session.ts';
import { type Signal, TRANSITIONS } from './states.ts';
import type { TimingWheel } from './wheel.ts';
import type { ErrorType, Level, Outcome, UnverifiableReason } from './words.ts';

/** Characters of the application's error text that are kept. */
export const ERROR_TEXT_LIMIT = 256;
/** Ended deliveries per session that are watched for late evidence. */
const LAPSED_LIMIT = 1024;

/** Why a delivery ends whose client can get nothing more. */
export type Gone = ClientGone | 'instance_lost';
/** Reasons for which a client goes while the process goes on. */
export type ClientGone = 'disconnected' | 'shutdown';

/** Settles deliveries: takes them out of queue and wheel, tells store and observer. */
export class Ending {
  /** Deliveries with an outcome, ever. */
  settled = 0;
  /** Deliveries in flight whose event the backend was asked to emit again. */
  reemitted = 0;
  readonly #store: Store;
  readonly #observer: EveryStep;
  readonly #wheel: TimingWheel<Delivery>;
  readonly #retention: Retention;
  readonly #pool: RecordPool;

  constructor(store: Store, observer: EveryStep, wheel: TimingWheel<Delivery>, retention: Retention, pool: RecordPool) {
    this.#store = store;
    this.#observer = observer;
    this.#wheel = wheel;
    this.#retention = retention;
    this.#pool = pool;
  }

  /**
   * Notes that the client's stack has the message: settles the delivery, or moves it on to wait for
   * the application.
   */
  receive(delivery: Delivery, now: number): void {
    delivery.receivedAt = now;
    delivery.level = 'received';
    this.#observer.received(delivery, now);
    if (delivery.required === 'received') {
      this.settle(delivery, 'satisfied', '', now);
      return;
    }
    delivery.session.awaitingReceived.remove(delivery);
    delivery.session.awaitingProcessed.add(delivery);
  }

  /** Gives an open delivery the outcome that the application's confirmation or rejection means. */
  conclude(delivery: Delivery, rejected: boolean, error: string, now: number): 'confirmed' | 'rejected' {
    if (rejected) {
      delivery.errorText = error.slice(0, ERROR_TEXT_LIMIT);
      this.settle(delivery, 'rejected', 'rejected', now);
      return 'rejected';
    }
    delivery.level = 'processed';
    this.settle(delivery, 'satisfied', '', now);
    return 'confirmed';
  }

  /** Gives an open delivery its outcome. `error` counts only where the outcome is an error. */
  settle(delivery: Delivery, signal: Signal, error: ErrorType, now: number): void {
    const status = TRANSITIONS[delivery.status][signal] as Outcome;
    const session = delivery.session;
    delivery.status = status;
    delivery.errorType = status === 'failed' || status === 'timeout' ? error : '';
    // An end may have been decided before the last message came, or the last word.
    delivery.settledAt = Math.max(now, delivery.sentAt, delivery.receivedAt);
    this.#leaveFlight(delivery);
    this.settled++;
    const left = this.#store.settle(delivery);
    if (left !== undefined) this.#pool.offer(left);
    // A rejection comes from the client itself, so later evidence that covers it is not late.
    if (status !== 'confirmed' && signal !== 'rejected' && session.link !== undefined) lapse(session, delivery);
    try {
      this.#observer.settled(delivery);
    } finally {
      // Only now, because an observer may pass the message on. Whatever an observer does, the bytes
      // do not count any longer.
      this.#retention.release(delivery);
      if (this.reemitted > 0) this.#endOriginals(delivery, signal, error, now);
    }
  }

  /** Gives up an open delivery without an outcome: another process goes on with it. */
  handOver(delivery: Delivery): void {
    this.#leaveFlight(delivery);
    this.#store.release(delivery);
    try {
      this.#observer.handedOver(delivery);
    } finally {
      this.#retention.release(delivery);
    }
  }

  /** Takes a delivery out of everything that waits for it. */
  #leaveFlight(delivery: Delivery): void {
    const { session } = delivery;
    if (delivery.queue === 'received') session.awaitingReceived.remove(delivery);
    else if (delivery.queue === 'processed') session.awaitingProcessed.remove(delivery);
    else session.missed?.remove(delivery);
    session.open?.delete(delivery.ordinal);
    this.#wheel.remove(delivery);
    session.owner.pending--;
    if (this.reemitted > 0 && wasReemitted(delivery)) this.reemitted--;
  }

  /** Ends a delivery of which Ackspan cannot say whether its client has it. */
  unverifiable(delivery: Delivery, reason: UnverifiableReason, now: number): void {
    delivery.unverified = reason;
    this.settle(delivery, 'unverified', '', now);
  }

  /** Ends a delivery as lost, or as unverifiable where no evidence could have come. */
  lose(delivery: Delivery, signal: 'expired' | Gone, now: number): void {
    const error = signal === 'expired' ? 'timeout' : signal;
    if (delivery.word !== '') this.unverifiable(delivery, 'ambiguous', now);
    else if (delivery.session.capability === 'none') this.unverifiable(delivery, 'never_answered', now);
    else this.settle(delivery, signal, error, now);
  }

  /**
   * Moves a delivery that its client missed and whose message was not kept: from here on only its
   * event id can confirm it.
   */
  miss(delivery: Delivery): void {
    const { session } = delivery;
    if (delivery.queue === 'received') session.awaitingReceived.remove(delivery);
    else session.awaitingProcessed.remove(delivery);
    session.missed ??= new DeliveryQueue('reemission');
    session.missed.add(delivery);
    this.#observer.changed(delivery);
  }

  /**
   * Ends all deliveries in flight of the session. `goodbye`: a Close frame ended what the client
   * could say.
   */
  end(session: Session, why: ClientGone, goodbye: Goodbye | undefined, now: number): void {
    for (const queue of [session.awaitingReceived, session.awaitingProcessed, session.missed]) {
      for (let head = queue?.head; head !== undefined; head = queue?.head) this.part(head, why, goodbye, now);
    }
  }

  /** Ends a delivery that no evidence came for in time. `goodbye`: as in `end`. */
  part(delivery: Delivery, why: 'expired' | Gone, goodbye: Goodbye | undefined, now: number): void {
    const reason = goodbye && cutOff(delivery, goodbye);
    if (reason !== undefined) this.unverifiable(delivery, reason, now);
    else this.lose(delivery, why, now);
  }

  /**
   * Counts evidence for deliveries up to `through` that had already ended without it (D2), once, at
   * the level that they required.
   */
  late(session: Session, through: number, level: Level, now: number): void {
    const lapsed = session.lapsed;
    if (lapsed === undefined) return;
    const rest: Delivery[] = [];
    for (const delivery of lapsed) {
      if (delivery.ordinal > through) {
        rest.push(delivery);
        continue;
      }
      if (delivery.receivedAt === 0) delivery.receivedAt = now;
      if (delivery.required === 'processed' && level === 'received') rest.push(delivery);
      else this.#observer.unmatched('late', session, delivery.eventId ?? delivery.id);
    }
    session.lapsed = rest.length === 0 ? undefined : rest;
  }

  /**
   * The earliest message of that event id which ended without evidence. The history need not hold
   * it any longer.
   */
  lapsed({ lapsed }: Session, eventId: string): Delivery | undefined {
    let earliest: Delivery | undefined;
    for (const one of lapsed ?? [])
      if (one.eventId === eventId && (earliest === undefined || one.ordinal < earliest.ordinal)) earliest = one;
    return earliest;
  }

  /**
   * Notes that a confirmation of the delivery was counted: cumulative evidence that covers the
   * delivery is not late a second time.
   */
  forgive(delivery: Delivery): void {
    const { session } = delivery;
    if (session.lapsed?.includes(delivery) !== true) return;
    const rest = session.lapsed.filter((each) => each !== delivery);
    session.lapsed = rest.length === 0 ? undefined : rest;
  }

  /**
   * Ends the originals that a copy repeats: the backend emitted the copy on request, and it has
   * reached its client (R6).
   */
  #endOriginals(copy: Delivery, signal: Signal, error: ErrorType, now: number): void {
    if (copy.eventId === undefined || (copy.status !== 'confirmed' && signal !== 'rejected')) return;
    const { session, eventId } = copy;
    const own = this.#store.find(session, eventId);
    // The client's sessions: this one, and the others of its user.
    const newest = session.user === undefined ? [own] : this.#store.findForUser(session.user, eventId);
    // All originals are found first: a store with little history unlinks others as one of them
    // settles.
    const originals: Delivery[] = [];
    for (const one of newest)
      for (let each = one; each !== undefined; each = each.olderTwin)
        if (!isSettled(each) && isOlder(each, copy) && wasReemitted(each)) originals.push(each);
    for (const each of originals) {
      // An observer may have ended the original meanwhile.
      if (isSettled(each)) continue;
      each.level = copy.level;
      each.errorText = copy.errorText;
      this.settle(each, signal, error, now);
    }
  }
}

export function wasReemitted({ attemptLog }: Delivery): boolean {
  return attemptLog?.some(({ kind }) => kind === 'reemit') === true;
}

/** Numbers of two processes say nothing of the order, so the times of the send do. */
function isOlder(one: Delivery, other: Delivery): boolean {
  return one !== other && (one.seq < other.seq || one.sentAt < other.sentAt);
}

function lapse(session: Session, delivery: Delivery): void {
  session.lapsed ??= [];
  if (session.lapsed.length < LAPSED_LIMIT) session.lapsed.push(delivery);
}
