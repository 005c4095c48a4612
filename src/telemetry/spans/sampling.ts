// telemetry: which deliveries get a span: a chosen share of those that go well, and every other one.
import type { Delivery } from '../../delivery/record.ts';
import type { Parent } from './traceparent.ts';

/** The operator's settings under `tracing`. */
export interface SamplingOptions {
  /** Share of confirmed deliveries whose span is kept, 0 to 1. */
  readonly keepConfirmed: number;
  /** A confirmed delivery slower than this, ms, is always kept. */
  readonly slowMs: number;
  /** In [0, 1); decides where there is no trace to be consistent with. Default Math.random. */
  readonly random?: () => number;
}

/**
 * Decides twice: when the event is sent, and for a delivery not chosen then, when the outcome is
 * known. Metrics count all of them.
 */
export interface Sampling {
  /** Whether the delivery gets its span at once. */
  chosen(parent: Parent | undefined): boolean;
  /** Whether a settled delivery that was not chosen is worth a span after all. */
  worthKeeping(delivery: Delivery): boolean;
}

/**
 * With a parent the choice depends on its trace id alone (the threshold of OTEP 235 on its random
 * bits), so that every instance keeps the same traces. A delivery with an unsampled parent (flags
 * 00) is not chosen either, but its failures are kept: the flag says that the success is not
 * wanted. Such a span's parent is then missing from the trace.
 */
export function createSampling(options: SamplingOptions): Sampling {
  const { random = Math.random } = options;
  return {
    chosen(parent) {
      // Read each time: a reload changes it.
      const { keepConfirmed } = options;
      const threshold = 1 - keepConfirmed;
      if (parent === undefined) return keepConfirmed >= 1 || (keepConfirmed > 0 && random() >= threshold);
      return parent.traceFlags === 1 && keepConfirmed > 0 && parent.fraction >= threshold;
    },
    worthKeeping(delivery) {
      return delivery.status !== 'confirmed' || delivery.settledAt - delivery.sentAt > options.slowMs;
    },
  };
}
