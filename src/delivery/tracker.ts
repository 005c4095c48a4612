// delivery: the tracker: turns signals (sent, received, deadline …) into exactly one outcome per delivery (SPEC.md).
import { chooseAttempt, nextLook } from './attempts.ts';
import { Confirmations, type Confirmed } from './confirmations.ts';
import { type ClientGone, Ending, type Gone, wasReemitted } from './ending.ts';
import { unheard } from './gaps.ts';
import { type Goodbye, goodbyeOf } from './goodbye.ts';
import { ObscuredSessions } from './obscured.ts';
import { ObserverList } from './observers.ts';
import { Operator } from './operator.ts';
import { requiredLevel } from './policy.ts';
import type { AskElsewhere, EveryStep, Link, Observer, Reemit, Store } from './ports.ts';
import { type Attempt, type Delivery, type EventFacts, isSettled } from './record.ts';
import { RecordPool } from './record-pool.ts';
import { queueOf } from './restoring.ts';
import { Retention, type RetentionLimits } from './retention.ts';
import type { Session } from './session.ts';
import { Displaced, type PendingLimits, Shedding } from './shedding.ts';
import { Standstills } from './standstills.ts';
import { TRANSITIONS } from './states.ts';
import { TimingWheel } from './wheel.ts';
import type { AttemptKind, AttemptResult } from './words.ts';

/** How soon a delivery past its deadline is looked at again while its client is not read, ms. */
const BLIND_MS = 250;

/** What the tracker may hold. */
export interface TrackerLimits extends PendingLimits {
  /** Limits on kept payload; without them nothing is kept. */
  readonly retention?: RetentionLimits;
}

export interface TrackerDeps {
  readonly store: Store;
  readonly observer: Observer;
  readonly limits: TrackerLimits;
  /** ms since the epoch, at construction. */
  readonly now: number;
  /** In [0, 1); spreads attempts. */
  readonly random: () => number;
  /** Asks the backend to emit an event again; left out where there is no hook. */
  readonly reemit?: Reemit | undefined;
  /** Asks other processes; left out where there are none. */
  readonly elsewhere?: AskElsewhere | undefined;
}

/** Created once per process. Every method is synchronous; `now` is monotonic ms. */
export class Tracker {
  /** Deliveries ever tracked. Always `tracked = store.pending + settled` (D1). */
  tracked = 0;
  /** The highest number of a delivery. Behind it begins a process that goes on for another one. */
  latest = 0;
  readonly retention: Retention;
  readonly operator: Operator;
  readonly obscured = new ObscuredSessions();
  readonly #store: Store;
  readonly #observer: EveryStep;
  readonly #random: () => number;
  readonly #reemit: Reemit | undefined;
  readonly #wheel: TimingWheel<Delivery>;
  readonly #ending: Ending;
  readonly confirmations: Confirmations;
  readonly #pool = new RecordPool();
  readonly #standstills = new Standstills();
  readonly #shedding: Shedding;
  #now: number;
  /** What another process goes on with when this one ends; undefined = it does not end. */
  #stays: ((delivery: Delivery) => boolean) | undefined;

