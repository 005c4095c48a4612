// delivery: what the operator's rules ask of an event: priority, evidence, deadline, attempts. Once per event type.
import type { Level, Priority } from './words.ts';

/** How one rule wants its events delivered. Durations are milliseconds. */
export interface Policy {
  readonly priority: Priority;
  /**
   * The evidence that confirms: a level, or `auto` = `processed` for a client that has opted in,
   * else `received` (E4).
   */
  readonly confirm: Level | 'auto';
  /** Time from the send to the deadline, ms. */
  readonly timeoutMs: number;
  /** Gaps between attempts, ms: [1000, 2000, 4000] tries 1 s, 3 s and 7 s after the send. */
  readonly attemptsMs: readonly number[];
  /**
   * Whether the event may be sent again to a client that has not opted in, and so may see it twice.
   * Default false.
   */
  readonly resend?: boolean;
  /** Whether the message of a lost delivery may be kept with its dead letter. Default false. */
  readonly keepLost?: boolean;
}

/** The evidence that confirms an event, towards a client that has opted in or has not (SPEC E4). */
export function requiredLevel({ confirm }: Policy, optedIn: boolean): Level {
  if (confirm !== 'auto') return confirm;
  return optedIn ? 'processed' : 'received';
}

/**
 * An event type as it was first seen, with everything that depends on it alone. Interned: compare
 * by identity.
 */
export interface EventType {
  /** The type as the event spells it. */
  readonly name: string;
  /** Dense, from 0: indexes metric arrays. Types past the limit share the index of `other`. */
  readonly index: number;
  /**
   * `name`, or `other` for types past the limit: the only spelling that reaches a metric label or a
   * span name.
   */
  readonly label: string;
  readonly policy: Policy;
}

/**
 * Deadline and attempts of a rule that says neither. A more important event is tried more often,
 * and the least important is given up first.
 */
export const SCHEDULES: Readonly<Record<Priority, Pick<Policy, 'timeoutMs' | 'attemptsMs'>>> = {
  critical: { timeoutMs: 30_000, attemptsMs: [1000, 2000, 4000, 8000] },
  high: { timeoutMs: 30_000, attemptsMs: [1000, 2000, 4000] },
  normal: { timeoutMs: 30_000, attemptsMs: [1000, 2000, 4000] },
  low: { timeoutMs: 15_000, attemptsMs: [2000] },
};
