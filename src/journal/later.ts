// journal: deliveries that are written down only if they are still in flight after a while: nearly all have their outcome by then.
import { type Delivery, isSettled } from '../delivery/record.ts';

/** In the order of their send. Costs two stores per delivery. */
export class Later {
  readonly #deliveries: Delivery[] = [];
  /** A record may be another delivery's by the time that it is looked at. */
  readonly #seqs: number[] = [];
  #head = 0;

  get waiting(): number {
    return this.#deliveries.length - this.#head;
  }

  add(delivery: Delivery): void {
    this.#deliveries.push(delivery);
    this.#seqs.push(delivery.seq);
  }

  /** Shows those that were sent by `due` (monotonic ms) and have no outcome. */
  drain(due: number, visit: (delivery: Delivery) => void): void {
    const deliveries = this.#deliveries;
    let at = this.#head;
    for (; at < deliveries.length; at++) {
      const delivery = deliveries[at]!;
      if (delivery.seq !== this.#seqs[at] || isSettled(delivery)) continue;
      if (delivery.sentAt > due) break;
      visit(delivery);
    }
    this.#head = at;
    if (at < 1024 && at < deliveries.length) return;
    deliveries.splice(0, at);
    this.#seqs.splice(0, at);
    this.#head = 0;
  }
}
