// journal: the commands that Redis is not known to have read, in order, as columns: there are many, and they live long.
import type { Over } from './one-way.ts';

/** What is noted of a command whose end has been told. */
const told: Over = () => {};

export class Written {
  #sizes: number[] = [];
  #times: number[] = [];
  #overs: (Over | undefined)[] = [];
  /** Number of the first of them. */
  #first = 1;
  #bytes = 0;

  /** Their bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** When the oldest was written (monotonic ms); undefined = there is none. */
  get oldest(): number | undefined {
    return this.#times[0];
  }

  /** Number that the next command gets. */
  get next(): number {
    return this.#first + this.#sizes.length;
  }

  has(number: number): boolean {
    return number >= this.#first && number < this.next;
  }

  add(bytes: number, at: number, over: Over | undefined): void {
    this.#sizes.push(bytes);
    this.#times.push(at);
    this.#overs.push(over);
    this.#bytes += bytes;
  }

  /** Tells the end of one command, once. It still counts as not read. */
  tell(number: number, tell: (over: Over | undefined) => void): void {
    const i = number - this.#first;
    if (!this.has(number) || this.#overs[i] === told) return;
    const over = this.#overs[i];
    this.#overs[i] = told;
    tell(over);
  }

  /** Takes out all up to that number, and tells the end of those of which it was not told. */
  end(through: number, tell: (over: Over | undefined) => void): void {
    const count = through - this.#first + 1;
    this.#first = through + 1;
    const overs = this.#overs.splice(0, count);
    this.#times.splice(0, count);
    for (const bytes of this.#sizes.splice(0, count)) this.#bytes -= bytes;
    for (const over of overs) if (over !== told) tell(over);
  }
}
