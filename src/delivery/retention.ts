// Which messages are kept for replays and resends, and for how long: within limits, the least important left out first (D7, D11).
import { type Delivery, isSettled } from './record.ts';
import { SHED_AT } from './shedding.ts';
import type { UnretainedReason } from './words.ts';

/** Bytes of payload that may be kept, in all, per session and per user. */
export interface RetentionLimits {
  readonly bytes: number;
  readonly bytesPerSession: number;
  readonly bytesPerUser: number;
}

/** Counts and bounds the payloads that deliveries hold. */
export class Retention {
  /** Bytes kept now. */
  bytes = 0;
  /** Messages not kept because of a limit, ever. */
  readonly refused: Record<UnretainedReason, number> = {
    retained_bytes: 0,
    retained_per_session: 0,
    retained_per_user: 0,
  };
  readonly #limits: RetentionLimits;

  constructor(limits: RetentionLimits) {
    this.#limits = limits;
  }

  /** Keeps a copy of the message (`copy` makes it) for an open delivery if the limits allow; says whether. */
  keep(delivery: Delivery, size: number, copy: () => Uint8Array): boolean {
    if (isSettled(delivery)) return false;
    const share = SHED_AT[delivery.type.policy.priority];
    const { session } = delivery;
    if (this.bytes + size > this.#limits.bytes * share) {
      this.refused.retained_bytes++;
      return false;
    }
    if (session.retained + size > this.#limits.bytesPerSession * share) {
      this.refused.retained_per_session++;
      return false;
    }
    const { owner } = session;
    if (owner.retained + size > this.#limits.bytesPerUser * share) {
      this.refused.retained_per_user++;
      return false;
    }
    delivery.payload = copy();
    this.bytes += size;
    session.retained += size;
    owner.retained += size;
    return true;
  }

  /** Lets go of the message; nothing happens if none is kept. */
  release(delivery: Delivery): void {
    const { payload } = delivery;
    if (payload === undefined) return;
    delivery.payload = undefined;
    this.bytes -= payload.length;
    delivery.session.retained -= payload.length;
    delivery.session.owner.retained -= payload.length;
  }
}
