// delivery: times in which this process did not run: they extend deadlines, because no evidence could be taken in.

/** Standstills that are remembered one by one. The oldest of more are taken together. */
const REMEMBERED = 64;

/** The standstills, in order. Times are ms of the monotonic clock. */
export class Standstills {
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  /** Length of each; of the oldest it may be less than the time from its beginning to its end. */
  readonly #ms: number[] = [];

  /** Notes that nothing ran in [from, to). */
  note(from: number, to: number): void {
    this.#from.push(from);
    this.#to.push(to);
    this.#ms.push(to - from);
    if (this.#from.length <= REMEMBERED) return;
    // A deadline may be a week away, and a process may be stopped again and again.
    this.#from.splice(1, 1);
    this.#to.shift();
    this.#ms.splice(0, 2, this.#ms[0]! + this.#ms[1]!);
  }

  /** The part of the time since `at` that was a standstill, ms: rather too much than too little. */
  since(at: number): number {
    let ms = 0;
    for (let i = this.#to.length - 1; i >= 0 && this.#to[i]! > at; i--)
      ms += Math.min(this.#ms[i]!, this.#to[i]! - Math.max(at, this.#from[i]!));
    return ms;
  }
}
