// journal: ranges of numbers for deliveries, which Redis gives out once: a number names one delivery anywhere.
import type { Link } from './link.ts';
import { RANGE as NEXT_RANGE } from './scripts.ts';

export interface NumbersDeps {
  readonly link: Link;
  readonly key: string;
}

/** The part that numbers deliveries. */
export interface Numbering {
  /** The highest number that was given: the next one is above it. */
  latest: number;
}

/** Numbers in a range. */
const RANGE = 2 ** 32;
/**
 * Ranges that Redis gives out; those above are for processes that began without Redis, and chose
 * one at random.
 */
const GIVEN = 2 ** 20;

export class Numbers {
  readonly #deps: NumbersDeps;
  #range: number;
  #given = false;
  #numbering: Numbering | undefined;
  #next: number | undefined;
  #asked = false;

  constructor(deps: NumbersDeps) {
    this.#deps = deps;
    this.#range = GIVEN + Math.floor(Math.random() * (GIVEN - 1));
  }

  /**
   * Takes a range at the first contact, if it comes before the first number. A Redis that has gone
   * back in time must not give it out once more.
   */
  async begin(): Promise<void> {
    if (this.#given) await this.#run(this.#next ?? this.#range);
    if (this.#given || this.#numbering !== undefined) return;
    this.#range = await this.#ask();
    this.#given = true;
  }

  /** From here on numbers are given. */
  attach(numbering: Numbering): void {
    this.#numbering = numbering;
    numbering.latest = this.#range * RANGE;
  }

  /** Sees to it that there is a next range before this one is used up. */
  look(): void {
    const numbering = this.#numbering;
    if (numbering === undefined) return;
    const used = numbering.latest - this.#range * RANGE;
    if (used < RANGE / 2) return;
    if (this.#next !== undefined && used > RANGE - RANGE / 8) {
      this.#range = this.#next;
      this.#next = undefined;
      numbering.latest = this.#range * RANGE;
    } else if (this.#next === undefined && !this.#asked) {
      this.#asked = true;
      this.#ask().then(
        (range) => {
          this.#next = range;
          this.#asked = false;
        },
        () => {
          this.#asked = false;
        },
      );
    }
  }

  async #ask(): Promise<number> {
    return (await this.#run(-1)) % GIVEN;
  }

  async #run(own: number): Promise<number> {
    const { link, key } = this.#deps;
    // Instances that were there before Redis was emptied have ranges that it does not know.
    const first = Math.floor(Math.random() * GIVEN);
    return Number(await link.run(NEXT_RANGE, [key], [String(first), String(own)]));
  }
}
