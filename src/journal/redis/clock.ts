// journal: the clock of Redis, by which all instances date what they write: their own clocks need not agree.

/** A sample that took longer gives bounds only: Redis may have said its time at either end, ms. */
const GOOD_MS = 20;
/** A change beyond this, and beyond the error of a sample, shows that the clock was set, ms. */
const SET_MS = 500;

export class RedisClock {
  #offset: number | undefined = undefined;
  #tookMs = Number.POSITIVE_INFINITY;
  /** The offset by which what is in Redis was dated. */
  #dated: number | undefined = undefined;
  readonly #fallback: () => number;

  /**
   * `fallback`: from the monotonic clock to this machine's wall clock, ms: until Redis has said its
   * time.
   */
  constructor(fallback: () => number) {
    this.#fallback = fallback;
  }

  /**
   * Redis said `time` (ms since the epoch) between two monotonic times. An offset that a slow
   * answer allows stays: Redis or this instance stood still, before or after Redis read its clock.
   */
  sample(sentAt: number, cameAt: number, time: number): void {
    const took = cameAt - sentAt;
    const known = this.#offset;
    if (known !== undefined && took > this.#tookMs && took > GOOD_MS) {
      const within = Math.min(Math.max(known, time - cameAt), time - sentAt);
      if (Math.abs(within - known) <= SET_MS) {
        this.#offset = within;
        return;
      }
    }
    this.#offset = time - (sentAt + cameAt) / 2;
    this.#tookMs = took;
    this.#dated ??= this.#offset;
  }

  /**
   * Whether the clock was set, or has drifted as far, since what is in Redis was dated. Says so
   * once: its caller dates all of that anew.
   */
  wasSet(): boolean {
    if (Math.abs(this.offset() - (this.#dated ?? this.offset())) <= SET_MS + this.error) return false;
    this.#dated = this.#offset;
    return true;
  }

  /** From the monotonic clock to the clock of Redis, ms. */
  offset(): number {
    return this.#offset ?? this.#fallback();
  }

  /** How far `offset` may be wrong, ms. */
  get error(): number {
    return this.#offset === undefined ? Number.POSITIVE_INFINITY : this.#tookMs / 2;
  }

  readonly wallOf = (at: number): number => at + this.offset();
}
