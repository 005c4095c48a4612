// journal: the clock of a store: it runs on from process to process, and no wall clock moves it (SPEC D18).
import type { Clocks, Entry } from './entry.ts';

/** A change of the distance to the wall clock that is written down, ms. */
const TOLD_MS = 100;

/** What the records of a store say of its clock. */
export class LastClocks {
  /** The latest time of its clock that a record has, ms; 0 = there is none. */
  at = 0;
  /** How far the wall clock was ahead of it, ms. A store that does not say has the wall clock. */
  ahead = 0;
  /** Time in which no process wrote, summed over all gaps so far, ms. */
  away = 0;

  see(entry: Entry): void {
    if (entry.kind === 'reserved' && entry.clocks !== undefined) {
      this.#reached(entry.clocks.at);
      this.ahead = entry.clocks.ahead;
      this.away = entry.clocks.away;
    } else if (entry.kind === 'tracked') this.#reached(entry.delivery.sentAt);
    if (entry.kind !== 'tracked' && entry.kind !== 'state') return;
    for (const { at } of entry.state.attempts) this.#reached(at);
    this.#reached(entry.state.receivedAt);
  }

  #reached(at: number): void {
    this.at = Math.max(this.at, at);
  }
}

export interface StoreClockDeps {
  /** The monotonic clock, ms. */
  now(): number;
  /** A time of the monotonic clock by the wall clock, ms since the epoch. */
  wallOf(at: number): number;
}

export class StoreClock {
  /** From the monotonic clock of this process to the clock of the store, ms. */
  readonly offset: number;
  /**
   * From the monotonic clock to the time for which processes have run on the store, ms: resume
   * tokens are dated by it. Neither a stop nor a wall clock that is set makes them grow old.
   */
  readonly runOffset: number;
  /** Time since the last write, by the wall clock, ms; 0 where the wall clock was set back. */
  readonly awayMs: number;
  readonly #deps: StoreClockDeps;
  readonly #away: number;
  #told = Number.NaN;

  constructor(last: Pick<LastClocks, 'at' | 'ahead' | 'away'>, deps: StoreClockDeps) {
    this.#deps = deps;
    const now = deps.now();
    const wall = deps.wallOf(now);
    this.awayMs = last.at === 0 ? 0 : Math.max(0, wall - last.at - last.ahead);
    this.offset = (last.at === 0 ? wall : last.at + this.awayMs) - now;
    this.#away = last.away + this.awayMs;
    this.runOffset = this.offset - this.#away;
  }

  /** A time of the monotonic clock by the clock of the store. */
  readonly timeOf = (at: number): number => at + this.offset;

  /** Whether the wall clock was set since `clocks` was asked for. */
  get moved(): boolean {
    return Math.abs(this.#ahead(this.#deps.now()) - this.#told) > TOLD_MS;
  }

  /** What is to be written down. */
  clocks(): Clocks {
    const now = this.#deps.now();
    this.#told = this.#ahead(now);
    return { at: this.timeOf(now), ahead: this.#told, away: this.#away };
  }

  #ahead(now: number): number {
    return this.#deps.wallOf(now) - this.timeOf(now);
  }
}
