// relay, client → upstream: bytes received and not yet forwarded, of one connection; counted, so that holding shows in the metrics.
import { MessageBuffer } from './assembler.ts';
import type { RelayCounters } from './tap.ts';

/** Exists only while something is held. */
export class HoldBuffer extends MessageBuffer {
  private readonly counters: RelayCounters;

  constructor(expected: number, counters: RelayCounters) {
    super(expected);
    this.counters = counters;
  }

  override append(src: Buffer, start: number, end: number): void {
    super.append(src, start, end);
    this.counters.heldBytes += end - start;
  }

  /** Drops everything from `length` on. */
  truncate(length: number): void {
    this.counters.heldBytes -= this.length - length;
    this.length = length;
  }
}
