// journal: ledgers with changes that wait: for a hand-over, for the end of the turn of the event loop, or for the beat.
import type { Report } from '../../delivery/ports.ts';
import type { Ledger } from './ledger.ts';

export class Waiting {
  readonly #handOver: () => void;
  readonly #report: Report;
  /** Ledgers that wait for the end of the turn at the latest. */
  readonly #soon = new Line();
  /** Ledgers that may wait for the next beat; none is in both. */
  readonly #late = new Line();
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
      if (ledger.line === undefined) this.#late.add(ledger);
      return;
    }
    if (ledger.line !== this.#soon) {
      ledger.line?.remove(ledger);
      this.#soon.add(ledger);
    }
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
    if (ledger.line === undefined) return false;
    ledger.line.remove(ledger);
    return true;
  }

  /** Takes the first of those that wait for the end of the turn, `count` at most. */
  takeSoon(count: number): readonly Ledger[] {
    return this.#soon.take(count);
  }

  /** Takes the first of all, `count` at most. */
  take(count = Number.POSITIVE_INFINITY): readonly Ledger[] {
    const soon = this.#soon.take(count);
    return soon.length < count ? [...soon, ...this.#late.take(count - soon.length)] : soon;
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

function atTurnEnd(waiting: Waiting): void {
  waiting.atTurnEnd();
}

/**
 * Ledgers in the order in which they came. Their links are fields of theirs: a set would allocate
 * for each message, which adds its ledger and takes it out.
 */
export class Line {
  size = 0;
  #first: Ledger | undefined = undefined;
  #last: Ledger | undefined = undefined;

  add(ledger: Ledger): void {
    ledger.line = this;
    ledger.before = this.#last;
    if (this.#last === undefined) this.#first = ledger;
    else this.#last.behind = ledger;
    this.#last = ledger;
    this.size++;
  }

  remove(ledger: Ledger): void {
    const { before, behind } = ledger;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    ledger.line = ledger.before = ledger.behind = undefined;
    this.size--;
  }

  /** Takes out the first of them, `count` at most. */
  take(count: number): Ledger[] {
    const taken: Ledger[] = [];
    for (let ledger = this.#first; ledger !== undefined && taken.length < count; ledger = this.#first) {
      this.remove(ledger);
      taken.push(ledger);
    }
    return taken;
  }
}
