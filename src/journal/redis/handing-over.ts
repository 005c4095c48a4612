// journal: hands over what waits in ledgers: so much as the kernel takes, and the rest when it takes more.
import type { Report } from '../../delivery/ports.ts';
import type { LetterScribe } from '../letter-scribe.ts';
import type { WallOf } from '../snapshot.ts';
import { type Ledger, SessionLedger } from './ledger.ts';
import type { Outbox } from './outbox.ts';
import { noteReceived, takeWhole } from './told.ts';
import { Waiting } from './waiting.ts';

export interface HandingOverDeps {
  readonly outbox: Outbox;
  readonly letters: Pick<LetterScribe, 'handOver'>;
  readonly wallOf: WallOf;
  readonly report: Report;
  /** Whether the ledger is that of a session of this instance. */
  isOwn(ledger: SessionLedger): boolean;
}

/** Ledgers that are written in one call. */
const TOGETHER = 64;

export class HandingOver {
  readonly waiting: Waiting;
  /** Sessions that Redis has not got whole. */
  readonly missing = new Set<SessionLedger>();
  readonly #deps: HandingOverDeps;

  constructor(deps: HandingOverDeps) {
    this.#deps = deps;
    this.waiting = new Waiting(() => this.#some((most) => this.waiting.takeSoon(most)), deps.report);
  }

  /**
   * While the kernel takes nothing more, changes stay in their ledgers: one that undoes another
   * costs nothing there, and a Redis that is behind is not told of what is over by then.
   */
  all(): void {
    this.#some((most) => this.#takeAll(most));
  }

  /** Hands over the changes of one ledger, likewise. */
  one(ledger: Ledger): void {
    this.#deps.letters.handOver();
    if (!this.#deps.outbox.full && this.waiting.remove(ledger)) {
      // The changes of a session are one command.
      if (ledger instanceof SessionLedger && !ledger.missing) this.flush(ledger);
      else this.#flushAll([ledger]);
    }
    this.waiting.settled();
  }

  /** Hands over everything, also where it has to wait in this process, which is about to end. */
  finish(): void {
    this.#deps.letters.handOver();
    this.#flushAll(this.#takeAll());
  }

  /** Writes what has changed, whether or not the kernel takes it. */
  flush(ledger: Ledger): void {
    const { outbox } = this.#deps;
    if (!(ledger instanceof SessionLedger)) {
      if (ledger.missing || !outbox.open) return;
      outbox.putOthers(ledger.sets, ledger.gone);
      ledger.forget();
    } else if (!this.#deps.isOwn(ledger)) ledger.forget();
    else if (!outbox.open) this.miss(ledger);
    else if (ledger.missing) this.write(ledger);
    else {
      if (ledger.changed) outbox.put(ledger);
      if (ledger.received.size > 0) this.waiting.add(ledger, true);
    }
  }

  /** Writes all of a session. */
  write(ledger: SessionLedger): void {
    const fields = takeWhole(ledger, this.#deps.wallOf);
    ledger.missing = false;
    this.missing.delete(ledger);
    this.#deps.outbox.write(ledger, fields);
  }

  /** Notes that Redis has not got all of the session. */
  miss(ledger: SessionLedger): void {
    if (!this.#deps.isOwn(ledger)) return;
    ledger.missing = true;
    ledger.forget();
    this.missing.add(ledger);
  }

  #some(take: (most: number) => readonly Ledger[]): void {
    // A delivery that is over for Redis has its letter there.
    this.#deps.letters.handOver();
    for (let more = true; more && !this.#deps.outbox.full; ) {
      const ledgers = take(TOGETHER);
      if (ledgers.length > 0) this.#flushAll(ledgers);
      // What may wait is waiting again.
      more = ledgers.length === TOGETHER;
    }
    this.waiting.settled();
  }

  /** With everything that may wait. */
  #takeAll(most?: number): readonly Ledger[] {
    const ledgers = this.waiting.take(most);
    for (const ledger of ledgers) if (ledger instanceof SessionLedger) noteReceived(ledger, this.#deps.wallOf);
    return ledgers;
  }

  #flushAll(ledgers: readonly Ledger[]): void {
    this.#deps.outbox.together(() => {
      for (const ledger of ledgers) this.flush(ledger);
    });
  }
}
