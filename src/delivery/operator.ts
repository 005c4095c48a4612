// delivery: what an operator may do to one delivery by hand. Nothing here is evidence (SPEC D23).
import type { Ending } from './ending.ts';
import { type Delivery, isSettled } from './record.ts';
import type { AttemptKind, AttemptResult } from './words.ts';

/**
 * Why a delivery was left as it is: it has its outcome, its message is not kept, or its client is
 * not connected.
 */
export const UNCHANGED_REASONS = ['settled', 'not_kept', 'away'] as const;
export type Unchanged = (typeof UNCHANGED_REASONS)[number];

/** Acts on open deliveries only, because outcomes are final (D2). `now` is monotonic ms. */
export class Operator {
  readonly #ending: Ending;
  readonly #attempted: (delivery: Delivery, kind: AttemptKind, result: AttemptResult, now: number) => void;

  /** `attempted` writes an attempt down and schedules the next (D5). */
  constructor(
    ending: Ending,
    attempted: (delivery: Delivery, kind: AttemptKind, result: AttemptResult, now: number) => void,
  ) {
    this.#ending = ending;
    this.#attempted = attempted;
  }

  /** Closes an open delivery without evidence: `unverifiable: operator` (D23). Undefined = done. */
  confirm(delivery: Delivery, now: number): Unchanged | undefined {
    if (isSettled(delivery)) return 'settled';
    this.#ending.unverifiable(delivery, 'operator', now);
    return undefined;
  }

  /** Gives an open delivery up: `failed: operator`. Undefined = done. */
  fail(delivery: Delivery, now: number): Unchanged | undefined {
    if (isSettled(delivery)) return 'settled';
    this.#ending.settle(delivery, 'abandoned', 'operator', now);
    return undefined;
  }

  /**
   * Why the delivery's message cannot be sent again now; undefined = it can. A message that is kept
   * goes out by itself when its client is back.
   */
  obstacle(delivery: Delivery): Unchanged | undefined {
    if (isSettled(delivery)) return 'settled';
    if (delivery.payload === undefined) return 'not_kept';
    return delivery.session.link === undefined ? 'away' : undefined;
  }

  /**
   * Sends a kept message again, as an attempt `resend` (R1, R8, R9). Answers the attempt's result,
   * or why there was none.
   */
  resend(delivery: Delivery, now: number): AttemptResult | Unchanged {
    const { link } = delivery.session;
    const obstacle = this.obstacle(delivery);
    if (obstacle !== undefined || link === undefined) return obstacle ?? 'away';
    const result = link.resend(delivery, now);
    // The client may have answered at once.
    if (!isSettled(delivery)) this.#attempted(delivery, 'resend', result, now);
    return result;
  }
}
