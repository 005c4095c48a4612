// hooks: the circuit breaker: a backend that keeps failing is left alone for a while, then probed once. Pure.

/** `half-open`: one request is on its way as a probe. */
export type BreakerState = 'closed' | 'open' | 'half-open';

export interface BreakerOptions {
  /** Failures in a row that open the breaker. */
  readonly failures: number;
  /** Time from opening to the probe, ms. */
  readonly cooldownMs: number;
}

/** Counts failures in a row. */
export class Breaker {
  /** Number of times that the breaker opened. */
  opened = 0;
  readonly #options: BreakerOptions;
  #state: BreakerState = 'closed';
  #failures = 0;
  /** When an open breaker lets the probe through, monotonic ms. */
  #retryAt = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /**
   * Asks to send now. A half-open breaker lets only one request through, and must be told its
   * result.
   */
  admit(now: number): boolean {
    if (this.#state === 'closed') return true;
    if (this.#state === 'half-open' || now < this.#retryAt) return false;
    this.#state = 'half-open';
    return true;
  }

  /** Earliest time at which `admit` can return true; 0 = now. Infinity while a probe is out. */
  get admitsAt(): number {
    if (this.#state === 'closed') return 0;
    return this.#state === 'open' ? this.#retryAt : Number.POSITIVE_INFINITY;
  }

  /** Notes that the backend answered. */
  succeeded(): void {
    this.#state = 'closed';
    this.#failures = 0;
  }

  /** Notes that the backend failed. Returns whether that opened the breaker. */
  failed(now: number): boolean {
    this.#failures++;
    // A request that was under way when the breaker opened says nothing new.
    if (this.#state === 'open') return false;
    if (this.#state === 'closed' && this.#failures < this.#options.failures) return false;
    this.#state = 'open';
    this.#retryAt = now + this.#options.cooldownMs;
    this.opened++;
    return true;
  }
}
