// delivery: what the core needs from the world, as interfaces. The world implements them; the core imports nothing.
import type { EventType } from './policy.ts';
import type { Attempt, Delivery } from './record.ts';
import type { Owner, Session } from './session.ts';
import type { AttemptResult, ShedReason, UnmatchedReason } from './words.ts';

/**
 * Where a fault arose: the word that the log's `stage` field holds, and by which its lines are limited. A fault under `relay.` is
 * of the public port; the stages without a dot name a part.
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

/** What went wrong in the world, or in tracking: nothing that the code that met it could do anything about. */
export interface Fault {
  readonly stage: Stage;
  /** An Error, or whatever was thrown. */
  readonly error: unknown;
}

/** Tells the operator of a fault: one call is one log line, or one counted as left out. Never throws. */
export type Report = (fault: Fault) => void;

/** A live client connection, as far as attempts need it. */
export interface Link {
  /** Names the connection in history, spans and logs. */
  readonly id: string;
  /** Sends a new barrier ping that covers everything relayed so far. Coalesces: many deliveries may ask in one tick. */
  probe(now: number): AttemptResult;
  /** Sends the kept message again. */
  resend(delivery: Delivery, now: number): AttemptResult;
  /** Whether evidence of the client may wait unread, because its socket is not, or was not until just now, read from (SPEC D14). */
  blind?(now: number): boolean;
}

/** Asks the backend to emit an event again: for deliveries whose message was not kept, or whose client is away. */
export type Reemit = (delivery: Delivery, now: number) => AttemptResult;

/** Told of every step of every delivery, synchronously, on the hot path: be quick, never throw. `now` is ms since the epoch. */
export interface Observer {
  tracked(delivery: Delivery): void;
  attempted(delivery: Delivery, attempt: Attempt): void;
  /** The barrier's evidence arrived (also for deliveries that wait for `processed`). Comes before `settled`. */
  received(delivery: Delivery, now: number): void;
  /** Called exactly once per delivery; `status`, `errorType`, `level` and `settledAt` are final. A kept `payload` is let go of afterwards. */
  settled(delivery: Delivery): void;
  /**
   * A delivery in flight has changed in a way that is no step: its client missed it (R6), a word on it was noted (D13), or its kept
   * message gave way to one that matters more (D7).
   */
  changed?(delivery: Delivery): void;
  /** Evidence of a higher level after the outcome: noted, changes nothing. */
  upgraded(delivery: Delivery, now: number): void;
  /** The application rejected what had been confirmed at `received`: the outcome stays, and people are told (E8). */
  rejectedLater?(delivery: Delivery, now: number): void;
  unmatched(reason: UnmatchedReason, session: Session, eventId: string): void;
  /** An event passed untracked because a limit was reached. */
  shed(reason: ShedReason, session: Session, type: EventType): void;
}

/** Where deliveries live: those in flight, and a bounded history of recent outcomes. One contract test-suite for all stores. */
export interface Store {
  /** Deliveries in flight. */
  readonly pending: number;
  /** Settled deliveries still in the history. */
  readonly recent: number;
  /** Takes a delivery in, and notes on it whether its owner was sent that event before (`repeated`), as far back as that is known. */
  add(delivery: Delivery): void;
  /** An event went to this owner and is not tracked. */
  passed(owner: Owner, eventId: string): void;
  /** Moves a delivery from in-flight to the history. May answer one that left the store for it, never the same: its record is used again. */
  settle(delivery: Delivery): Delivery | undefined;
  /** Newest delivery of that event to that session, in flight or recent; older ones follow `olderTwin`. */
  find(session: Session, eventId: string): Delivery | undefined;
  /** Newest delivery per session of that event, for every session of that user, in flight or recent. */
  findForUser(user: string, eventId: string): readonly Delivery[];
  /** Whether the owner was sent that event in a message of which nothing but this is known any more. */
  forgot(owner: Owner, eventId: string): boolean;
  /** Whether any session has, or recently had, that event. */
  knows(eventId: string): boolean;
  /** By the delivery's own id (`d-…`). */
  get(id: string): Delivery | undefined;
  /** By the event's id: newest first, every session. */
  withEvent(eventId: string): readonly Delivery[];
  /** Everything, newest first: in flight before recent. Stops when `visit` returns false. */
  each(visit: (delivery: Delivery) => boolean): void;
}
