// delivery: records of deliveries that have left the history, used again: what lives as long as the history would cost the garbage collector a copy each.
import { Delivery, type EventFacts } from './record.ts';
import type { Session } from './session.ts';
import type { Level } from './words.ts';

/** Spare records at most: those of a peak that has passed are let go. */
const LIMIT = 1024;

export class Spares {
  readonly #spare: Delivery[] = [];

  /** A record for a new delivery. */
  take(seq: number, session: Session, ordinal: number, facts: EventFacts, required: Level, now: number): Delivery {
    const spare = this.#spare.pop();
    if (spare === undefined) return new Delivery(seq, session, ordinal, facts, required, now);
    spare.reuse(seq, session, ordinal, facts, required, now);
    return spare;
  }

  /** A record has left the store. It is used again if it was confirmed at once: nobody else holds such a one (`Delivery.kept`). */
  offer(delivery: Delivery): void {
    if (delivery.status !== 'confirmed' || delivery.attempts !== 1 || delivery.kept) return;
    if (this.#spare.length < LIMIT) this.#spare.push(delivery);
  }
}
