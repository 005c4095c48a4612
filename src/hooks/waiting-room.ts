// hooks: waiting notices: first come, first served; failed ones come back when due. LOW gives way first (SPEC D7).
import { SHED_AT } from '../delivery/shedding.ts';
import type { Notice } from './notice.ts';

/** Holds at most `capacity` notices, including those that are being sent. */
export class WaitingRoom {
  /** Number of notices held: waiting, or taken and neither put back nor done. */
  held = 0;
  readonly #capacity: number;
  /** New notices in order; taken from `#first` on. */
  #ready: Notice[] = [];
  #first = 0;
  /** Failed notices by `due`, latest first, so that the next one is taken from the end. */
  readonly #later: Notice[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Whether another notice of that delivery's priority fits. */
  hasRoom(notice: Notice): boolean {
    return this.held < this.#capacity * SHED_AT[notice.delivery.type.policy.priority];
  }

  add(notice: Notice): void {
    this.held++;
    this.#ready.push(notice);
  }

  /** Puts a taken notice back, until `notice.due`. */
  putBack(notice: Notice): void {
    let at = this.#later.length;
    while (at > 0 && this.#later[at - 1]!.due < notice.due) at--;
    this.#later.splice(at, 0, notice);
  }

  /** Notes that a taken notice has its end. */
  done(): void {
    this.held--;
  }

  /** When the next notice can be taken, monotonic ms: 0 = now, Infinity = none waits. */
  get nextAt(): number {
    if (this.#first < this.#ready.length) return 0;
    return this.#later.at(-1)?.due ?? Number.POSITIVE_INFINITY;
  }

  /** Takes the notice that has been due longest. */
  take(now: number): Notice | undefined {
    const next = this.#later.at(-1);
    if (next !== undefined && next.due <= now) return this.#later.pop();
    const notice = this.#ready[this.#first];
    if (notice === undefined) return undefined;
    this.#first++;
    if (this.#first * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#first);
      this.#first = 0;
    }
    return notice;
  }

  /** Empties the room. Returns the waiting notices. */
  clear(): Notice[] {
    const waited = [...this.#ready.slice(this.#first), ...this.#later];
    this.#ready = [];
    this.#first = 0;
    this.#later.length = 0;
    this.held -= waited.length;
    return waited;
  }
}
