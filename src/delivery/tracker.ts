// The tracker: turns signals (sent, received, processed, deadline, disconnect …) into exactly one outcome per delivery (SPEC.md).
import { chooseAttempt, nextLook } from './attempts.ts';
import { Confirmations, type Confirmed } from './confirmations.ts';
import { Ending, lossSignal } from './ending.ts';
import type { Observer, Store } from './ports.ts';
import { type Attempt, Delivery, type EventFacts, isSettled } from './record.ts';
import type { Session } from './session.ts';
import { TRANSITIONS } from './states.ts';
import { TimingWheel } from './wheel.ts';
import type { Level, Priority, ShedReason } from './words.ts';

/** How many deliveries may be in flight, in all and per user (or per session without a user). */
export interface TrackerLimits {
  readonly pending: number;
  readonly pendingPerUser: number;
}

export interface TrackerDeps {
  readonly store: Store;
  readonly observer: Observer;
  readonly limits: TrackerLimits;
  /** ms since the epoch, at construction. */
  readonly now: number;
  /** In [0, 1); spreads attempts. */
  readonly random: () => number;
}

/** Share of a limit that each priority may fill (D7): shedding starts at LOW and reaches CRITICAL last. */
export const SHED_AT: Readonly<Record<Priority, number>> = { critical: 1, high: 0.95, normal: 0.9, low: 0.8 };

/** Created once per process. Every method is synchronous; `now` is ms since the epoch and never decreases. */
export class Tracker {
  /** Deliveries ever tracked. Always `tracked = store.pending + settled` (D1). */
  tracked = 0;
  readonly #store: Store;
  readonly #observer: Observer;
  readonly #limits: TrackerLimits;
  readonly #random: () => number;
  readonly #wheel: TimingWheel<Delivery>;
  readonly #ending: Ending;
  readonly #confirmations: Confirmations;
  #now: number;

  constructor(deps: TrackerDeps) {
    this.#store = deps.store;
    this.#observer = deps.observer;
    this.#limits = deps.limits;
    this.#random = deps.random;
    this.#now = deps.now;
    this.#wheel = new TimingWheel(deps.now);
    this.#ending = new Ending(deps.store, deps.observer, this.#wheel);
    this.#confirmations = new Confirmations(deps.store, deps.observer, this.#ending);
  }

  /** Deliveries with an outcome, ever. */
  get settled(): number {
    return this.#ending.settled;
  }

  /** Deliveries that wait for a timer; 0 = `tick` has nothing to do. */
  get waiting(): number {
    return this.#wheel.size;
  }

  /**
   * Starts a delivery for an event that is message `ordinal` of the session, sent at `now`. Undefined when a limit sheds
   * it (D7): the event itself has gone through. The delivery may come back settled when its evidence overtook it (D3).
   */
  track(session: Session, facts: EventFacts, ordinal: number, now: number): Delivery | undefined {
    const policy = facts.type.policy;
    const shed = this.#shedReason(session, policy.priority);
    if (shed !== undefined) {
      this.#observer.shed(shed, session, facts.type);
      return undefined;
    }
    const required = policy.confirm === 'auto' ? learnedLevel(session, facts.type.index) : policy.confirm;
    const delivery = new Delivery(++this.tracked, session, ordinal, facts, required, now);
    session.owner.pending++;
    this.#store.add(delivery);
    session.awaitingReceived.add(delivery);
    this.#wheel.add(delivery, nextLook(delivery, now, this.#random()));
    this.#observer.tracked(delivery);
    if (ordinal <= session.receivedThrough) this.#ending.receive(delivery, now);
    if (session.early !== undefined) this.#confirmations.claim(session, delivery, now);
    return delivery;
  }

  /** Barrier evidence: the client parsed every message up to `through`. Cumulative; an older value changes nothing. */
  received(session: Session, through: number, now: number): void {
    if (session.capability === 'none') session.capability = 'received';
    if (through <= session.receivedThrough) return;
    session.receivedThrough = through;
    const queue = session.awaitingReceived;
    for (let head = queue.head; head !== undefined && head.ordinal <= through; head = queue.head) {
      this.#ending.receive(head, now);
    }
    this.#ending.late(session, through, now);
  }

  /** An application confirmation (or rejection) by event id, from the connection of `session`. Only its own or its user's deliveries (D6). */
  processed(session: Session, eventId: string, rejected: boolean, error: string, now: number): Confirmed {
    const [result, own] = this.#confirmations.apply(session, eventId, rejected, error, now);
    // The application can only have seen an event after its stack did, and after everything before it.
    if (own !== undefined) this.received(session, own.ordinal, now);
    return result;
  }

  /** Call when a session has nothing left to decode: early confirmations that nobody claimed are unknown (or foreign). */
  decoded(session: Session): void {
    this.#confirmations.giveUpEarly(session);
  }

  /** The connection ended. Deliveries of a session that cannot resume end now: `failed: disconnected`, or `unverifiable`. */
  disconnected(session: Session, now: number): void {
    session.link = undefined;
    session.lapsed = undefined;
    this.decoded(session);
    if (!session.resumable) this.#ending.end(session, 'disconnected', now);
  }

  /** Ends every delivery in flight as `failed: shutdown` (D10). */
  shutdown(now: number): void {
    const open: Delivery[] = [];
    this.#store.each((delivery) => {
      if (!isSettled(delivery)) open.push(delivery);
      return true;
    });
    for (const delivery of open) this.#ending.settle(delivery, lossSignal(delivery, 'shutdown'), 'shutdown', now);
  }

  /** Fires what is due. `budget` bounds the work of one call; returns whether some is left (call again at once, D8). */
  tick(now: number, budget = Number.POSITIVE_INFINITY): boolean {
    this.#now = now;
    return this.#wheel.advance(now, this.#look, budget);
  }

  /** A delivery's timer fired: its deadline, or its next attempt. */
  readonly #look = (delivery: Delivery): void => {
    const now = this.#now;
    if (now >= delivery.deadlineAt) {
      this.#ending.settle(delivery, lossSignal(delivery, 'expired'), 'timeout', now);
      return;
    }
    const kind = chooseAttempt(delivery);
    const link = delivery.session.link;
    if (kind === undefined || link === undefined) {
      this.#wheel.add(delivery, delivery.deadlineAt);
      return;
    }
    const last = delivery.attemptLog?.at(-1)?.at ?? delivery.sentAt;
    const attempt: Attempt = { kind, number: ++delivery.attempts, at: now, delay: now - last, result: link.probe(now) };
    if (delivery.attemptLog === undefined) delivery.attemptLog = [attempt];
    else delivery.attemptLog.push(attempt);
    delivery.status = TRANSITIONS[delivery.status].attempted as 'retrying';
    this.#observer.attempted(delivery, attempt);
    // Whatever came of it, the next one is scheduled (D5).
    this.#wheel.add(delivery, nextLook(delivery, now, this.#random()));
  };

  #shedReason(session: Session, priority: Priority): ShedReason | undefined {
    const share = SHED_AT[priority];
    if (this.#store.pending >= this.#limits.pending * share) return 'pending';
    if (session.owner.pending >= this.#limits.pendingPerUser * share) return 'pending_per_user';
    return undefined;
  }
}

function learnedLevel(session: Session, typeIndex: number): Level {
  return session.processedTypes?.has(typeIndex) === true ? 'processed' : 'received';
}
