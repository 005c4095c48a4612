// hooks: how much the hooks may hold, and how long they try (SPEC D7).

/** Bounds of the sending side. */
export interface HookLimits {
  /** Notices that may wait. */
  readonly queue: number;
  /** Requests at a time. */
  readonly concurrency: number;
  /** From a request to the end of its answer, ms. */
  readonly timeoutMs: number;
  /** Requests per notice. */
  readonly tries: number;
  /** Gap after the first failure, ms. It is doubled each time up to the longest. */
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
  /** Failures in a row that open the breaker, and how long the breaker stays open, ms. */
  readonly breakerFailures: number;
  readonly breakerCooldownMs: number;
  /** Payload that may wait in all, bytes. */
  readonly payloadBytes: number;
}

/** Two minutes of tries for a backend that restarts. One request at a time after five failures. */
export const DEFAULT_HOOK_LIMITS: HookLimits = {
  queue: 10_000,
  concurrency: 4,
  timeoutMs: 10_000,
  tries: 8,
  firstRetryMs: 1000,
  longestRetryMs: 60_000,
  breakerFailures: 5,
  breakerCooldownMs: 10_000,
  payloadBytes: 8 * 1024 * 1024,
};
