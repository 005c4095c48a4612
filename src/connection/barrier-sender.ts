// connection: the barriers of one client: joins the schedule of the core (when one is needed) to the splice (where one can go). SPEC E1, E2, E5, D15.

import { Barrier } from '../delivery/barrier.ts';
import type { Delivery } from '../delivery/record.ts';
import type { Session } from '../delivery/session.ts';
import type { AttemptResult } from '../delivery/words.ts';
import type { SpliceHandle } from '../relay/splice-handle.ts';
import type { Ahead } from '../relay/tap.ts';
import type { Deferring } from './overdue-words.ts';
import type { ConnectionDeps } from './parts.ts';
import { type Task, whenTurnEnds } from './turn-end.ts';

/** One per client: a client that takes the place of another starts anew. */
export class BarrierSender implements Task, Deferring {
  /** No further evidence can come from the client, or it is another connection's, or nothing is ever tracked: nothing is sent. */
  over: boolean;
  readonly #session: Session;
  readonly #splice: SpliceHandle;
  readonly #deps: ConnectionDeps;
  readonly #openedAt: number;
  readonly #schedule = new Barrier();
  #probedAt = 0;
  #probeResult: AttemptResult = 'blocked';
  /** On the list of those that wait for a word of the application. */
  #deferring = false;

  constructor(session: Session, splice: SpliceHandle, deps: ConnectionDeps, openedAt: number) {
    this.#session = session;
    this.#splice = splice;
    this.#deps = deps;
    this.#openedAt = openedAt;
    this.over = !deps.decoder.tracks;
  }

  /** A barrier is on its way and not answered yet. */
  get outstanding(): boolean {
    return this.#schedule.outstanding;
  }

  /** A delivery has begun. */
  note(delivery: Delivery): void {
    const schedule = this.#schedule;
    schedule.note(delivery);
    if (schedule.deferring && !this.#deferring) {
      this.#deferring = true;
      this.#deps.overdue.add(this);
    }
    // Read on the side: its bytes have gone out, and with them the chance to join a barrier to them.
    if (this.#session.undecoded > 0 && schedule.wanted) this.#send();
  }

  /** A message waits for nothing. */
  pass(): void {
    this.#schedule.pass();
  }

  /** What may be written of message `ordinal` before it is read. */
  ahead(ordinal: number): Ahead {
    const next = this.over || this.#session.optedIn ? undefined : this.#schedule.next;
    if (next === undefined) return 'wait';
    if (next === 'nothing') return 'message';
    this.#schedule.sent(ordinal);
    return 'barrier';
  }

  /** Whether a barrier goes behind message `through`, which is being written. */
  at(through: number): boolean {
    if (!this.#schedule.wanted || this.over) return false;
    this.#schedule.sent(through);
    return true;
  }

  /** Whether a last one goes behind message `through`: nothing can be added after that. */
  lastAt(through: number): boolean {
    if (this.over || !this.#schedule.lastWanted(this.#session, through)) return false;
    this.#schedule.sent(through);
    return true;
  }

  /** Whether an answer on its way, or a word of the application that should follow it, can still prove something. */
  awaits(now: number): boolean {
    if (this.over) return false;
    const { patienceMs } = this.#deps.relay.limits;
    // A client that has never answered will hardly begin now, unless it has only just come.
    if (this.#session.capability === 'none' && now - this.#openedAt > patienceMs) return false;
    const last = this.#session.awaitingProcessed.tail;
    return this.#schedule.proves(this.#session) || (last !== undefined && now - last.sentAt < patienceMs);
  }

  /** Evidence through `ordinal` arrived. */
  answered(ordinal: number): void {
    this.#schedule.answered(ordinal);
    if (this.#schedule.wanted) whenTurnEnds(this);
  }

  /** Sends the barrier that a pong made possible, unless a write has carried it by now: often the next event was there already. */
  atTurnEnd(): void {
    try {
      if (!this.over && this.#schedule.wanted) this.#send();
    } catch (error) {
      this.#deps.relay.report({ stage: 'tap', error });
    }
  }

  /** The application's word has not come: a barrier goes after all. Says whether something still waits for a word. */
  overdue(now: number): boolean {
    const due = !this.over && this.#schedule.overdue(this.#session, now);
    if (due) this.#send();
    this.#deferring = !this.over && this.#schedule.deferring;
    return this.#deferring;
  }

  /** An attempt: sends one, whatever is outstanding. Attempts of one tick share one ping. */
  probe(now: number): AttemptResult {
    if (now !== this.#probedAt) {
      this.#probedAt = now;
      this.#probeResult = this.over ? 'failed' : this.#send();
    }
    return this.#probeResult;
  }

  #send(): AttemptResult {
    const result = this.#splice.ping();
    if (result === 'sent') this.#schedule.sent(this.#splice.messagesToClient);
    return result;
  }
}
