// embed: what the library promises to a backend that embeds it: the methods of a tracker, and their results.
import type { EventStatus, TrackedEvent } from './event.ts';
import type { Metrics } from './figures.ts';
import type { From } from './from.ts';
import type { RetryCallback } from './retry.ts';

/**
 * The effect of a confirmation or failure. `duplicate`, `late`, `unknown`, `foreign`: it changed
 * nothing and was counted.
 */
export type Effect = 'confirmed' | 'failed' | 'retrying' | 'duplicate' | 'late' | 'unknown' | 'foreign';

/**
 * Tracks what a backend pushes. No method throws for anything that clients do; only arguments that
 * make no sense throw a RangeError. An id that is no text and no number may come from a client: it
 * is `unknown`. So may a user that is no text: it is no user.
 */
export interface EventTracker {
  /**
   * Starts tracking an event that is about to be pushed, and returns its id. Call it before the
   * send. Throws a RangeError for an event that makes no sense (unknown priority, wrong kind of
   * value), before anything is stored.
   */
  track(event: TrackedEvent): string;
  /**
   * Notes that the send returned. That proves nothing about the client; `status` shows it. Returns
   * whether the event is known and open.
   */
  markSent(id: string | number, from?: From): boolean;
  /** Notes that the client's application has handled the event. May come before `markSent`. */
  confirm(id: string | number, from?: From): Effect;
  /**
   * Notes that the send failed: `retrying` while the schedule has a retry, else the event ends
   * `failed: disconnected`. With `rejected` the client's application refused the event, which ends
   * at once, `failed: rejected`.
   */
  fail(id: string | number, reason: string, from?: From & { readonly rejected?: boolean }): Effect;
  /**
   * Applies a client's message if it is an `event_confirmation` (text, bytes or parsed), read as
   * the sidecar reads it. Returns undefined if it is none. Of a message that holds several it
   * returns the effect of the first; undefined where something else is in the message too, which
   * is for the backend.
   */
  receive(message: unknown, from?: From): Effect | undefined;
  /**
   * The newest event of that id, in flight or recent; undefined when unknown, or not that user's.
   */
  status(id: string | number, from?: From): EventStatus | undefined;
  /**
   * Events in flight, newest first: all of them without an argument, else that user's, at a cost of
   * that user's events only. An undefined or null user means the events that were tracked without a
   * user.
   */
  pending(user?: string | null): EventStatus[];
  /**
   * Recent events that timed out, newest first. An event that is due right now is timed out first.
   */
  expired(): EventStatus[];
  metrics(): Metrics;
  /** Sets the callback for events that are tracked from now on. It replaces the one before. */
  onRetry(callback: RetryCallback): void;
  /**
   * Starts the clock: time-outs are noticed within 100 ms, and retries happen. The clock does not
   * keep the process alive.
   */
  start(): void;
  /**
   * Waits up to `graceMs` (default 0, at most a week) for confirmations, ends the rest
   * `failed: shutdown`, stops the clock. Rejects with a RangeError for a grace that makes no sense.
   */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}
