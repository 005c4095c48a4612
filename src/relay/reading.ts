// relay: a time in which no client is read, because it is not clear whose the deliveries are: what comes waits.

/** Says whether bytes, FINs and ends of clients are told now, for all of a process. */
export class Reading {
  #waiting: (() => void)[] | undefined = undefined;
  readonly #doubtful: () => boolean;
  readonly #begun: () => void;

  /**
   * `doubtful` is asked at each read. If it says yes, a hold begins and `begun` is called, which
   * must see to it that `goOn` is called in the end.
   */
  constructor(doubtful: () => boolean, begun: () => void) {
    this.#doubtful = doubtful;
    this.#begun = begun;
  }

  /** Whether nothing is told now. */
  get held(): boolean {
    return this.#waiting !== undefined;
  }

  /** Whether what has just come has to wait. May begin a hold. */
  holds(): boolean {
    if (this.#waiting === undefined && this.#doubtful()) this.hold();
    return this.#waiting !== undefined;
  }

  /** Begins a hold, unless there is one. */
  hold(): void {
    if (this.#waiting !== undefined) return;
    this.#waiting = [];
    this.#begun();
  }

  /** Calls `tell` when the hold is over, in the order of these calls. */
  later(tell: () => void): void {
    this.#waiting?.push(tell);
  }

  /** Ends the hold: what has come is told now. */
  goOn(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const tell of waiting) tell();
  }
}
