// delivery: what the operator's rules ask of an event: priority, evidence, deadline and attempts. Resolved once per event type.
import type { Level, Priority } from './words.ts';

/** How one rule wants its events delivered. Durations are milliseconds. */
export interface Policy {
  readonly priority: Priority;
  /** Evidence that confirms: a level, or `auto` = the highest level this connection has shown for this event type. */
  readonly confirm: Level | 'auto';
  /** From the send to the deadline, ms. */
  readonly timeoutMs: number;
  /** Gaps between attempts, ms: [1000, 2000, 4000] tries 1 s, 3 s and 7 s after the send. */
  readonly attemptsMs: readonly number[];
  /** Whether the event may be sent again to a client that has not opted in, and so may see it twice. Default false. */
  readonly resend?: boolean;
}

/** The evidence that confirms an event of this policy, towards a client that has opted in or has not (SPEC E4). */
export function requiredLevel({ confirm }: Policy, optedIn: boolean): Level {
  if (confirm !== 'auto') return confirm;
  return optedIn ? 'processed' : 'received';
}

/** An event type as it was first seen, with everything that depends on it alone. Interned: compare by identity. */
export interface EventType {
  /** The type as the event spells it. */
  readonly name: string;
  /** Dense, from 0: indexes metric arrays. Types past the limit share the index of `other`. */
  readonly index: number;
  /** `name`, or `other` for types past the limit: the only spelling that reaches a metric label or a span name. */
  readonly label: string;
  readonly policy: Policy;
}

/** Deadline and attempts of a rule that says neither: what matters more is tried more often, what matters least is given up first. */
export const SCHEDULES: Readonly<Record<Priority, Pick<Policy, 'timeoutMs' | 'attemptsMs'>>> = {
  critical: { timeoutMs: 30_000, attemptsMs: [1000, 2000, 4000, 8000] },
  high: { timeoutMs: 30_000, attemptsMs: [1000, 2000, 4000] },
  normal: { timeoutMs: 30_000, attemptsMs: [1000, 2000, 4000] },
  low: { timeoutMs: 15_000, attemptsMs: [2000] },
};
