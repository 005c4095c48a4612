// delivery: which messages are kept for replays and resends: within limits, the least important left out (D7, D11).
import { type Delivery, isSettled } from './record.ts';
import { type Displaced, SHED_AT } from './shedding.ts';
import type { UnretainedReason } from './words.ts';

/** Bytes of payload that may be kept, in all, per session and per user. */
export interface RetentionLimits {
  readonly bytes: number;
  readonly bytesPerSession: number;
  readonly bytesPerUser: number;
}

const NOTHING: RetentionLimits = { bytes: 0, bytesPerSession: 0, bytesPerUser: 0 };

/** Counts and bounds the payloads that deliveries hold. */
export class Retention {
  /** Bytes kept now. */
  bytes = 0;
  /** Messages not kept though something would have been sent again, ever. */
  readonly refused: Record<UnretainedReason, number> = {
    retained_bytes: 0,
    retained_per_session: 0,
    retained_per_user: 0,
    in_flight_bytes: 0,
    several_events: 0,
  };
  readonly #limits: RetentionLimits;
  readonly #displaced: Displaced | undefined;
  readonly #gaveWay: ((delivery: Delivery) => void) | undefined;

  /**
   * Without limits nothing is kept. `displaced` finds kept messages that are less important;
   * without it none gives way. `gaveWay` is told of each message that did.
   */
  constructor(limits: RetentionLimits = NOTHING, displaced?: Displaced, gaveWay?: (delivery: Delivery) => void) {
    this.#limits = limits;
    this.#displaced = displaced;
    this.#gaveWay = gaveWay;
  }

  /** The longest message that may be kept, bytes. */
  get longest(): number {
    const { bytes, bytesPerSession, bytesPerUser } = this.#limits;
    return Math.min(bytes, bytesPerSession, bytesPerUser);
  }

  /**
   * Counts a message of `size` bytes that could not be collected whole: it is too long to be kept,
   * or there was no room while it came.
   */
  cut(size: number): void {
    const { bytes, bytesPerSession } = this.#limits;
    if (size <= this.longest) this.refused.in_flight_bytes++;
    else if (size > bytesPerSession) this.refused.retained_per_session++;
    else if (size > bytes) this.refused.retained_bytes++;
    else this.refused.retained_per_user++;
  }

  /**
   * Keeps a copy of the message (`copy` makes it) for an open delivery if the limits allow. Returns
   * whether it did.
   */
  keep(delivery: Delivery, size: number, copy: () => Uint8Array): boolean {
    if (isSettled(delivery)) return false;
    if (delivery.type.policy.priority === 'critical') this.#makeRoom(delivery, size);
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
    this.#displaced?.joined(owner, delivery.type.policy.priority);
    this.bytes += size;
    session.retained += size;
    owner.retained += size;
    return true;
  }

  /**
   * Releases less important messages where the message does not fit. Their deliveries can only not
   * be sent again then.
   */
  #makeRoom({ session: { owner }, sentAt }: Delivery, size: number): void {
    // No message gives way in vain.
    if (size > this.longest) return;
    const { bytes, bytesPerUser } = this.#limits;
    const full = () => this.bytes + size > bytes;
    const ownFull = () => owner.retained + size > bytesPerUser;
    while (full() || ownFull()) {
      const victim = this.#displaced?.next(ownFull() ? owner : undefined, sentAt);
      if (victim === undefined) return;
      this.release(victim);
      this.#gaveWay?.(victim);
    }
  }

  /** Releases the message. Does nothing if none is kept. */
  release(delivery: Delivery): void {
    const { payload } = delivery;
    if (payload === undefined) return;
    delivery.payload = undefined;
    this.bytes -= payload.length;
    delivery.session.retained -= payload.length;
    delivery.session.owner.retained -= payload.length;
  }
}
