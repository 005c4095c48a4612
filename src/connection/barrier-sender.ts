// connection: the barriers of one client: the schedule of the core says when, the splice says where (E1, E2, E5, D15).

import { BarrierSchedule } from '../delivery/barrier.ts';
import type { Delivery } from '../delivery/record.ts';
import type { Session } from '../delivery/session.ts';
import type { AttemptResult } from '../delivery/words.ts';
import type { SpliceHandle } from '../relay/splice-handle.ts';
import type { WriteFirst } from '../relay/tap.ts';
import type { Deferring } from './overdue-words.ts';
import type { ConnectionDeps } from './parts.ts';
import { type Task, whenTurnEnds } from './turn-end.ts';

/**
 * The barriers of one client. A client that takes the place of another one has a sender of its own.
 */
export class BarrierSender implements Task, Deferring {
  readonly #session: Session;
  readonly #splice: SpliceHandle;
  readonly #deps: ConnectionDeps;
  readonly #openedAt: number;
  readonly #schedule = new BarrierSchedule();
  #probedAt = 0;
  #probeResult: AttemptResult = 'blocked';
  /** Whether `OverdueWords` has this sender on its list. */
  #deferring = false;
  #ended = false;
  /** Whether nothing has been tracked since the client came, because the rules leave all out. */
  #tracksNothing = true;

  constructor(session: Session, splice: SpliceHandle, deps: ConnectionDeps, openedAt: number) {
    this.#session = session;
    this.#splice = splice;
    this.#deps = deps;
    this.#openedAt = openedAt;
  }

  /**
   * Whether no barrier is sent: no further evidence can come, or the client is another
   * connection's, or nothing is tracked. Other rules may hold later (a reload).
   */
  get over(): boolean {
    if (this.#tracksNothing) this.#tracksNothing = !this.#deps.decoder.tracks;
    return this.#ended || this.#tracksNothing;
  }

  /** Sends no more barriers. */
  end(): void {
    this.#ended = true;
  }

  /** Whether a barrier is on its way and not answered yet. */
  get outstanding(): boolean {
    return this.#schedule.outstanding;
  }

  /** Notes a delivery that has begun. */
  note(delivery: Delivery): void {
    const schedule = this.#schedule;
    schedule.note(delivery);
    if (schedule.deferring && !this.#deferring) {
      this.#deferring = true;
      this.#deps.overdue.add(this);
    }
    // A message that is read on the side has gone out already, so that no barrier can join its
    // write.
    if (this.#session.undecoded > 0 && schedule.wanted) this.#send();
  }

  /** Notes a message that waits for nothing. */
  pass(): void {
    this.#schedule.pass();
  }

  /** What may be written of message `ordinal` before the message is read. */
  writeFirst(ordinal: number): WriteFirst {
    const next = this.over || this.#session.optedIn ? undefined : this.#schedule.next;
    if (next === undefined) return 'nothing';
    if (next === 'nothing') return 'message';
    this.#schedule.sent(ordinal);
    return 'message+barrier';
  }

  /**
   * Whether a barrier goes behind message `through`, which is being written. A yes counts the
   * barrier as sent.
   */
  at(through: number): boolean {
    if (!this.#schedule.wanted || this.over) return false;
    this.#schedule.sent(through);
    return true;
  }

  /**
   * Whether a last barrier goes behind message `through`, after which nothing can be added. A yes
   * counts the barrier as sent.
   */
  lastAt(through: number): boolean {
    if (this.over || !this.#schedule.lastWanted(this.#session, through)) return false;
    this.#schedule.sent(through);
    return true;
  }

  /**
   * Whether a pong on its way can still prove something, or a confirmation that should follow it.
   */
  awaits(now: number): boolean {
    if (this.over) return false;
    const { patienceMs } = this.#deps.relay.limits;
    if (this.#mute(now)) return false;
    const last = this.#session.awaitingProcessed.tail;
    return this.#schedule.proves(this.#session) || (last !== undefined && now - last.sentAt < patienceMs);
  }

  /**
   * Whether an application that has opted in may still have words for what it was sent (SPEC D24).
   */
  wordsDue(now: number): boolean {
    const { awaitingReceived, awaitingProcessed, optedIn } = this.#session;
    // The first pong may lie behind what the client sends, so that nothing shows that it answers.
    if (!optedIn || this.over) return false;
    const since = now - this.#deps.relay.limits.patienceMs;
    return [awaitingReceived.tail, awaitingProcessed.tail].some((last) => last !== undefined && last.sentAt > since);
  }

  /** Evidence through `ordinal` arrived. */
  answered(ordinal: number): void {
    this.#schedule.answered(ordinal);
    if (this.#schedule.wanted) whenTurnEnds(this);
  }

  /**
   * Sends the barrier that a pong has made possible, unless a write has carried it by now. Often
   * the next event has come already.
   */
  atTurnEnd(): void {
    try {
      if (!this.over && this.#schedule.wanted) this.#send();
    } catch (error) {
      this.#deps.relay.report({ stage: 'tap', error });
    }
  }

  /**
   * Sends a barrier if the confirmation that was awaited in its place is overdue. Answers whether a
   * delivery still waits for a confirmation.
   */
  overdue(now: number): boolean {
    const due = !this.over && this.#schedule.overdue(this.#session, now);
    if (due) this.#send();
    this.#deferring = !this.over && this.#schedule.deferring;
    return this.#deferring;
  }

  /**
   * Sends a barrier for an attempt, even if another one is outstanding. Attempts of one tick share
   * one ping.
   */
  probe(now: number): AttemptResult {
    if (now !== this.#probedAt) {
      this.#probedAt = now;
      this.#probeResult = this.over ? 'failed' : this.#send();
    }
    return this.#probeResult;
  }

  /** A client that has never answered will hardly begin now, unless it has only just come. */
  #mute(now: number): boolean {
    return this.#session.capability === 'none' && now - this.#openedAt > this.#deps.relay.limits.patienceMs;
  }

  #send(): AttemptResult {
    const result = this.#splice.ping();
    if (result === 'sent') this.#schedule.sent(this.#splice.messagesToClient);
    return result;
  }
}
