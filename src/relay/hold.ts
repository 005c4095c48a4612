// relay: client to upstream: bytes of a connection that wait: kept fragments, then a frame that is not complete.
import { MessageBuffer } from './assembler.ts';
import type { RelayCounters } from './tap.ts';

/** The held bytes, counted for the metrics. It exists only while something is held. */
export class HoldBuffer extends MessageBuffer {
  /** Whether it ends with a frame that is not complete. */
  incomplete = false;
  /** Where the payload of that frame begins; -1 = its header is not complete. */
  payloadAt = -1;
  #frameAt = 0;
  readonly #counters: RelayCounters;

  constructor(expected: number, counters: RelayCounters) {
    super(expected);
    this.#counters = counters;
  }

  override append(src: Buffer, start: number, end: number): void {
    super.append(src, start, end);
    this.#counters.heldBytes += end - start;
  }

  /**
   * Begins an incomplete frame, whose payload is `payload` bytes behind its beginning; -1 = its
   * header is not complete.
   */
  begin(payload: number): void {
    this.incomplete = true;
    this.#frameAt = this.length;
    this.payloadAt = payload < 0 ? -1 : this.length + payload;
  }

  /** Drops the frame at the end. Answers whether something is left. */
  cutFrame(): boolean {
    this.#truncate(this.#frameAt);
    return this.#frameAt > 0;
  }

  /** Drops everything. */
  drop(): void {
    this.#truncate(0);
    // A verdict on the frame at the end may still come, and must find nothing to cut.
    this.#frameAt = 0;
  }

  #truncate(length: number): void {
    this.#counters.heldBytes -= this.length - length;
    this.length = length;
  }
}
