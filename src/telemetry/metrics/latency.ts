// telemetry: a log-linear histogram of milliseconds: fixed memory, quantiles within 1.6 % of the true value.

/** Linear steps per octave, as a power of two: 32 steps, each 1/32 of its octave wide. */
const STEP_BITS = 5;
const STEPS = 1 << STEP_BITS;
/**
 * Largest value that has a step of its own: 2^31 - 1 µs, 35 minutes. Longer ones count in the last
 * step (`max` stays exact).
 */
const MAX_MICROS = 0x7fffffff;
const SIZE = (31 - STEP_BITS + 1) * STEPS;

/** Times of one priority. About 7 KB. */
export class Latency {
  count = 0;
  sumMs = 0;
  /** ms; `Infinity` and 0 while nothing is recorded. */
  minMs = Number.POSITIVE_INFINITY;
  maxMs = 0;
  readonly #counts = new Float64Array(SIZE);

  /** Adds one time in ms, not negative. */
  record(ms: number): void {
    this.count++;
    this.sumMs += ms;
    if (ms < this.minMs) this.minMs = ms;
    if (ms > this.maxMs) this.maxMs = ms;
    const micros = ms >= MAX_MICROS / 1000 ? MAX_MICROS : (ms * 1000) | 0;
    const shift = 31 - STEP_BITS - Math.clz32(micros | STEPS);
    this.#counts[shift * STEPS + (micros >> shift)]!++;
  }

  /** Adds everything that `other` holds. */
  merge(other: Latency): void {
    this.count += other.count;
    this.sumMs += other.sumMs;
    this.minMs = Math.min(this.minMs, other.minMs);
    this.maxMs = Math.max(this.maxMs, other.maxMs);
    for (let i = 0; i < SIZE; i++) this.#counts[i]! += other.#counts[i]!;
  }

  /** A copy of the counts, by step. */
  counts(): Float64Array {
    return this.#counts.slice();
  }

  /**
   * The smallest time in ms that at least the share `q` of all times does not exceed (nearest
   * rank), ±1.6 %; null when empty.
   */
  quantile(q: number): number | null {
    if (this.count === 0) return null;
    const rank = Math.max(1, Math.ceil(q * this.count));
    let seen = 0;
    let i = -1;
    while (seen < rank) seen += this.#counts[++i]!;
    return Math.min(this.maxMs, Math.max(this.minMs, middleMs(i)));
  }
}

/** Middle of step `i`, ms. Indexes below 2 × STEPS are single microseconds. */
export function middleMs(i: number): number {
  const shift = i < 2 * STEPS ? 0 : (i >> STEP_BITS) - 1;
  const low = (i - shift * STEPS) * 2 ** shift;
  return (low + 2 ** shift / 2) / 1000;
}
