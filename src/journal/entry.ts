// journal: the entries of a journal: plain data, one per event. Times are ms by the clock of the store.
import type { Gap } from '../delivery/gaps.ts';
import type { Goodbye } from '../delivery/goodbye.ts';
import type {
  AttemptKind,
  AttemptResult,
  Capability,
  ErrorType,
  Level,
  Outcome,
  UnverifiableReason,
} from '../delivery/words.ts';

/** A session that can be resumed. */
export interface SessionEntry {
  readonly key: string;
  /** The user of the session when it began. The session's tokens are bound to that user. */
  readonly boundTo: string | undefined;
  /** The user of the session. */
  readonly user: string | undefined;
  readonly traceparent: string;
  /** Ordinal of the latest message. */
  readonly ordinal: number;
  readonly capability: Capability;
  /** Number of the latest welcome, and the highest number whose token was used. */
  readonly serial: number;
  readonly used: number;
  /** Highest serial of an SDK message that was taken in. */
  readonly heard: number;
  /** How its client was closed upon, times by the clock of the store; null = it is back. */
  readonly goodbye?: Goodbye | null;
  /** Times in which no instance had it, by the clock of the store; left out = there were none. */
  readonly gaps?: readonly Gap[];
}

/** The facts about a delivery that are fixed from its beginning. */
export interface DeliveryEntry {
  readonly seq: number;
  /** Key of the session. */
  readonly session: string;
  readonly user: string | undefined;
  /** The capability that the client had shown at the time of the send. */
  readonly capability: Capability;
  /** The connection that the delivery was sent over; '' = the client was away. */
  readonly connection: string;
  readonly ordinal: number;
  /** Name of the event type. Its policy is looked up again. */
  readonly type: string;
  readonly eventId: string | undefined;
  readonly run: string | undefined;
  readonly tool: string | undefined;
  readonly toolCall: string | undefined;
  /** Trace context of the event, else of its session's upgrade. */
  readonly traceparent: string | undefined;
  readonly bytes: number;
  readonly required: Level;
  readonly sentAt: number;
  /** Whether its kept message is a binary one; left out where it is not. */
  readonly binary?: boolean;
}

export interface AttemptEntry {
  readonly kind: AttemptKind;
  readonly at: number;
  readonly result: AttemptResult;
}

/** The facts about a delivery that change while it is in flight. */
export interface DeliveryState {
  /** Time at which receipt was proven; 0 = not yet. */
  readonly receivedAt: number;
  readonly attempts: readonly AttemptEntry[];
  readonly word: 'confirmed' | 'rejected' | '';
  readonly errorText: string;
  /** Whether the client has come back without the message (R6). */
  readonly missed: boolean;
  /** Whether its message is still kept. */
  readonly kept: boolean;
  /** Ids of its span, where something outside has been told of them. */
  readonly shownAs?: string;
}

/**
 * What the clock of the store showed, how far the wall clock was ahead of it then, and for how long
 * no process had written, over all, ms.
 */
export interface Clocks {
  readonly at: number;
  readonly ahead: number;
  readonly away: number;
}

/** The end of a delivery. */
export interface OutcomeEntry {
  readonly status: Outcome;
  readonly errorType: ErrorType;
  readonly unverified: UnverifiableReason | '';
  readonly level: Level | '';
  readonly errorText: string;
  readonly receivedAt: number;
  readonly settledAt: number;
  readonly attempts: number;
}

export type Entry =
  /** A session has begun. As a later entry: the whole state of the session. */
  | { readonly kind: 'session'; readonly session: SessionEntry }
  /** Parts of a session have changed. */
  | { readonly kind: 'changed'; readonly key: string; readonly changes: Partial<SessionEntry> }
  | { readonly kind: 'ended'; readonly key: string }
  /**
   * A delivery is in flight. Its ordinal is the latest of its session unless a later one is known.
   */
  | {
      readonly kind: 'tracked';
      readonly delivery: DeliveryEntry;
      readonly state: DeliveryState;
      readonly message: Uint8Array | undefined;
    }
  | { readonly kind: 'state'; readonly seq: number; readonly state: DeliveryState }
  | { readonly kind: 'settled'; readonly seq: number; readonly outcome: OutcomeEntry }
  /**
   * The numbers that the writer's deliveries may have, up to `through`; those of the next process
   * are higher. It is the first record of each file, where `previous` is the size of the file
   * before, bytes; 0 = there was none. It says too what the clocks show.
   */
  | {
      readonly kind: 'reserved';
      readonly through: number;
      readonly previous: number;
      readonly clocks: Clocks | undefined;
    };
