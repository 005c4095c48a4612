// Evidence and endings: the only place where a delivery is marked received or gets its outcome, once (D1, D2).
import type { Observer, Store } from './ports.ts';
import { DeliveryQueue } from './queue.ts';
import type { Delivery } from './record.ts';
import type { Retention } from './retention.ts';
import type { Session } from './session.ts';
import type { Spares } from './spares.ts';
import { type Signal, TRANSITIONS } from './states.ts';
import type { TimingWheel } from './wheel.ts';
import type { ErrorType, Level, Outcome } from './words.ts';

/** At most so many ended deliveries per session are watched for late evidence. */
const LAPSED_LIMIT = 1024;

/** Settles deliveries: takes them out of queue and wheel, tells store and observer. */
export class Ending {
  /** Deliveries with an outcome, ever. */
  settled = 0;
  readonly #store: Store;
  readonly #observer: Observer;
  readonly #wheel: TimingWheel<Delivery>;
  readonly #retention: Retention;
  readonly #spares: Spares;

  constructor(store: Store, observer: Observer, wheel: TimingWheel<Delivery>, retention: Retention, spares: Spares) {
    this.#store = store;
    this.#observer = observer;
    this.#wheel = wheel;
    this.#retention = retention;
    this.#spares = spares;
  }

  /** The client's stack has it: settles the delivery, or moves it on to wait for the application. */
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

  /** Gives an open delivery its outcome. `error` counts only where the outcome is an error. */
  settle(delivery: Delivery, signal: Signal, error: ErrorType, now: number): void {
    const status = TRANSITIONS[delivery.status][signal] as Outcome;
    const session = delivery.session;
    delivery.status = status;
    delivery.errorType = status === 'failed' || status === 'timeout' ? error : '';
    delivery.settledAt = now;
    if (delivery.queue === 'received') session.awaitingReceived.remove(delivery);
    else if (delivery.queue === 'processed') session.awaitingProcessed.remove(delivery);
    else session.missed?.remove(delivery);
    session.open?.delete(delivery.ordinal);
    this.#wheel.remove(delivery);
    session.owner.pending--;
    this.settled++;
    const left = this.#store.settle(delivery);
    if (left !== undefined) this.#spares.offer(left);
    // A rejection is a word of the client: that later evidence covers it says nothing new.
    if (status !== 'confirmed' && signal !== 'rejected' && session.link !== undefined) lapse(session, delivery);
    try {
      this.#observer.settled(delivery);
    } finally {
      // Only now: an observer may pass the message on. Whatever it does, the bytes do not count any longer.
      this.#retention.release(delivery);
    }
  }

  /** The client is back without it and nobody kept it: from here on only its event id can confirm it. */
  miss(delivery: Delivery): void {
    const { session } = delivery;
    if (delivery.queue === 'received') session.awaitingReceived.remove(delivery);
    else session.awaitingProcessed.remove(delivery);
    session.missed ??= new DeliveryQueue('reemission');
    session.missed.add(delivery);
  }

  /** Ends everything that the session has in flight. */
  end(session: Session, why: 'disconnected' | 'shutdown', now: number): void {
    for (const queue of [session.awaitingReceived, session.awaitingProcessed, session.missed]) {
      for (let head = queue?.head; head !== undefined; head = queue?.head)
        this.settle(head, lossSignal(head, why), why, now);
    }
  }

  /** Counts evidence for deliveries up to `through` that had already ended without it (D2), once, at the level they needed. */
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
}

/** Nobody can say that a delivery was lost on a connection that never answered a barrier: such a loss is `unverified`. */
export function lossSignal(delivery: Delivery, signal: 'expired' | 'disconnected' | 'shutdown'): Signal {
  return delivery.session.capability === 'none' ? 'unverified' : signal;
}

function lapse(session: Session, delivery: Delivery): void {
  session.lapsed ??= [];
  if (session.lapsed.length < LAPSED_LIMIT) session.lapsed.push(delivery);
}
