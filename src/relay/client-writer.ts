// relay: upstream to client: the writes themselves: chunks as they came, and barriers where the tap wants them.
import type { BarrierCodec } from './barrier.ts';
import type { Shared } from './directions.ts';
import type { TapGuard } from './guard.ts';
import type { Sink } from './sink.ts';
import type { RelayCounters } from './tap.ts';
import type { UpstreamMessages } from './upstream-messages.ts';

/** First byte of an unfragmented, uncompressed text frame (RFC 6455 §5.2). */
export const TEXT_FIN = 0x81;

/** Whether a chunk is exactly one such frame, of at most 64 KiB. */
export function isOneText(chunk: Buffer): boolean {
  if (chunk.length < 2 || chunk[0] !== TEXT_FIN) return false;
  const length = chunk[1]!;
  if (length < 126) return chunk.length === length + 2;
  return length === 126 && chunk.length > 3 && chunk.length === ((chunk[2]! << 8) | chunk[3]!) + 4;
}

export class ClientWriter {
  /** Whether a barrier was asked for, which goes out at the next frame boundary. */
  pingWanted = false;
  /** The barriers of the present client. */
  barriers: BarrierCodec;
  readonly #port: { readonly client: Sink };
  readonly #messages: UpstreamMessages;
  readonly #tap: TapGuard;
  readonly #counters: RelayCounters;

  constructor(port: { readonly client: Sink }, messages: UpstreamMessages, { barriers, tap, context }: Shared) {
    this.#port = port;
    this.barriers = barriers;
    this.#messages = messages;
    this.#tap = tap;
    this.#counters = context.counters;
  }

  write(bytes: Buffer): void {
    this.#port.client.write(bytes);
  }

  /** Writes a barrier by itself. */
  barrier(): void {
    this.pingWanted = false;
    this.#counters.barriersSent++;
    this.#port.client.write(this.barriers.frame(this.#messages.ordinal));
  }

  /** Writes a chunk, with a barrier at its last frame boundary if one is wanted. */
  flush(chunk: Buffer, boundary: number): void {
    if (this.#tap.barrierAt(this.#messages.ordinal) || this.pingWanted) {
      this.#withBarrier(chunk, boundary, this.#messages.ordinal);
    } else this.#port.client.write(chunk);
  }

  /**
   * Writes a chunk. A last barrier goes to `at`, after data message `through`, if it would prove
   * something (SPEC D15).
   */
  last(chunk: Buffer, at: number, through: number): void {
    if (this.#tap.lastBarrierAt(through) || this.pingWanted) this.#withBarrier(chunk, at, through);
    else this.#port.client.write(chunk);
  }

  /** Writes a last barrier by itself, if it would prove something. */
  lastBarrier(): void {
    if (this.#tap.lastBarrierAt(this.#messages.ordinal) || this.pingWanted) this.barrier();
  }

  /**
   * Writes a chunk that is one message before the tap is told of it, if the tap allows that.
   * Answers whether it was written.
   */
  writeFirst(chunk: Buffer): boolean {
    const ordinal = this.#messages.ordinal + 1;
    const along = this.#tap.writeFirst(ordinal);
    if (along === 'nothing') return false;
    if (along === 'message+barrier' || this.pingWanted) this.#withBarrier(chunk, chunk.length, ordinal);
    else this.#port.client.write(chunk);
    return true;
  }

  /** Writes the barrier that a message wants which was told after it was written. */
  catchUp(): void {
    if (this.#tap.barrierAt(this.#messages.ordinal)) this.barrier();
  }

  #withBarrier(chunk: Buffer, at: number, through: number): void {
    this.pingWanted = false;
    this.#counters.barriersSent++;
    this.barriers.send(this.#port.client, chunk, at, through);
  }
}
