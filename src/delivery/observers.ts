// delivery: one observer that tells several, without arrays or closures per step of the hot path.

import type { EventType } from './policy.ts';
import type { Observer } from './ports.ts';
import type { Attempt, Delivery } from './record.ts';
import type { Session } from './session.ts';
import type { ShedReason, UnmatchedReason } from './words.ts';

/**
 * Tells its members in order. A member that throws ends the step. The tap reports the error and
 * goes on as a pass-through (SPEC D8).
 */
export class ObserverList implements Observer {
  #all: readonly Observer[];

  constructor(all: readonly Observer[]) {
    this.#all = all;
  }

  /** Adds a member. The result removes it again. */
  add(observer: Observer): () => void {
    this.#all = [...this.#all, observer];
    return () => {
      this.#all = this.#all.filter((each) => each !== observer);
    };
  }

  tracked(delivery: Delivery): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.tracked(delivery);
  }

  attempted(delivery: Delivery, attempt: Attempt): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.attempted(delivery, attempt);
  }

  received(delivery: Delivery, now: number): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.received(delivery, now);
  }

  settled(delivery: Delivery): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.settled(delivery);
  }

  changed(delivery: Delivery): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.changed?.(delivery);
  }

  handedOver(delivery: Delivery): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.handedOver?.(delivery);
  }

  upgraded(delivery: Delivery, now: number): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.upgraded(delivery, now);
  }

  rejectedLater(delivery: Delivery, now: number): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.rejectedLater?.(delivery, now);
  }

  unmatched(reason: UnmatchedReason, session: Session, eventId: string): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.unmatched(reason, session, eventId);
  }

  shed(reason: ShedReason, session: Session, type: EventType): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.shed(reason, session, type);
  }
}
