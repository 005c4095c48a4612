// delivery: one observer that tells several, without arrays or closures per step of the hot path.

import type { EventType } from './policy.ts';
import type { EveryStep, Observer } from './ports.ts';
import type { Attempt, Delivery } from './record.ts';
import type { Session } from './session.ts';
import type { ShedReason, UnmatchedReason } from './words.ts';

type Step = keyof Observer;
/** Members that have a method for that step. */
type Hears<S extends Step> = Observer & Required<Pick<Observer, S>>;

/**
 * Tells its members in order, each of the steps that it has a method for. A member that throws ends
 * the step. The tap reports the error and goes on as a pass-through (SPEC D8).
 */
export class ObserverList implements EveryStep {
  #all: readonly Observer[];
  #tracked: readonly Hears<'tracked'>[] = [];
  #attempted: readonly Hears<'attempted'>[] = [];
  #received: readonly Hears<'received'>[] = [];
  #settled: readonly Hears<'settled'>[] = [];
  #changed: readonly Hears<'changed'>[] = [];
  #handedOver: readonly Hears<'handedOver'>[] = [];
  #upgraded: readonly Hears<'upgraded'>[] = [];
  #rejectedLater: readonly Hears<'rejectedLater'>[] = [];
  #unmatched: readonly Hears<'unmatched'>[] = [];
  #shed: readonly Hears<'shed'>[] = [];

  constructor(all: readonly Observer[]) {
    this.#all = all;
    this.#sort();
  }

  /** Adds a member. The result removes it again. */
  add(observer: Observer): () => void {
    this.#all = [...this.#all, observer];
    this.#sort();
    return () => {
      this.#all = this.#all.filter((each) => each !== observer);
      this.#sort();
    };
  }

  tracked(delivery: Delivery): void {
    for (let i = 0; i < this.#tracked.length; i++) this.#tracked[i]!.tracked(delivery);
  }

  attempted(delivery: Delivery, attempt: Attempt): void {
    for (let i = 0; i < this.#attempted.length; i++) this.#attempted[i]!.attempted(delivery, attempt);
  }

  received(delivery: Delivery, now: number): void {
    for (let i = 0; i < this.#received.length; i++) this.#received[i]!.received(delivery, now);
  }

  settled(delivery: Delivery): void {
    for (let i = 0; i < this.#settled.length; i++) this.#settled[i]!.settled(delivery);
  }

  changed(delivery: Delivery): void {
    for (let i = 0; i < this.#changed.length; i++) this.#changed[i]!.changed(delivery);
  }

  handedOver(delivery: Delivery): void {
    for (let i = 0; i < this.#handedOver.length; i++) this.#handedOver[i]!.handedOver(delivery);
  }

  upgraded(delivery: Delivery, now: number): void {
    for (let i = 0; i < this.#upgraded.length; i++) this.#upgraded[i]!.upgraded(delivery, now);
  }

  rejectedLater(delivery: Delivery, now: number): void {
    for (let i = 0; i < this.#rejectedLater.length; i++) this.#rejectedLater[i]!.rejectedLater(delivery, now);
  }

  unmatched(reason: UnmatchedReason, session: Session, eventId: string): void {
    for (let i = 0; i < this.#unmatched.length; i++) this.#unmatched[i]!.unmatched(reason, session, eventId);
  }

  shed(reason: ShedReason, session: Session, type: EventType): void {
    for (let i = 0; i < this.#shed.length; i++) this.#shed[i]!.shed(reason, session, type);
  }

  #sort(): void {
    this.#tracked = this.#hearing('tracked');
    this.#attempted = this.#hearing('attempted');
    this.#received = this.#hearing('received');
    this.#settled = this.#hearing('settled');
    this.#changed = this.#hearing('changed');
    this.#handedOver = this.#hearing('handedOver');
    this.#upgraded = this.#hearing('upgraded');
    this.#rejectedLater = this.#hearing('rejectedLater');
    this.#unmatched = this.#hearing('unmatched');
    this.#shed = this.#hearing('shed');
  }

  #hearing<S extends Step>(step: S): readonly Hears<S>[] {
    return this.#all.filter((each): each is Hears<S> => each[step] !== undefined);
  }
}
