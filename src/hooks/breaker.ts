// hooks: the circuit breaker: a backend that keeps failing is left alone for a while, then asked once. Pure; time is an argument.

/** `half-open`: one request is on its way to find out. */
export type BreakerState = 'closed' | 'open' | 'half-open';

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** From opening to the next request, ms. */
  readonly cooldownMs: number;
}

/** Counts failures in a row. */
export class Breaker {
  /** Times it opened, ever. */
  opened = 0;
  readonly #options: BreakerOptions;
  #state: BreakerState = 'closed';
  #failures = 0;
  /** When an open breaker lets one request through, monotonic ms. */
  #retryAt = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Asks to send now. In doubt only one request is let through; what came of it must be told. */
  admit(now: number): boolean {
    if (this.#state === 'closed') return true;
    if (this.#state === 'half-open' || now < this.#retryAt) return false;
    this.#state = 'half-open';
    return true;
  }

  /** Earliest time at which `admit` can say yes; 0 = now. Infinity while a request is out to find out. */
  get admitsAt(): number {
    if (this.#state === 'closed') return 0;
    return this.#state === 'open' ? this.#retryAt : Number.POSITIVE_INFINITY;
  }

  /** The backend answered. */
  succeeded(): void {
    this.#state = 'closed';
    this.#failures = 0;
  }

  /** The backend failed; says whether that opened the breaker. */
  failed(now: number): boolean {
    this.#failures++;
    // A request that was under way when it opened says nothing new.
    if (this.#state === 'open') return false;
    if (this.#state === 'closed' && this.#failures < this.#options.failures) return false;
    this.#state = 'open';
    this.#retryAt = now + this.#options.cooldownMs;
    this.opened++;
    return true;
  }
}
