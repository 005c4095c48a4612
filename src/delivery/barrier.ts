// delivery: when a connection needs a barrier ping: at most one outstanding, one per flush, saved for a moment where the application speaks soon.
import type { Delivery } from './record.ts';
import type { Session } from './session.ts';

/** So many messages of one kind make the next one likely to be of that kind too. */
const SURE = 2;
/** How long the application's word is waited for before a barrier goes after all, ms (E5). */
export const WORD_MS = 100;

/**
 * Barrier bookkeeping of one connection. Ordinals count the upstream's data messages from 1; a barrier "through N"
 * follows message N, so its pong proves that every message up to N was parsed (frames are ordered, RFC 6455 §5.4–5.5).
 */
export class Barrier {
  /** A delivery waits for a word of the application that should come soon: `overdue` is to be asked on later beats. */
  deferring = false;
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

  /** Notes a delivery that just joined. One of which the application is expected to speak needs no barrier until that is late. */
  note(delivery: Delivery): void {
    const { session } = delivery;
    if (wordExpected(delivery, session)) {
      this.#row = Math.max(Math.min(this.#row, 0) - 1, -SURE);
      if (delivery.required === 'received') this.deferring = true;
      return;
    }
    this.#row = Math.min(Math.max(this.#row, 0) + 1, SURE);
    this.need(delivery.ordinal);
  }

  /** Something up to `ordinal` waits for a barrier. */
  need(ordinal: number): void {
    if (ordinal > this.#needed) this.#needed = ordinal;
  }

  /**
   * Whether a delivery has waited too long for the application's word; then a barrier is wanted, and the application is not expected
   * to speak of that type again until it does. Stops `deferring` when nothing waits. `now` is monotonic ms.
   */
  overdue(session: Session, now: number): boolean {
    let waits = false;
    for (let each = session.awaitingReceived.head; each !== undefined; each = each.next) {
      if (each.required !== 'received' || each.ordinal <= this.#needed) continue;
      waits = true;
      if (now - each.sentAt < WORD_MS) break;
      session.processedTypes?.delete(each.type.index);
      this.need(session.lastOrdinal);
      break;
    }
    this.deferring = waits;
    return this.wanted;
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

  /** Whether a last one would prove anything that those on their way do not: something is in flight, or not read yet, behind them (D15). */
  lastWanted(session: Session, through: number): boolean {
    const tail = session.awaitingReceived.tail;
    return through > this.#sent && (session.undecoded > 0 || (tail !== undefined && tail.ordinal > this.#sent));
  }

  /** Whether an answer that is on its way can still prove something (D15). */
  proves(session: Session): boolean {
    const head = session.awaitingReceived.head;
    return this.outstanding && (session.undecoded > 0 || (head !== undefined && head.ordinal <= this.#sent));
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

/** Whether the application's word may come instead of a pong. A word on an id that was sent before may mean the earlier message. */
function wordExpected(delivery: Delivery, session: Session): boolean {
  if (delivery.olderTwin !== undefined || delivery.repeated) return false;
  if (delivery.required === 'processed') return session.capability === 'processed';
  return session.processedTypes?.has(delivery.type.index) === true;
}
