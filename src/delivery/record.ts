// delivery: one delivery: a record of fixed shape, so that V8 keeps one hidden class on the hot path.
import { deliveryId } from './delivery-id.ts';
import type { EventType } from './policy.ts';
import type { Awaited } from './queue.ts';
import type { Session } from './session.ts';
import type { AttemptKind, AttemptResult, ErrorType, Level, Status, UnverifiableReason } from './words.ts';

/** One try after the send, as the history and the span show it. `at` is ms since the epoch. */
export interface Attempt {
  readonly kind: AttemptKind;
  /** 2 is the first try after the send. */
  readonly number: number;
  readonly at: number;
  /** ms since the previous attempt. */
  readonly delay: number;
  readonly result: AttemptResult;
}

/** The facts that decoding found in an event. Strings are copies: they keep no payload alive. */
export interface EventFacts {
  readonly type: EventType;
  /** The id in the payload, if it has one. */
  readonly id: string | undefined;
  readonly run: string | undefined;
  readonly user: string | undefined;
  readonly tool: string | undefined;
  readonly toolCall: string | undefined;
  readonly traceparent: string | undefined;
  /** Payload size in bytes (uncompressed); 0 = not known. */
  readonly bytes: number;
}

/** An entry of the timing wheel. The links belong to the wheel. */
export interface Timed {
  /** When to fire, ms since the epoch. */
  due: number;
  wheelSlot: number;
  wheelPrev: Timed | undefined;
  wheelNext: Timed | undefined;
}

/**
 * One event on its way to one session (SPEC: "delivery"). Mutated by the tracker only; everyone
 * else reads.
 */
export class Delivery implements Timed {
  /** Unique in this process, from 1. */
  seq: number;
  session: Session;
  /** Position of the message among the upstream's data messages of the session, from 1. */
  ordinal: number;
  type: EventType;
  eventId: string | undefined;
  run: string | undefined;
  tool: string | undefined;
  toolCall: string | undefined;
  traceparent: string | undefined;
  bytes: number;
  /** The evidence that settles the delivery as confirmed. */
  required: Level;
  /** Monotonic ms (`time/clock.ts`). */
  sentAt: number;

  status: Status = 'pending';
  /** Highest evidence so far; `''` before any. */
  level: Level | '' = '';
  errorType: ErrorType = '';
  /** Why the delivery ended `unverifiable`; `''` for every other status. */
  unverified: UnverifiableReason | '' = '';
  /** Free text behind a rejection: what the application said, truncated. */
  errorText = '';
  /**
   * When the application rejected the delivery after it had been confirmed at `received` (E8); 0 =
   * never.
   */
  rejectedAt = 0;
  /**
   * A confirmation of the event id that came before receipt was proven, and may be about another
   * message of the id (D13).
   */
  word: 'confirmed' | 'rejected' | '' = '';
  /**
   * Whether a confirmation of the event id may mean an earlier message: one to this owner that has
   * left the history, or one to another session of what may be the same client (D13).
   */
  repeated = false;
  /** Monotonic ms; 0 until it happened. */
  receivedAt = 0;
  settledAt = 0;
  upgradedAt = 0;
  /** Attempts, the send included: 1 = only the send. */
  attempts = 1;
  attemptLog: Attempt[] | undefined = undefined;
  /**
   * The message, kept while a replay or resend may need it (D11); undefined = not kept, or not any
   * more.
   */
  payload: Uint8Array | undefined = undefined;
  /** Whether the kept message is a binary one (RFC 6455 §5.6). */
  binary = false;
  /** The open span of telemetry; opaque to the core. */
  span: unknown = undefined;
  /**
   * Ids of the delivery's span, `{trace id}-{span id}`, once something outside has been told of
   * them: the span keeps them over a crash. `''` before.
   */
  shownAs = '';
  /** The journal's own facts while the delivery is in flight; opaque to the core. */
  journal: unknown = undefined;
  /**
   * Set by an observer that keeps the record beyond its call. A record so marked is never used
   * again for another delivery.
   */
  kept = false;

  due = 0;
  wheelSlot = -1;
  wheelPrev: Timed | undefined = undefined;
  wheelNext: Timed | undefined = undefined;
  /** The queue of the session that holds the delivery, and its neighbours there. */
  queue: Awaited | '' = '';
  prev: Delivery | undefined = undefined;
  next: Delivery | undefined = undefined;
  /** Links that belong to the store. */
  storePrev: Delivery | undefined = undefined;
  storeNext: Delivery | undefined = undefined;
  /** Belongs to the store; 0 = not computed yet. */
  eventHash = 0;
  eventMark = 0;
  /** The next older delivery of the same event id to the same session. */
  olderTwin: Delivery | undefined = undefined;

  constructor(seq: number, session: Session, ordinal: number, facts: EventFacts, required: Level, now: number) {
    this.seq = seq;
    this.session = session;
    this.ordinal = ordinal;
    this.type = facts.type;
    this.eventId = facts.id;
    this.run = facts.run;
    this.tool = facts.tool;
    this.toolCall = facts.toolCall;
    this.traceparent = facts.traceparent;
    this.bytes = facts.bytes;
    this.required = required;
    this.sentAt = now;
  }

  /**
   * Makes the record that of another delivery. The record must be settled, have left the store, and
   * have had no attempt. Fields that settling and leaving have cleared already are not touched.
   */
  reuse(seq: number, session: Session, ordinal: number, facts: EventFacts, required: Level, now: number): void {
    this.seq = seq;
    this.session = session;
    this.ordinal = ordinal;
    this.type = facts.type;
    this.eventId = facts.id;
    this.run = facts.run;
    this.tool = facts.tool;
    this.toolCall = facts.toolCall;
    this.traceparent = facts.traceparent;
    this.bytes = facts.bytes;
    this.required = required;
    this.sentAt = now;
    this.status = 'pending';
    this.level = '';
    this.receivedAt = 0;
    this.settledAt = 0;
    this.upgradedAt = 0;
    this.errorText = '';
    this.rejectedAt = 0;
    this.word = '';
    this.repeated = false;
    this.span = undefined;
    this.shownAs = '';
    this.binary = false;
    this.eventHash = 0;
    this.eventMark = 0;
  }

  /** Monotonic ms. Computed, because each time in a record is an object of its own to V8. */
  get deadlineAt(): number {
    return this.sentAt + this.type.policy.timeoutMs;
  }

  /**
   * The delivery's own name, unique over restarts and instances: what the admin API lists and what
   * stands in for a missing event id.
   */
  get id(): string {
    return deliveryId(this.seq);
  }
}

/** Whether the delivery has its one outcome. */
export function isSettled(delivery: Delivery): boolean {
  return delivery.status !== 'pending' && delivery.status !== 'retrying';
}
