// delivery: what the core needs from the world, as interfaces. The world implements them; the core imports nothing.
import type { EventType } from './policy.ts';
import type { Attempt, Delivery } from './record.ts';
import type { Owner, Session } from './session.ts';
import type { AttemptResult, ShedReason, UnmatchedReason } from './words.ts';

/**
 * The place where a fault arose: the log's `stage` field, by which log lines are rate-limited. A
 * fault under `relay.` is of the public port. A stage without a dot names a part.
 */
export type Stage =
  | 'relay.admit'
  | 'relay.extensions'
  | 'relay.handshake'
  | 'relay.http'
  | 'relay.limit'
  | 'relay.listen'
  | 'relay.stall'
  | 'relay.tunnel'
  | 'relay.upgraded'
  | 'admin'
  | 'decode'
  | 'drain'
  | 'frames'
  | 'hook'
  | 'identity'
  | 'inflate'
  | 'limit'
  | 'memory'
  | 'resume'
  | 'retry'
  | 'standstill'
  | 'store'
  | 'tap'
  | 'telemetry'
  | 'track'
  | 'upstream'
  | 'watch';

/** A fault of the world, or of tracking, that the code which met it could not handle. */
export interface Fault {
  readonly stage: Stage;
  /** An Error, or any other value that was thrown. */
  readonly error: unknown;
}

/**
 * Tells the operator of a fault: one call is one log line, or one counted as left out. Never
 * throws.
 */
export type Report = (fault: Fault) => void;

/** A live client connection, as far as attempts need it. */
export interface Link {
  /** Names the connection in history, spans and logs. */
  readonly id: string;
  /**
   * Sends a new barrier ping that covers everything relayed so far. Coalesces: many deliveries may
   * ask in one tick.
   */
  probe(now: number): AttemptResult;
  /** Sends the kept message again. */
  resend(delivery: Delivery, now: number): AttemptResult;
  /**
   * Whether evidence of the client may wait unread, because its socket is not read now, or was not
   * until a moment ago, or holds more than is read in a turn (SPEC D14); or it waits until it is
   * clear which process has the session.
   */
  blind?(now: number): boolean;
  /**
   * The last message before the Close frame that the client was sent and has not answered (SPEC
   * D24); undefined = none.
   */
  readonly closedBehind?: number | undefined;
}

/**
 * Asks the backend to emit an event again, for a delivery whose message was not kept or whose
 * client is away.
 */
export type Reemit = (delivery: Delivery, now: number) => AttemptResult;

/**
 * Asks other processes whether they sent that event to the one other session of this session's user
 * (D6). False = nobody can be asked. Whoever is asked calls `Confirmations.count` where the
 * confirmation has no effect anywhere.
 */
export type AskElsewhere = (
  session: Session,
  word: { readonly eventId: string; readonly rejected: boolean; readonly error: string },
  now: number,
) => boolean;

/**
 * Told of every step of every delivery that it has a method for, synchronously, on the hot path: be
 * quick, never throw. `now` is ms since the epoch.
 */
export interface Observer {
  tracked?(delivery: Delivery): void;
  attempted?(delivery: Delivery, attempt: Attempt): void;
  /**
   * The barrier's evidence arrived (also for deliveries that wait for `processed`). Comes before
   * `settled`.
   */
  received?(delivery: Delivery, now: number): void;
  /**
   * Called exactly once per delivery. `status`, `errorType`, `level` and `settledAt` are final. A
   * kept `payload` is released afterwards.
   */
  settled?(delivery: Delivery): void;
  /**
   * A delivery in flight has changed without a step: its client missed it (R6), a confirmation of
   * it was noted (D13), or its kept message gave way to a more important one (D7).
   */
  changed?(delivery: Delivery): void;
  /** Another process goes on with a delivery in flight. It gets no outcome here. */
  handedOver?(delivery: Delivery): void;
  /** Evidence of a higher level came after the outcome. It is noted and changes nothing. */
  upgraded?(delivery: Delivery, now: number): void;
  /**
   * The application rejected a delivery that had been confirmed at `received`. The outcome stays
   * (E8).
   */
  rejectedLater?(delivery: Delivery, now: number): void;
  unmatched?(reason: UnmatchedReason, session: Session, eventId: string): void;
  /** An event passed untracked because a limit was reached. */
  shed?(reason: ShedReason, session: Session, type: EventType): void;
}

/** Told of every step. */
export type EveryStep = Required<Observer>;

/**
 * The deliveries: those in flight, and a bounded history of recent outcomes. Synchronous and in
 * memory.
 */
export interface Store {
  /** Deliveries in flight. */
  readonly pending: number;
  /** Settled deliveries still in the history. */
  readonly recent: number;
  /**
   * Takes a delivery in. Notes on it whether its client may have been sent that event before
   * (`repeated`), as far back as the store knows.
   */
  add(delivery: Delivery): void;
  /** Notes an event that went to this owner and is not tracked. */
  passed(owner: Owner, eventId: string): void;
  /** Notes an event that a client of this owner says it has. It says nothing of other owners. */
  claimed(owner: Owner, eventId: string): void;
  /**
   * Moves a delivery from in-flight to the history. May return another delivery that left the
   * history for it, whose record is used again.
   */
  settle(delivery: Delivery): Delivery | undefined;
  /**
   * Takes a delivery in flight out, without a place in the history: another process goes on with
   * it.
   */
  release(delivery: Delivery): void;
  /**
   * Newest delivery of that event to that session, in flight or recent. Older ones follow
   * `olderTwin`.
   */
  find(session: Session, eventId: string): Delivery | undefined;
  /**
   * Newest delivery per session of that event, for every session of that user, in flight or recent.
   */
  findForUser(user: string, eventId: string): readonly Delivery[];
  /**
   * Whether the session, or another one of its user, was sent that event in a message of which the
   * store knows nothing else any more.
   */
  forgot(session: Session, eventId: string): boolean;
  /** Whether any session has, or recently had, that event. */
  knows(eventId: string): boolean;
  /** By the delivery's own id (`d-…`). */
  get(id: string): Delivery | undefined;
  /** By the event's id: newest first, every session. */
  withEvent(eventId: string): readonly Delivery[];
  /** Every delivery, newest first: in flight before recent. Stops when `visit` returns false. */
  each(visit: (delivery: Delivery) => boolean): void;
}
