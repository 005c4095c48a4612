// delivery: the attempt policy: what to try for an unconfirmed delivery, and when. Pure.
import type { Delivery } from './record.ts';
import type { AttemptKind } from './words.ts';

/**
 * Share of a gap by which attempts are spread, so that deliveries of one flush do not retry in
 * step: ±10 %.
 */
const JITTER = 0.1;

/**
 * The latest moment of the last attempt of a schedule whose deadline is near, ms after the send:
 * each gap as long as it may be, but the last one as short as it may be.
 */
export function lastAttemptMs(attemptsMs: readonly number[]): number {
  const last = attemptsMs.at(-1) ?? 0;
  const before = attemptsMs.reduce((sum, gap) => sum + gap, 0) - last;
  return before * (1 + JITTER) + last * (1 - JITTER);
}

/**
 * When to look at a delivery next: its next attempt, or its deadline when the schedule is used up.
 * `now` is the last attempt (or the send), ms since the epoch; `random` is in [0, 1).
 */
export function nextLook(delivery: Delivery, now: number, random: number): number {
  const schedule = delivery.type.policy.attemptsMs;
  const made = delivery.attempts - 1;
  if (made >= schedule.length) return delivery.deadlineAt;
  const gap = schedule[made]!;
  const at = now + gap * (1 - JITTER + 2 * JITTER * random);
  if (at < delivery.deadlineAt) return at;
  // No attempt is left out for the sake of spreading alone.
  return Math.min(now + gap * (1 - JITTER), delivery.deadlineAt);
}

/** The means to have a delivery's message sent again. */
export interface Means {
  /** Whether a hook can ask the backend for the event again. */
  readonly reemit: boolean;
}

/**
 * Chooses the next attempt, given what is known; undefined = nothing useful can be tried now.
 *
 * Not yet received on an open connection → a new barrier. Sending the data again to a live TCP
 * connection would only make duplicates for a client that has not opted in (MQTT 5 §4.4 forbids
 * it).
 *
 * Received but not processed → the message once more, if the message was kept, and the client drops
 * duplicates or the rule allows them.
 *
 * Otherwise (the client is away, or is back without the message, and the message was not kept) the
 * backend is asked to emit the event again, where a hook is configured.
 */
export function chooseAttempt(delivery: Delivery, means: Means): AttemptKind | undefined {
  const { session } = delivery;
  if (session.link !== undefined && delivery.queue !== 'reemission') {
    if (delivery.receivedAt === 0) return 'probe';
    const welcome = session.optedIn || delivery.type.policy.resend === true;
    if (welcome && delivery.payload !== undefined) return 'resend';
  } else if (delivery.payload !== undefined) {
    return undefined; // the message will be replayed when the client is back
  }
  return means.reemit ? 'reemit' : undefined;
}
