// delivery: a delivery of an earlier process as a record of this one, with its own number and history.
import { DeliveryQueue } from './queue.ts';
import { type Attempt, Delivery, type EventFacts } from './record.ts';
import type { Session } from './session.ts';
import type { Level } from './words.ts';

/**
 * A delivery without an outcome, as an earlier process left it. Times are monotonic ms of this
 * process, and may lie before its start.
 */
export interface LeftDelivery {
  readonly seq: number;
  readonly ordinal: number;
  readonly facts: EventFacts;
  readonly required: Level;
  readonly sentAt: number;
  /** 0 = receipt is not proven. */
  readonly receivedAt: number;
  readonly attempts: readonly Pick<Attempt, 'kind' | 'at' | 'result'>[];
  readonly word: Delivery['word'];
  readonly errorText: string;
  /** The client is back without it (R6). */
  readonly missed: boolean;
  /** As on the record. */
  readonly shownAs: string;
  readonly binary: boolean;
}

/** Makes the record. `Tracker.restore` takes it in. */
export function revive(session: Session, left: LeftDelivery): Delivery {
  const { seq, ordinal, facts, required, sentAt, receivedAt, attempts, word, errorText, missed } = left;
  const delivery = new Delivery(seq, session, ordinal, facts, required, sentAt);
  delivery.receivedAt = receivedAt;
  delivery.level = receivedAt === 0 ? '' : 'received';
  delivery.word = word;
  delivery.errorText = errorText;
  delivery.shownAs = left.shownAs;
  delivery.binary = left.binary;
  delivery.queue = missed ? 'reemission' : '';
  delivery.kept = true;
  if (attempts.length === 0) return delivery;
  let last = sentAt;
  delivery.attemptLog = attempts.map(({ kind, at, result }, i) => {
    const delay = at - last;
    last = at;
    return { kind, number: i + 2, at, delay, result };
  });
  delivery.attempts = attempts.length + 1;
  delivery.status = 'retrying';
  return delivery;
}

/** The queue of its session in which a delivery that is taken in waits. */
export function queueOf(delivery: Delivery): DeliveryQueue {
  const { session } = delivery;
  if (delivery.queue === 'reemission') {
    session.missed ??= new DeliveryQueue('reemission');
    return session.missed;
  }
  return delivery.receivedAt === 0 ? session.awaitingReceived : session.awaitingProcessed;
}
