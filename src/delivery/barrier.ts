// When a connection needs a barrier ping: at most one outstanding, one per flush, none where the application confirms anyway.
import type { Delivery } from './record.ts';

/** So many messages of one kind make the next one likely to be of that kind too. */
const SURE = 2;

/**
 * Barrier bookkeeping of one connection. Ordinals count the upstream's data messages from 1; a barrier "through N"
 * follows message N, so its pong proves that every message up to N was parsed (frames are ordered, RFC 6455 §5.4–5.5).
 */
export class Barrier {
  /** Highest ordinal whose delivery waits for a barrier. */
  #needed = 0;
  /** Ordinal of the latest barrier sent; -1 before the first. */
  #sent = -1;
  #answered = -1;

  /** How many messages in a row needed a barrier (> 0), or were tracked and needed none (< 0); 0: another one came between. */
  #row = 0;

  /** A barrier is on its way and not answered yet. */
  get outstanding(): boolean {
    return this.#sent > this.#answered;
  }

  /** Notes a delivery that just joined. Deliveries that the application will confirm need no barrier until they are late. */
  note(delivery: Delivery): void {
    if (delivery.required === 'processed' && delivery.session.capability === 'processed') {
      this.#row = Math.max(Math.min(this.#row, 0) - 1, -SURE);
      return;
    }
    this.#row = Math.min(Math.max(this.#row, 0) + 1, SURE);
    if (delivery.ordinal > this.#needed) this.#needed = delivery.ordinal;
  }

  /** Notes a message that waits for nothing. */
  pass(): void {
    this.#row = 0;
  }

  /** What the next message will need, judged by the last ones; undefined: nobody can tell. A wrong guess costs a ping, never an outcome. */
  get next(): 'barrier' | 'nothing' | undefined {
    if (this.#row >= SURE) return this.outstanding ? 'nothing' : 'barrier';
    return this.#row <= -SURE ? 'nothing' : undefined;
  }

  /** Whether one should be sent now: something unproven came after the last barrier, and none is outstanding. */
  get wanted(): boolean {
    return this.#needed > this.#sent && this.#needed > this.#answered && this.#sent <= this.#answered;
  }

  /** A barrier through `ordinal` was written. Probes may send one while another is outstanding. */
  sent(ordinal: number): void {
    this.#sent = ordinal;
    // The open barrier and a probe may repeat the ordinal of an answered one: they are outstanding all the same.
    if (this.#answered >= ordinal) this.#answered = ordinal - 1;
  }

  /** Evidence through `ordinal` arrived: a pong to ours, or to a later ping of the upstream. */
  answered(ordinal: number): void {
    if (ordinal > this.#answered) this.#answered = ordinal;
  }
}
