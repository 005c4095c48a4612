// telemetry: counts in exponential buckets, eight to a factor of two, as Prometheus' native histograms have them.

/**
 * Schema of the buckets: bucket i holds values in (2^((i − 1) / 2^schema), 2^(i / 2^schema)]
 * (Prometheus' native histogram specification).
 */
export const NATIVE_SCHEMA = 3;
const PER_OCTAVE = 1 << NATIVE_SCHEMA;
/** Values up to this one count as zero, seconds: 15 µs. */
export const ZERO_THRESHOLD = 2 ** -16;
/** Index of the first bucket above the zero bucket. */
const FIRST = Math.log2(ZERO_THRESHOLD) * PER_OCTAVE + 1;
/** Index of the last bucket, which ends at 2^17 s: 36 h. Larger values count in it. */
const LAST = 17 * PER_OCTAVE;

/** Counts at one moment. */
export interface NativeCounts {
  readonly zero: number;
  /** Index of the bucket of `counts[0]`. */
  readonly first: number;
  /** Each bucket's own count, not cumulative. */
  readonly counts: Float64Array;
}

/** A histogram that counts nothing yet. */
export const NO_COUNTS: NativeCounts = { zero: 0, first: 0, counts: new Float64Array(0) };

export class NativeHistogram {
  #zero = 0;
  readonly #counts = new Float64Array(LAST - FIRST + 1);

  /** Counts a time in ms, not negative. */
  record(ms: number): void {
    const seconds = ms / 1000;
    if (seconds <= ZERO_THRESHOLD) {
      this.#zero++;
      return;
    }
    const index = Math.ceil(Math.log2(seconds) * PER_OCTAVE);
    this.#counts[(index < LAST ? index : LAST) - FIRST]!++;
  }

  /** A copy of the counts. */
  read(): NativeCounts {
    return { zero: this.#zero, first: FIRST, counts: this.#counts.slice() };
  }
}
