// delivery: times in which this process did not run: they extend deadlines, because no evidence could be taken in.
import type { Delivery } from './record.ts';

/**
 * Number of standstills remembered. Older ones are longer ago than any deadline that could still be
 * open.
 */
const REMEMBERED = 64;

/** The latest standstills, in order. Times are ms of the monotonic clock. */
export class Standstills {
  readonly #from: number[] = [];
  readonly #to: number[] = [];

  /** Notes that nothing ran in [from, to). */
  note(from: number, to: number): void {
    this.#from.push(from);
    this.#to.push(to);
    if (this.#from.length <= REMEMBERED) return;
    this.#from.shift();
    this.#to.shift();
  }

  /** The part of the time since `at` that was a standstill, ms. */
  since(at: number): number {
    let ms = 0;
    for (let i = this.#to.length - 1; i >= 0 && this.#to[i]! > at; i--)
      ms += this.#to[i]! - Math.max(at, this.#from[i]!);
    return ms;
  }
}

/**
 * How long nobody could hear the client of the delivery, because no process had its session, ms.
 */
export function unheard({ session: { gap }, sentAt }: Delivery): number {
  return gap !== undefined && sentAt <= gap.until ? gap.ms : 0;
}
