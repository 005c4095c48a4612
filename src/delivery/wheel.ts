// delivery: the timing wheel of deadlines and attempts: its cost per entry does not grow with the number pending (D4).
import type { Timed } from './record.ts';

/**
 * A hashed timing wheel (Varghese & Lauck 1987, scheme 6) with intrusive lists. A node fires at the
 * first `advance` at or after its `due`, at most one tick (25 ms) plus the caller's own lateness
 * after it, never before.
 */
export class TimingWheel<T extends Timed> {
  /** Nodes waiting. */
  size = 0;
  readonly tickMs: number;
  readonly #slots: (Timed | undefined)[];
  readonly #mask: number;
  /** The tick whose slot was emptied last. */
  #current: number;
  /** Whether the budget ran out inside that slot. */
  #unfinished = false;
  #advancing = false;

  /**
   * `slots` must be a power of two; nodes due beyond `slots × tickMs` (51 s) are put off and cost
   * one extra visit per turn.
   */
  constructor(now: number, tickMs = 25, slots = 2048) {
    this.tickMs = tickMs;
    this.#slots = new Array(slots).fill(undefined);
    this.#mask = slots - 1;
    this.#current = Math.floor(now / tickMs);
  }

  /** Schedules `node` for `due` (ms since the epoch); moves it if it is waiting already. */
  add(node: T, due: number): void {
    if (node.wheelSlot >= 0) this.remove(node);
    node.due = due;
    let tick = Math.ceil(due / this.tickMs);
    if (tick <= this.#current) tick = this.#current + 1;
    else if (tick - this.#current > this.#mask) tick = this.#current + this.#mask;
    const slot = tick & this.#mask;
    const head = this.#slots[slot];
    node.wheelSlot = slot;
    node.wheelPrev = undefined;
    node.wheelNext = head;
    if (head !== undefined) head.wheelPrev = node;
    this.#slots[slot] = node;
    this.size++;
  }

  /** Takes `node` out; nothing happens if it is not waiting. */
  remove(node: T): void {
    if (node.wheelSlot < 0) return;
    if (node.wheelPrev === undefined) this.#slots[node.wheelSlot] = node.wheelNext;
    else node.wheelPrev.wheelNext = node.wheelNext;
    if (node.wheelNext !== undefined) node.wheelNext.wheelPrev = node.wheelPrev;
    node.wheelSlot = -1;
    node.wheelPrev = undefined;
    node.wheelNext = undefined;
    this.size--;
  }

  /**
   * Fires everything due at `now`, but no more than `budget` visits, so that a mass time-out does
   * not hold the event loop. Returns whether work is left: call again soon. Called from `fire`, it
   * leaves the work to the call under way.
   */
  advance(now: number, fire: (node: T) => void, budget = Number.POSITIVE_INFINITY): boolean {
    if (this.#advancing) return true;
    this.#advancing = true;
    try {
      return this.#advance(now, fire, budget);
    } finally {
      this.#advancing = false;
    }
  }

  #advance(now: number, fire: (node: T) => void, budget: number): boolean {
    const target = Math.floor(now / this.tickMs);
    // After a long sleep one turn visits every slot once; more turns would find nothing.
    if (target - this.#current > this.#mask + 1) this.#current = target - this.#mask - 1;
    while (this.#unfinished || this.#current < target) {
      // The tick counts as passed before its slot is emptied: a node that is put back goes to a
      // later one, so the loop ends.
      if (!this.#unfinished) this.#current++;
      const slot = this.#current & this.#mask;
      for (let node = this.#slots[slot]; node !== undefined; node = this.#slots[slot]) {
        this.#unfinished = budget-- <= 0;
        if (this.#unfinished) return true;
        this.#visit(node as T, now, fire);
      }
      this.#unfinished = false;
    }
    return false;
  }

  #visit(node: T, now: number, fire: (node: T) => void): void {
    const due = node.due;
    this.remove(node);
    if (due <= now) {
      fire(node);
      return;
    }
    // The entry was put off earlier, because it lay beyond the horizon.
    this.add(node, due);
  }
}
