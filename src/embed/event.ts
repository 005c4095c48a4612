// embed: an event as a backend describes it, and as the tracker shows it.
import { type Delivery, isSettled } from '../delivery/record.ts';
import type { ErrorType, Priority, Status } from '../delivery/words.ts';
import { wallOffset } from '../time/clock.ts';
import type { Retry, Sending } from './sending.ts';

/** An event that a backend is about to push. */
export interface TrackedEvent {
  /**
   * A text of 1 to 1,024 bytes, or a number. Default: the id found in `data` (see `eventIdIn`),
   * else a random UUID.
   */
  readonly id?: string | number;
  readonly type: string;
  /** Handed to the retry callback. Kept only while a retry may need it, and never shown. */
  readonly data?: unknown;
  /**
   * The user whom the event is for. Only that user's confirmations count where a confirmation names
   * its user.
   */
  readonly user?: string;
  /** Default `normal`. */
  readonly priority?: Priority;
  /** Time-out, ms; default: the tracker's. */
  readonly timeoutMs?: number;
  /** Number of retries; default: the tracker's. */
  readonly retries?: number;
  /** Run or conversation, tool and tool call: for the span. */
  readonly run?: string;
  readonly tool?: string;
  readonly toolCall?: string;
}

/**
 * The state of an event. Times are ms since the epoch, by the wall clock as it stands at the call.
 */
export interface EventStatus {
  readonly id: string;
  readonly type: string;
  readonly user: string | null;
  readonly priority: Priority;
  /** `retrying` from the first failure or retry on. */
  readonly status: Status;
  /** Whether `markSent` was called, or a retry returned true. */
  readonly sent: boolean;
  /** `''` unless the outcome is an error. */
  readonly errorType: ErrorType;
  /** Why the latest try failed, in the words given; `''` when none did. */
  readonly error: string;
  readonly trackedAt: number;
  readonly sentAt: number | null;
  readonly deadlineAt: number;
  readonly settledAt: number | null;
  readonly retries: readonly Retry[];
  readonly retriesLeft: number;
}

/** Retries that the schedule still has; 0 for an event with an outcome. */
export function retriesLeft(delivery: Delivery): number {
  if (isSettled(delivery)) return 0;
  return Math.max(0, delivery.type.policy.attemptsMs.length - (delivery.attempts - 1));
}

/** The event as `status`, `pending` and `expired` show it: a copy. */
export function statusOf(delivery: Delivery): EventStatus {
  const sending = delivery.session as Sending;
  const offset = wallOffset();
  return {
    id: delivery.eventId ?? delivery.id,
    type: delivery.type.name,
    user: sending.user ?? null,
    priority: delivery.type.policy.priority,
    status: delivery.status === 'pending' && sending.failing ? 'retrying' : delivery.status,
    sent: sending.markedSentAt !== 0,
    errorType: delivery.errorType,
    error: sending.error,
    trackedAt: delivery.sentAt + offset,
    sentAt: sending.markedSentAt === 0 ? null : sending.markedSentAt + offset,
    deadlineAt: delivery.deadlineAt + offset,
    settledAt: delivery.settledAt === 0 ? null : delivery.settledAt + offset,
    retries: sending.retries.map((retry) => ({ ...retry, at: retry.at + offset })),
    retriesLeft: retriesLeft(delivery),
  };
}
