// relay, client → upstream: bytes received and not yet forwarded, of one connection: kept fragments, then a frame that is not complete.
import { MessageBuffer } from './assembler.ts';
import type { RelayCounters } from './tap.ts';

/** Exists only while something is held. Counted, so that holding shows in the metrics. */
export class HoldBuffer extends MessageBuffer {
  /** It ends with a frame that is not complete. */
  incomplete = false;
  /** Where the payload of that frame begins; -1: its header is not complete. */
  payloadAt = -1;
  private frameAt = 0;
  private readonly counters: RelayCounters;

  constructor(expected: number, counters: RelayCounters) {
    super(expected);
    this.counters = counters;
  }

  override append(src: Buffer, start: number, end: number): void {
    super.append(src, start, end);
    this.counters.heldBytes += end - start;
  }

  /** An incomplete frame follows: `payload` bytes behind its beginning is its payload, -1 = in what is still to come. */
  begin(payload: number): void {
    this.incomplete = true;
    this.frameAt = this.length;
    this.payloadAt = payload < 0 ? -1 : this.length + payload;
  }

  /** Drops the frame at its end. Says whether something is left. */
  cutFrame(): boolean {
    this.truncate(this.frameAt);
    return this.frameAt > 0;
  }

  /** Forgets everything. */
  drop(): void {
    this.truncate(0);
    // A verdict on the frame at the end may still come: it finds nothing to cut.
    this.frameAt = 0;
  }

  private truncate(length: number): void {
    this.counters.heldBytes -= this.length - length;
    this.length = length;
  }
}
