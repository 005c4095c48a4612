// embed: what the library promises to a backend that embeds it: the methods of a tracker, and what each word about an event can do.
import type { EventStatus, TrackedEvent } from './event.ts';
import type { Metrics } from './figures.ts';
import type { From } from './from.ts';
import type { RetryCallback } from './retry.ts';

/** What a word about an event did. `duplicate`, `late`, `unknown`, `foreign`: it changed nothing and was counted. */
export type Effect = 'confirmed' | 'failed' | 'retrying' | 'duplicate' | 'late' | 'unknown' | 'foreign';

/**
 * Tracks what a backend pushes. No method throws for what clients do; only arguments that make no sense throw a RangeError. An id
 * that is no text and no number, and a user that is no text, may be a client's doing: the one is `unknown`, the other nobody.
 */
export interface EventTracker {
  /**
   * Starts tracking an event that is about to be pushed, and answers its id. Call it before the send. Throws a RangeError for
   * an event that makes no sense (unknown priority, wrong kind of value), before anything is stored.
   */
  track(event: TrackedEvent): string;
  /** The send returned. Proves nothing about the client; `status` shows it. Answers whether the event is known and open. */
  markSent(id: string | number, from?: From): boolean;
  /** The client's application has handled the event. It may come before `markSent`. */
  confirm(id: string | number, from?: From): Effect;
  /**
   * The send failed: `retrying` while the schedule has a retry, else the event ends `failed: disconnected`.
   * With `rejected` it is the client's application that refused the event, which ends it at once, `failed: rejected`.
   */
  fail(id: string | number, reason: string, from?: From & { readonly rejected?: boolean }): Effect;
  /**
   * Applies a client's message if it is an `event_confirmation` (text, bytes or parsed), read as the sidecar reads it;
   * undefined if it is not.
   */
  receive(message: unknown, from?: From): Effect | undefined;
  /** The newest event of that id, in flight or recent; undefined when unknown, or not that user's. */
  status(id: string | number, from?: From): EventStatus | undefined;
  /**
   * Events in flight, newest first: all of them without an argument, else that user's, which costs what that user has. A user
   * given as undefined or null is nobody, who has the events that were tracked without a user.
   */
  pending(user?: string | null): EventStatus[];
  /** Recent events that timed out, newest first. What is due right now is timed out first. */
  expired(): EventStatus[];
  metrics(): Metrics;
  /** Sets the callback for events that are tracked from now on; the one before is replaced. */
  onRetry(callback: RetryCallback): void;
  /** Starts the clock: time-outs are noticed within 100 ms, retries happen. It does not keep the process alive. */
  start(): void;
  /**
   * Waits up to `graceMs` (default 0, at most a week) for confirmations, ends the rest `failed: shutdown`, stops the clock. Rejects
   * with a RangeError for a grace that makes no sense.
   */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}
