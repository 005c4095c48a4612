// delivery: when a connection needs a barrier ping: at most one outstanding, one per flush (SPEC E1, E2, E5).
import type { Delivery } from './record.ts';
import type { Session } from './session.ts';

/** Messages in a row of one kind that make the next one likely to be of that kind too. */
const SURE = 2;
/** How long a confirmation is waited for before a barrier goes after all, ms (E5). */
const WORD_MS = 100;

/**
 * The barrier schedule of one connection. Ordinals count the upstream's data messages from 1; a
 * barrier "through N" follows message N, so its pong proves that every message up to N was parsed
 * (frames are ordered, RFC 6455 §5.4–5.5).
 */
export class BarrierSchedule {
  /**
   * Whether a delivery waits for a confirmation that should come soon. If so, later beats ask
   * `overdue`.
   */
  deferring = false;
  /** Highest ordinal whose delivery waits for a barrier. */
  #needed = 0;
  /** Ordinal of the latest barrier sent; -1 before the first. */
  #sent = -1;
  #answered = -1;

  /**
   * Number of messages in a row that needed a barrier (> 0), or that were tracked and needed none
   * (< 0). 0 = a message of another kind came between.
   */
  #row = 0;

  /** Whether a barrier is on its way and not answered yet. */
  get outstanding(): boolean {
    return this.#sent > this.#answered;
  }

  /**
   * Notes a delivery that just joined. A delivery whose confirmation is expected needs no barrier
   * until that confirmation is late.
   */
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

  /** Notes that a message up to `ordinal` waits for a barrier. */
  need(ordinal: number): void {
    if (ordinal > this.#needed) this.#needed = ordinal;
  }

  /**
   * Whether a delivery has waited too long for its confirmation. If so, a barrier is wanted, and no
   * confirmation of that type is expected until the application sends one. Clears `deferring` when
   * no delivery waits. `now` is monotonic ms.
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

  /**
   * A guess from the last messages at what the next message will need; undefined = the last ones
   * differ. A wrong guess costs a ping, never an outcome.
   */
  get next(): 'barrier' | 'nothing' | undefined {
    if (this.#row >= SURE) return this.outstanding ? 'nothing' : 'barrier';
    return this.#row <= -SURE ? 'nothing' : undefined;
  }

  /**
   * Whether a barrier should be sent now: an unproven message came after the last barrier, and no
   * barrier is outstanding.
   */
  get wanted(): boolean {
    return this.#needed > this.#sent && this.#needed > this.#answered && this.#sent <= this.#answered;
  }

  /**
   * Whether a last barrier would prove more than the outstanding ones: a message behind them is in
   * flight, or not read yet (D15).
   */
  lastWanted(session: Session, through: number): boolean {
    const tail = session.awaitingReceived.tail;
    return through > this.#sent && (session.undecoded > 0 || (tail !== undefined && tail.ordinal > this.#sent));
  }

  /** Whether an outstanding answer can still prove something (D15). */
  proves(session: Session): boolean {
    const head = session.awaitingReceived.head;
    return this.outstanding && (session.undecoded > 0 || (head !== undefined && head.ordinal <= this.#sent));
  }

  /**
   * Notes a barrier through `ordinal` that was written. A probe may send one while another is
   * outstanding.
   */
  sent(ordinal: number): void {
    this.#sent = ordinal;
    // The open barrier and a probe may repeat the ordinal of an answered barrier. They are
    // outstanding all the same.
    if (this.#answered >= ordinal) this.#answered = ordinal - 1;
  }

  /** Notes evidence through `ordinal`: a pong to a barrier, or to a later ping of the upstream. */
  answered(ordinal: number): void {
    if (ordinal > this.#answered) this.#answered = ordinal;
  }
}

/**
 * Whether a confirmation may come instead of a pong. A confirmation of an id that was sent before
 * may mean the earlier message.
 */
function wordExpected(delivery: Delivery, session: Session): boolean {
  if (delivery.olderTwin !== undefined || delivery.repeated) return false;
  if (delivery.required === 'processed') return session.capability === 'processed';
  return session.processedTypes?.has(delivery.type.index) === true;
}
