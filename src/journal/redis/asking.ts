// journal: questions to all other instances: answered by each that is there, or given up after a while.
import type { Wire } from './wire.ts';

/** What the others have answered. */
export interface Answers<T> {
  readonly answers: readonly T[];
  /** How many instances have not answered. */
  readonly missing: number;
}

interface Open<T> {
  readonly answers: T[];
  wanted: number;
  done(): void;
}

/** Questions that may wait for their answers. */
const LIMIT = 1000;

/** One kind of question. `T`: what one instance answers. */
export class Asking<T> {
  readonly #wire: Wire;
  readonly #patienceMs: number;
  readonly #open = new Map<number, Open<T>>();
  #last = 0;

  constructor(wire: Wire, patienceMs: number) {
    this.#wire = wire;
    this.#patienceMs = patienceMs;
  }

  /** Whether one more question has room. */
  get full(): boolean {
    return this.#open.size >= LIMIT;
  }

  /**
   * Asks everybody else. `notice` makes the question from its number. Rejects where Redis cannot be
   * asked.
   */
  async ask(notice: (ask: number) => Parameters<Wire['tellAll']>[0]): Promise<Answers<T>> {
    const ask = ++this.#last;
    const answers: T[] = [];
    let timer: NodeJS.Timeout | undefined;
    try {
      let done = (): void => {};
      const over = new Promise<void>((resolve) => {
        done = resolve;
      });
      const open: Open<T> = { answers, wanted: Number.POSITIVE_INFINITY, done };
      this.#open.set(ask, open);
      timer = setTimeout(done, this.#patienceMs);
      // This instance gets the question too, and does not answer itself.
      open.wanted = (await this.#wire.tellAll(notice(ask))) - 1;
      if (answers.length < open.wanted) await over;
      return { answers, missing: Math.max(0, open.wanted - answers.length) };
    } finally {
      clearTimeout(timer);
      this.#open.delete(ask);
    }
  }

  /** An answer to question number `ask`. */
  answered(ask: number, answer: T): void {
    const open = this.#open.get(ask);
    if (open === undefined) return;
    open.answers.push(answer);
    if (open.answers.length >= open.wanted) open.done();
  }
}
