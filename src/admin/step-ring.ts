// admin: the steps of the stream, numbered, in a bounded ring: a follower that comes back reads on from there.
import type { Observer } from '../delivery/ports.ts';
import type { Delivery } from '../delivery/record.ts';
import type { BookEntry, LifeStep } from './connection-book.ts';
import type { StepJson } from './shapes.ts';

/** A step of a delivery or of a connection as it is: no text is built on the hot path. */
export type HeldStep =
  | { readonly id: number; readonly step: StepJson['step']; readonly at: number; readonly delivery: Delivery }
  | { readonly id: number; readonly life: LifeStep; readonly entry: BookEntry };

/** Steps kept for followers that come back. */
const KEPT = 2048;

export interface StepRing {
  /** Number of the latest step; 0 = none yet. */
  readonly last: number;
  add(step: StepJson['step'], at: number, delivery: Delivery): HeldStep;
  addLife(life: LifeStep, entry: BookEntry): HeldStep;
  /** Every step after step `id`; undefined where some of them are gone. */
  after(id: number): readonly HeldStep[] | undefined;
}

export function createStepRing(kept = KEPT): StepRing {
  const ring: HeldStep[] = [];
  let last = 0;
  const put = (held: HeldStep): HeldStep => {
    ring[held.id % kept] = held;
    return held;
  };
  return {
    get last() {
      return last;
    },
    add(step, at, delivery) {
      // The record is shown after this call, and so may not become another delivery meanwhile.
      delivery.kept = true;
      return put({ id: ++last, step, at, delivery });
    },
    addLife: (life, entry) => put({ id: ++last, life, entry }),
    after(id) {
      if (id > last || id < last - kept) return undefined;
      const steps: HeldStep[] = [];
      for (let each = id + 1; each <= last; each++) steps.push(ring[each % kept] as HeldStep);
      return steps;
    },
  };
}

/**
 * Watches deliveries, and no confirmation that matches none: clients could flood the stream with
 * those. `took` is asked with each step and the delivery as it is at that moment.
 */
export function stepObserver(took: (step: StepJson['step'], at: number, delivery: Delivery) => void): Observer {
  return {
    tracked: (delivery) => took('send', delivery.sentAt, delivery),
    attempted: (delivery, attempt) => took(attempt.kind, attempt.at, delivery),
    received: (delivery, now) => took('received', now, delivery),
    settled: (delivery) => took(delivery.status as StepJson['step'], delivery.settledAt, delivery),
    upgraded: (delivery, now) => took('upgrade', now, delivery),
    rejectedLater: (delivery, now) => took('rejected', now, delivery),
  };
}
