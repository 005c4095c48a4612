// delivery: a session's deliveries by ordinal: an intrusive list, so joining and leaving allocate nothing.
import type { Delivery } from './record.ts';
import type { Level } from './words.ts';

/**
 * What a delivery waits for: evidence, or (`reemission`) that the backend emits its event again,
 * because no copy is left.
 */
export type Awaited = Level | 'reemission';

/** A queue is named after what its members wait for. A delivery is in at most one queue. */
export class DeliveryQueue {
  readonly awaiting: Awaited;
  head: Delivery | undefined = undefined;
  tail: Delivery | undefined = undefined;
  size = 0;

  constructor(awaiting: Awaited) {
    this.awaiting = awaiting;
  }

  /** Adds in order of ordinal; nearly always at the tail. */
  add(delivery: Delivery): void {
    let before = this.tail;
    while (before !== undefined && before.ordinal > delivery.ordinal) before = before.prev;
    const after = before === undefined ? this.head : before.next;
    delivery.prev = before;
    delivery.next = after;
    if (before === undefined) this.head = delivery;
    else before.next = delivery;
    if (after === undefined) this.tail = delivery;
    else after.prev = delivery;
    delivery.queue = this.awaiting;
    this.size++;
  }

  remove(delivery: Delivery): void {
    if (delivery.prev === undefined) this.head = delivery.next;
    else delivery.prev.next = delivery.next;
    if (delivery.next === undefined) this.tail = delivery.prev;
    else delivery.next.prev = delivery.prev;
    delivery.prev = undefined;
    delivery.next = undefined;
    delivery.queue = '';
    this.size--;
  }
}
