// relay: client to upstream: decides which frames may belong to a confirmation, reads those messages, asks the tap.
import { MessageBuffer } from './assembler.ts';
import { beginsOurs } from './first-byte.ts';
import { CONTINUATION, type FrameScanner, TEXT } from './frames.ts';
import type { TapGuard } from './guard.ts';
import { createInflater, type Inflater } from './inflate.ts';
import { unmask, unmasked } from './mask.ts';
import type { RelayContext } from './tap.ts';

/**
 * Verdict on a frame. `forward`: it goes on. `cut`: it is cut out. `keep`: it waits for the rest of
 * its message. `cut-message`: it is cut out, and so are the frames that waited.
 */
export type FrameVerdict = 'forward' | 'cut' | 'keep' | 'cut-message';

/** Most fragments of a message that may be a confirmation. */
const MAX_FRAGMENTS = 64;

let inflated = Buffer.alloc(0);
let inflater: Inflater | undefined;

export class ClientMessages {
  /** Data messages so far. */
  count = 0;
  /** Whether another client has taken the place of this one, which still speaks. */
  replaced = false;
  readonly #scanner: FrameScanner;
  readonly #canInflate: boolean;
  readonly #tap: TapGuard;
  readonly #context: RelayContext;
  /** Unmasked payload, so far, of a fragmented message that may be a confirmation. */
  #message: MessageBuffer | undefined = undefined;
  #fragments = 0;
  /** Type of the message under way, by its first frame, and its payload bytes so far. */
  #isText = false;
  #size = 0;
  /**
   * Whether the fragments have gone on because of a frame between them. The message is still read,
   * but not cut any more.
   */
  #released = false;

  /** `canInflate`: each compressed client message stands alone (RFC 7692 §7.1.1.2). */
  constructor(scanner: FrameScanner, canInflate: boolean, tap: TapGuard, context: RelayContext) {
    this.#scanner = scanner;
    this.#canInflate = canInflate;
    this.#tap = tap;
    this.#context = context;
    const limit = context.limits.confirmationBytes;
    if (inflated.length <= limit) inflated = Buffer.allocUnsafeSlow(limit + 1);
  }

  /**
   * Begins a data frame, of whose payload `buf[start, end)` has come. Answers whether `judge` must
   * be called with the complete frame.
   */
  begin(buf: Buffer, start: number, end: number, now: number): boolean {
    const { opcode, fin, length, key, compressed } = this.#scanner;
    if (opcode !== CONTINUATION) {
      this.#isText = opcode === TEXT;
      this.#size = 0;
    }
    this.#size += length;
    if (fin) {
      this.#context.counters.messagesToUpstream++;
      this.count++;
      this.#tap.clientMessage?.(this.#isText, this.#size, now);
    }
    const limit = this.#context.limits.confirmationBytes;
    if (opcode !== CONTINUATION)
      return (
        length <= limit && (compressed ? this.#canInflate : beginsOurs(buf, start, end, key, this.#tap.begins, true))
      );
    if (this.#message === undefined) return false;
    if (this.#message.length + length <= limit && this.#fragments < MAX_FRAGMENTS) return true;
    this.#message = undefined;
    return false;
  }

  /**
   * The verdict on a complete data frame that `begin` asked for. Its payload is `buf[start, end)`.
   */
  judge(buf: Buffer, start: number, end: number, now: number): FrameVerdict {
    const { opcode, fin, key, compressed } = this.#scanner;
    if (opcode !== CONTINUATION && fin) {
      return this.#offer(unmasked(buf, start, end, key), end - start, now) ? this.#swallowed() : 'forward';
    }
    if (opcode !== CONTINUATION) {
      this.#message = new MessageBuffer(end - start);
      this.#fragments = 0;
      this.#released = false;
    }
    const message = this.#message!;
    unmask(buf, start, end, key, message.reserve(end - start), message.length);
    message.length += end - start;
    this.#fragments++;
    if (
      !compressed &&
      opcode === CONTINUATION &&
      !beginsOurs(message.view(), 0, message.length, 0, this.#tap.begins, true)
    ) {
      this.#message = undefined;
      return 'forward';
    }
    if (!fin) return this.#released ? 'forward' : 'keep';
    this.#message = undefined;
    if (!this.#offer(message.view(), message.length, now)) return 'forward';
    if (!this.#released) return this.#swallowed();
    this.#context.counters.confirmationsForwarded++;
    return 'forward';
  }

  /** Notes that the kept fragments went on, before a frame that stands between them. */
  release(): void {
    this.#released = true;
  }

  #swallowed(): FrameVerdict {
    this.#context.counters.confirmationsSwallowed++;
    return 'cut-message';
  }

  /** Whether the tap takes the message `bytes[0, length)`, unmasked, for a confirmation. */
  #offer(bytes: Buffer, length: number, now: number): boolean {
    if (this.#scanner.compressed) {
      length = this.#inflate(bytes, length);
      bytes = inflated;
    }
    return (
      length > 0 &&
      beginsOurs(bytes, 0, length, 0, this.#tap.begins, false) &&
      this.#tap.clientText(bytes, 0, length, now, !this.#isText, this.replaced)
    );
  }

  /**
   * Inflates into `inflated`. Answers the length; -1 = broken, or longer than `confirmationBytes`.
   */
  #inflate(bytes: Buffer, length: number): number {
    const limit = this.#context.limits.confirmationBytes;
    inflater ??= createInflater(15, limit);
    inflater.start(bytes, 0, length);
    const count = inflater.read(inflated);
    const readable = count >= 0 && count <= limit && inflater.finished;
    inflater.reset();
    return readable ? count : -1;
  }
}