  constructor(deps: TrackerDeps) {
    this.#store = deps.store;
    this.#observer = deps.observer instanceof ObserverList ? deps.observer : new ObserverList([deps.observer]);
    this.#random = deps.random;
    this.#reemit = deps.reemit;
    const kept = new Displaced(deps.store, ({ payload }) => payload !== undefined);
    this.retention = new Retention(deps.limits.retention, kept, (each) => this.#observer.changed(each));
    this.#now = deps.now;
    this.#wheel = new TimingWheel(deps.now);
    this.#ending = new Ending(deps.store, this.#observer, this.#wheel, this.retention, this.#pool);
    this.confirmations = new Confirmations(deps.store, this.#observer, this.#ending, deps.elsewhere);
    this.#shedding = new Shedding(deps.limits, deps.store, this.#ending);
    this.operator = new Operator(this.#ending, (...attempt) => this.#attempted(...attempt));
  }

  /** Deliveries with an outcome, ever. */
  get settled(): number {
    return this.#ending.settled;
  }

  /** Sets whether memory runs short: LOW and NORMAL events pass untracked (D7). */
  set short(on: boolean) {
    this.#shedding.short = on;
  }

  /** Deliveries that wait for a timer; 0 = `tick` has nothing to do. */
  get waiting(): number {
    return this.#wheel.size;
  }

  /**
   * Starts a delivery for the event in message `ordinal`. Undefined = a limit shed the event (D7).
   * The delivery may come back settled, because its evidence overtook it (D3).
   */
  track(session: Session, facts: EventFacts, ordinal: number, sentAt: number, now = sentAt): Delivery | undefined {
    const policy = facts.type.policy;
    const shed = this.#shedding.refuses(session, policy.priority, now);
    if (shed !== undefined) {
      if (facts.id !== undefined) this.#store.passed(session.owner, facts.id);
      this.#observer.shed(shed, session, facts.type);
      return undefined;
    }
    const required = requiredLevel(policy, session.optedIn);
    const delivery = this.#pool.take(++this.latest, session, ordinal, facts, required, sentAt);
    this.#enter(delivery, sentAt);
    if (ordinal <= session.receivedThrough) this.#ending.receive(delivery, now);
    const proven = session.early === undefined ? 0 : this.confirmations.claim(session, delivery, now);
    if (proven > 0) this.received(session, proven, now);
    if (this.#stays?.(delivery) === false && !isSettled(delivery)) this.#ending.lose(delivery, 'shutdown', now);
    return delivery;
  }

  /** Takes in an open delivery of an earlier process, with its message if that was kept. */
  restore(delivery: Delivery, message: Uint8Array | undefined, now: number): void {
    this.#enter(delivery, now);
    if (wasReemitted(delivery)) this.#ending.reemitted++;
    if (message !== undefined) this.retention.keep(delivery, message.length, () => message);
  }

  /** Barrier evidence: the client parsed every message up to `through`. Cumulative. */
  received(session: Session, through: number, now: number): void {
    if (session.capability === 'none') session.capability = 'received';
    if (through <= session.receivedThrough) return;
    session.receivedThrough = through;
    const queue = session.awaitingReceived;
    for (let head = queue.head; head !== undefined && head.ordinal <= through; head = queue.head) {
      this.#ending.receive(head, now);
    }
    this.#ending.late(session, through, 'received', now);
  }

  /** Applies a confirmation or rejection by event id, for the session or its user (D6). */
  processed(session: Session, eventId: string, rejected: boolean, error: string, now: number): Confirmed {
    const [result, proven] = this.confirmations.apply(session, eventId, rejected, error, now);
    // The application sees an event only after its stack did, and after everything before it.
    if (proven > 0) this.received(session, proven, now);
    return result;
  }

  /** Confirms messages up to `through` (cumulative) and in `also`, for an opted-in session. */
  processedThrough(session: Session, through: number, also: readonly number[], now: number): Confirmed {
    const highest = Math.max(through, ...also);
    if (highest > session.lastOrdinal) return this.confirmations.unknown(session, `message ${highest}`);
    session.capability = 'processed';
    this.confirmations.through(session, through, now);
    for (const ordinal of also) this.confirmations.byOrdinal(session, ordinal, false, '', now);
    this.received(session, highest, now);
    return 'confirmed';
  }

  /** Rejects message `ordinal` for an opted-in session. */
  rejected(session: Session, ordinal: number, reason: string, now: number): Confirmed {
    if (ordinal > session.lastOrdinal) return this.confirmations.unknown(session, `message ${ordinal}`);
    session.capability = 'processed';
    const result = this.confirmations.byOrdinal(session, ordinal, true, reason, now);
    this.received(session, ordinal, now);
    return result;
  }

  /**
   * Continues a session over a new connection whose client has all up to `last`. Returns what to
   * send again, in order, noted as attempts. The backend is asked for the rest, or it is lost (R6).
   */
  resumed(session: Session, link: Link, last: number, now: number): Delivery[] {
    // Evidence for a delivery that is given up here cannot be late: the client never had it.
    session.link = undefined;
    // A client that was handed nothing has answered nothing.
    if (last > 0) this.received(session, Math.min(last, session.lastOrdinal), now);
    const open = session.openAbove(last);
    const replays = open.filter((each) => each.payload !== undefined);
    for (const each of open) {
      if (each.payload !== undefined) this.#attempted(each, 'replay', 'sent', now);
      else if (this.#reemit === undefined) this.#ending.lose(each, 'disconnected', now);
      else {
        this.#ending.miss(each);
        this.#attempted(each, 'reemit', this.#reemit(each, now), now);
      }
    }
    session.link = link;
    return replays;
  }

  /** Ends a session that will not be resumed. */
  ended(session: Session, now: number, why?: ClientGone): void {
    session.resumable = false;
    this.disconnected(session, now, why, session.goodbye);
  }

  /** Counts unclaimed early confirmations. Call when a session has nothing left to decode. */
  decoded(session: Session, now: number): void {
    this.confirmations.giveUpEarly(session, now);
  }

  /** Ends what a session has in flight: its client is gone. `goodbye`: a Close frame's (D24). */
  disconnected(session: Session, now: number, why: ClientGone = 'disconnected', goodbye?: Goodbye): void {
    session.link = undefined;
    session.lapsed = undefined;
    if (session.resumable) return;
    this.#ending.end(session, why, goodbye, now);
    this.obscured.ended(session, now);
  }

  /** Fails a delivery whose message was never written: its client was gone by then (D15). */
  unsent(delivery: Delivery, why: ClientGone, now: number): void {
    this.#ending.settle(delivery, why, why, now);
  }

  /** Ends a delivery whose client was gone when its message was read, or whose process is gone. */
  lost(delivery: Delivery, why: Gone, now: number, goodbye?: Goodbye): void {
    this.#ending.part(delivery, why, goodbye, now);
  }

  /** Gives up an open delivery without an outcome: another process goes on with it. */
  handOver(delivery: Delivery): void {
    this.tracked--;
    this.#ending.handOver(delivery);
  }

  /** Notes that nothing ran in [from, to): no deadline passed then (D14). */
  stoodStill(from: number, to: number): void {
    this.#standstills.note(from, to);
  }

  /**
   * Ends what is in flight as `failed: shutdown` (D10). `stays`: the process ends, and what is
   * tracked from here on ends at once in the same way, but what another process goes on with.
   */
  shutdown(now: number, stays?: (delivery: Delivery) => boolean): void {
    this.#stays = stays;
    const open: Delivery[] = [];
    this.#store.each((each) => isSettled(each) || stays?.(each) === true || open.push(each) > 0);
    for (const each of open) if (!isSettled(each)) this.#ending.lose(each, 'shutdown', now);
  }

  /** Fires what is due, at most `budget` entries. True = some are left: call again at once (D8). */
  tick(now: number, budget = Number.POSITIVE_INFINITY): boolean {
    this.#now = now;
    return this.#wheel.advance(now, this.#look, budget);
  }

  /** A delivery's timer fired: its deadline, or its next attempt. */
  readonly #look = (delivery: Delivery): void => {
    const now = this.#now;
    const deadline = delivery.deadlineAt;
    if (now >= deadline) {
      const extended = deadline + this.#standstills.since(delivery.sentAt) + unheard(delivery);
      if (now < extended) this.#wheel.add(delivery, extended);
      else if (delivery.session.link?.blind?.(now) === true) this.#wheel.add(delivery, now + BLIND_MS);
      else this.#ending.part(delivery, 'expired', goodbyeOf(delivery.session), now);
      return;
    }
    const kind = chooseAttempt(delivery, { reemit: this.#reemit !== undefined });
    if (kind === undefined) return void this.#wheel.add(delivery, delivery.deadlineAt);
    const result = this.#try(kind, delivery, now);
    // A hook or a callback that was asked may have answered at once.
    if (!isSettled(delivery)) this.#attempted(delivery, kind, result, now);
  };

  #try(kind: AttemptKind, delivery: Delivery, now: number): AttemptResult {
    const { link } = delivery.session;
    if (kind === 'probe') return link?.probe(now) ?? 'failed';
    if (kind === 'resend') return link?.resend(delivery, now) ?? 'failed';
    return this.#reemit?.(delivery, now) ?? 'failed';
  }

  /** Puts a delivery in flight. `from`: its last attempt or its send. */
  #enter(delivery: Delivery, from: number): void {
    const { session } = delivery;
    this.tracked++;
    session.owner.pending++;
    if (session.optedIn) session.hold(delivery);
    this.#store.add(delivery);
    if (session.owner.restored || this.obscured.repeats(session)) delivery.repeated = true;
    queueOf(delivery).add(delivery);
    this.#wheel.add(delivery, nextLook(delivery, from, this.#random()));
    this.#observer.tracked(delivery);
  }

  /** Records an attempt and, whatever its result, schedules the next (D5). */
  #attempted(delivery: Delivery, kind: AttemptKind, result: AttemptResult, now: number): void {
    const delay = now - (delivery.attemptLog?.at(-1)?.at ?? delivery.sentAt);
    const attempt: Attempt = { kind, number: ++delivery.attempts, at: now, delay, result };
    if (kind === 'reemit' && delivery.attemptLog?.some((one) => one.kind === 'reemit') !== true)
      this.#ending.reemitted++;
    delivery.attemptLog = [...(delivery.attemptLog ?? []), attempt];
    delivery.status = TRANSITIONS[delivery.status].attempted as 'retrying';
    this.#observer.attempted(delivery, attempt);
    this.#wheel.add(delivery, nextLook(delivery, now, this.#random()));
  }
}
