// telemetry: exemplars: the latest sampled span of each histogram bucket, so that a bad bucket leads to a trace.
import type { DataPoint, Histogram } from '@opentelemetry/sdk-metrics';
import { wallOf } from '../../time/clock.ts';
import type { NativeCounts } from './native.ts';

/** One measurement with its trace, as OpenMetrics 1.0 shows it behind a bucket. */
export interface Exemplar {
  readonly traceId: string;
  readonly spanId: string;
  /** In the metric's unit: seconds. */
  readonly value: number;
  /** When it was measured, ms since the epoch. */
  readonly time: number;
}

/**
 * A histogram point with the exemplars of its buckets (same indexes), and with the same values in
 * exponential buckets. Other exporters ignore both.
 */
export interface HistogramPoint extends DataPoint<Histogram> {
  readonly exemplars?: readonly (Exemplar | undefined)[] | undefined;
  readonly native?: NativeCounts | undefined;
}

/** A fixed number of places, each with the latest exemplar: four stores to put, no allocation. */
export class ExemplarTable {
  readonly #traceIds: string[];
  readonly #spanIds: string[];
  readonly #values: Float64Array;
  readonly #times: Float64Array;

  constructor(places: number) {
    this.#traceIds = new Array<string>(places).fill('');
    this.#spanIds = new Array<string>(places).fill('');
    this.#values = new Float64Array(places);
    this.#times = new Float64Array(places);
  }

  /** Replaces what the place held. `value` in seconds, `at` in monotonic ms. */
  // biome-ignore lint/complexity/useMaxParams: called for every outcome, without an object.
  put(place: number, traceId: string, spanId: string, value: number, at: number): void {
    this.#traceIds[place] = traceId;
    this.#spanIds[place] = spanId;
    this.#values[place] = value;
    this.#times[place] = at;
  }

  /** The exemplars of `count` places from `first`; undefined when all are empty. */
  read(first: number, count: number): readonly (Exemplar | undefined)[] | undefined {
    let found: (Exemplar | undefined)[] | undefined;
    for (let i = 0; i < count; i++) {
      const traceId = this.#traceIds[first + i]!;
      if (traceId === '') continue;
      found ??= new Array<Exemplar | undefined>(count).fill(undefined);
      const [spanId, value, at] = [this.#spanIds[first + i]!, this.#values[first + i]!, this.#times[first + i]!];
      found[i] = { traceId, spanId, value, time: wallOf(at) };
    }
    return found;
  }
}
