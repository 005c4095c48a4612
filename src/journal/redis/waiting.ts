// journal: ledgers with changes that wait: for a hand-over, or for the end of the turn of the event loop at the latest.
import type { Report } from '../../delivery/ports.ts';
import type { Ledger } from './ledger.ts';

export class Waiting {
  readonly #handOver: () => void;
  readonly #report: Report;
  #ledgers: Ledger[] = [];
  #scheduled = false;

  constructor(handOver: () => void, report: Report) {
    this.#handOver = handOver;
    this.#report = report;
  }

  get size(): number {
    return this.#ledgers.length;
  }

  add(ledger: Ledger): void {
    if (!ledger.waits) {
      ledger.waits = true;
      this.#ledgers.push(ledger);
    }
    this.soon();
  }

  /** Sees to it that there is a hand-over in this turn. */
  soon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(atTurnEnd, this);
  }

  /** Takes the first of them, `count` at most. */
  take(count = Number.POSITIVE_INFINITY): readonly Ledger[] {
    const all = this.#ledgers;
    const ledgers = all.length <= count ? all : all.slice(0, count);
    this.#ledgers = all.length <= count ? [] : all.slice(count);
    for (const ledger of ledgers) ledger.waits = false;
    return ledgers;
  }

  atTurnEnd(): void {
    this.#scheduled = false;
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
