// delivery: records that have left the history, used again: new ones would cost the garbage collector a copy each.
import { Delivery, type EventFacts } from './record.ts';
import type { Session } from './session.ts';
import type { Level } from './words.ts';

/** Spare records at most. The spares of a peak that has passed are released. */
const LIMIT = 1024;

export class RecordPool {
  readonly #spare: Delivery[] = [];

  /** Returns a record for a new delivery. */
  take(seq: number, session: Session, ordinal: number, facts: EventFacts, required: Level, now: number): Delivery {
    const spare = this.#spare.pop();
    if (spare === undefined) return new Delivery(seq, session, ordinal, facts, required, now);
    spare.reuse(seq, session, ordinal, facts, required, now);
    return spare;
  }

  /**
   * Takes a record that has left the store. The record is used again if it was confirmed at once
   * and no observer keeps it (`Delivery.kept`).
   */
  offer(delivery: Delivery): void {
    if (delivery.status !== 'confirmed' || delivery.attempts !== 1 || delivery.kept) return;
    if (this.#spare.length < LIMIT) this.#spare.push(delivery);
  }
}
