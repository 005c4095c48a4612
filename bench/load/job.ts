// What the generator process is asked to do, and what it answers: the messages between the bench and its load.

/** A steady flow of events; the window after the warm-up is what counts. */
export interface FlowJob {
  readonly kind: 'flow';
  readonly connections: number;
  /** Events in flight per connection when the flow is saturated. */
  readonly inFlight: number;
  /** Events per second over all connections; 0 = as fast as credits come back. */
  readonly rate: number;
  /**
   * `app`: the client answers each event with a confirmation message. `barrier`: it answers pings
   * only.
   */
  readonly confirm: 'app' | 'barrier';
  /**
   * Whether confirmation messages pass through to the backend (byte pipes) or are consumed on the
   * way.
   */
  readonly forwarded: boolean;
  readonly deflate: boolean;
  /**
   * `each`: one write per message, as `send()` does. `burst`: what became due together is one
   * write.
   */
  readonly writes: 'each' | 'burst';
  readonly warmupMs: number;
  readonly windowMs: number;
  /**
   * Extra connections whose client answers one ping and then never again, and the events left
   * pending on each.
   */
  readonly holders: number;
  readonly heldEach: number;
  /**
   * One client in so many has opted in and confirms as the SDK does; default: none.
   */
  readonly optedInEvery?: number;
}

/** Connections that are opened and then left alone. */
export interface IdleJob {
  readonly kind: 'idle';
  readonly connections: number;
  /**
   * Connections opened before the first reading, so that what a proxy needs only once is not
   * counted.
   */
  readonly before: number;
  /** Whether each connection carries one event and its confirmation before it falls idle. */
  readonly touch: boolean;
  readonly confirm: 'app' | 'barrier';
  readonly forwarded: boolean;
  /** How long the proxy may take to give memory back; the lowest reading counts. */
  readonly settleMs: number;
}

/** Many connections, each with events that nobody confirms. */
export interface PendingJob {
  readonly kind: 'pending';
  readonly connections: number;
  readonly each: number;
  readonly settleMs: number;
}

/** Many connections that have carried an event, of which some are cut off and come back at once. */
export interface CrowdJob {
  readonly kind: 'crowd';
  readonly connections: number;
  /** As in `IdleJob`. */
  readonly before: number;
  /** How many are cut off. */
  readonly wave: number;
  readonly confirm: 'app' | 'barrier';
  readonly forwarded: boolean;
  readonly settleMs: number;
}

/** The time to the first accepted connection, what it cost, and what stays. */
export interface StartJob {
  readonly kind: 'start';
  /** How long the proxy may take to come to rest; the lowest reading of its memory counts. */
  readonly settleMs: number;
}

/** A long run with connections that come, go and break. */
export interface SoakJob {
  readonly kind: 'soak';
  readonly connections: number;
  readonly rate: number;
  readonly runMs: number;
  /**
   * A connection lives between these two before it closes cleanly and another takes its place, ms.
   */
  readonly lifeMs: readonly [number, number];
  /** Share of the live connections that break in every second. */
  readonly faults: number;
  readonly sampleMs: number;
  readonly seed: number;
}

export type Job = FlowJob | IdleJob | PendingJob | CrowdJob | StartJob | SoakJob;

/**
 * Sent by the bench when the proxy under test has been spawned. `pid` 0 = no proxy between client
 * and backend.
 */
export interface Target {
  readonly port: number;
  readonly pid: number;
  /** ms since the epoch. */
  readonly spawnedAt: number;
}

export interface FlowResult {
  readonly kind: 'flow';
  readonly startMs: number;
  readonly events: number;
  readonly wallMs: number;
  /** CPU of the proxy's process tree in the window, µs; 0 without a proxy. */
  readonly cpuUs: number;
  /**
   * How long the proxy was ready to run but no core was free, µs: what others on the machine did to
   * its latency.
   */
  readonly waitUs: number;
  readonly generatorCpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Over the whole run: every event sent, each verified at the client. */
  readonly sent: number;
  readonly confirmedAtBackend: number;
  readonly held: number;
  readonly rssKiB: number;
}

export interface MemoryResult {
  readonly kind: 'memory';
  readonly startMs: number;
  readonly connections: number;
  readonly rssBeforeKiB: number;
  readonly rssAfterKiB: number;
  readonly sent: number;
}

export interface CrowdResult {
  readonly kind: 'crowd';
  readonly startMs: number;
  readonly rssBeforeKiB: number;
  readonly rssAfterKiB: number;
  /** Connections that came between the two readings. */
  readonly grown: number;
  /** From the cut to the last accepted upgrade. */
  readonly waveMs: number;
  /** CPU of the proxy's process tree meanwhile, µs. */
  readonly waveCpuUs: number;
  readonly sent: number;
}

export interface StartResult {
  readonly kind: 'start';
  readonly startMs: number;
  /**
   * CPU of the proxy's process tree up to the first accepted connection, µs: what a busy machine
   * does not change.
   */
  readonly cpuUs: number;
  readonly rssKiB: number;
}

/** Where a soak stands. Latencies are those since the sample before. */
export interface Sample {
  readonly elapsedMs: number;
  readonly sent: number;
  readonly verified: number;
  readonly open: number;
  readonly opened: number;
  readonly faults: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The same over connections without a proxy: what the machine itself adds. */
  readonly controlP99Ms: number;
}

export interface SoakResult {
  readonly kind: 'soak';
  readonly startMs: number;
  readonly last: Sample;
}

export type Result = FlowResult | MemoryResult | CrowdResult | StartResult | SoakResult;

/** Generator → bench. */
export type Report =
  /** On a port, or on a path. */
  | { readonly listening: number | string }
  | { readonly sample: Sample }
  /** The window begins that counts. */
  | { readonly window: 'begins' }
  | { readonly result: Result }
  | { readonly error: string };
