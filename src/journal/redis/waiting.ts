// journal: ledgers with changes that wait: for a hand-over, for the end of the turn of the event loop, or for the beat.
import type { Report } from '../../delivery/ports.ts';
import type { Ledger } from './ledger.ts';

export class Waiting {
  readonly #handOver: () => void;
  readonly #report: Report;
  /** Ledgers that wait for the end of the turn at the latest. */
  readonly #soon = new Set<Ledger>();
  /** Ledgers that may wait for the next beat; none is in both. */
  readonly #late = new Set<Ledger>();
  #turnEnd: NodeJS.Immediate | undefined;

  /** `handOver` is called at the end of a turn in which something came that waits for that. */
  constructor(handOver: () => void, report: Report) {
    this.#handOver = handOver;
    this.#report = report;
  }

  get size(): number {
    return this.#soon.size + this.#late.size;
  }

  /** `late`: may wait for the next beat. */
  add(ledger: Ledger, late = false): void {
    if (late) {
      if (!this.#soon.has(ledger)) this.#late.add(ledger);
      return;
    }
    this.#late.delete(ledger);
    this.#soon.add(ledger);
    this.soon();
  }

  /** Sees to it that there is a hand-over in this turn. */
  soon(): void {
    this.#turnEnd ??= setImmediate(atTurnEnd, this);
  }

  /**
   * Everything that had to be has been handed over, and the letters too: the end of the turn is
   * waited for only where something still waits for that.
   */
  settled(): void {
    if (this.#soon.size > 0) return;
    clearImmediate(this.#turnEnd);
    this.#turnEnd = undefined;
  }

  /** Takes a ledger out. Answers whether it waited. */
  remove(ledger: Ledger): boolean {
    return this.#soon.delete(ledger) || this.#late.delete(ledger);
  }

  /** Takes the first of those that wait for the end of the turn, `count` at most. */
  takeSoon(count: number): readonly Ledger[] {
    return takeFirst(this.#soon, count);
  }

  /** Takes the first of all, `count` at most. */
  take(count = Number.POSITIVE_INFINITY): readonly Ledger[] {
    const soon = takeFirst(this.#soon, count);
    return soon.length < count ? [...soon, ...takeFirst(this.#late, count - soon.length)] : soon;
  }

  atTurnEnd(): void {
    this.#turnEnd = undefined;
    try {
      this.#handOver();
    } catch (error) {
      // A bug in there costs what was told, not the process (SPEC D8).
      this.#report({ stage: 'store', error });
    }
  }
}

function takeFirst(ledgers: Set<Ledger>, count: number): Ledger[] {
  const taken: Ledger[] = [];
  for (const ledger of ledgers) {
    if (taken.length >= count) break;
    ledgers.delete(ledger);
    taken.push(ledger);
  }
  return taken;
}

function atTurnEnd(waiting: Waiting): void {
  waiting.atTurnEnd();
}
