// relay: upstream to client: turns frames into messages for the tap; what cannot be read in place is collected.
import { looksLikeJson, tellBinary } from './binary.ts';
import { Collected } from './collected.ts';
import type { Shared } from './directions.ts';
import { type FrameScanner, TEXT } from './frames.ts';
import { SideReader } from './side-reader.ts';
import type { Deflate } from './spliced-sockets.ts';
import type { RelayContext, Tap } from './tap.ts';

const EMPTY = Buffer.alloc(0);

export class UpstreamMessages {
  /** Complete data messages so far, on earlier connections of the session, too. */
  ordinal: number;
  /** Reader of compressed messages, from the first one on. */
  side: SideReader | undefined = undefined;
  readonly #scanner: FrameScanner;
  readonly #deflate: Deflate | undefined;
  readonly #tap: Tap;
  readonly #context: RelayContext;
  /** The message under way, if it is read and comes in parts. */
  #message: Collected | undefined = undefined;
  /** Whether the message under way is binary and no JSON, so that nothing of it is kept. */
  #passing = false;
  /** Bytes of the message under way, if it comes in parts that are not read. */
  #passed = 0;

  /** `scanner` describes the frame and the message under way. */
  constructor(scanner: FrameScanner, { deflate, tap, context }: Shared, ordinal: number) {
    this.ordinal = ordinal;
    this.#scanner = scanner;
    this.#deflate = deflate;
    this.#tap = tap;
    this.#context = context;
  }

  /** Whether earlier parts of the current message have been given to `part`. */
  get collecting(): boolean {
    return this.#message !== undefined || this.#passing;
  }

  /** Takes a message whose whole payload is `buf[start, end)`. */
  whole(buf: Buffer, start: number, end: number, now: number): void {
    const { limits, counters } = this.#context;
    const bytes = end - start;
    if (bytes <= limits.messageBytes) {
      this.#complete(buf, start, end, bytes, now);
      return;
    }
    counters.messageBytesExceeded++;
    this.#complete(this.#isRead(buf, start, end) ? undefined : EMPTY, 0, 0, bytes, now);
    this.#passing = false;
  }

  /**
   * Takes a part of the payload. `left` bytes of its frame, this part included, are known to come.
   */
  part(buf: Buffer, start: number, end: number, left: number): void {
    if (this.#message === undefined && !this.#isRead(buf, start, end)) {
      this.#passed += end - start;
      return;
    }
    this.#message ??= this.#begin();
    this.#message.add(buf, start, end, this.#message.size + left);
  }

  /** Ends a message that came in parts. */
  end(now: number): void {
    const message = this.#message;
    this.#passing = false;
    if (message === undefined) {
      const passed = this.#passed;
      this.#passed = 0;
      this.#complete(EMPTY, 0, 0, passed, now);
      return;
    }
    const kept = message.view();
    this.drop();
    this.#complete(kept, 0, kept === undefined ? 0 : kept.length, message.size, now);
  }

  /** Drops the message under way. */
  drop(): void {
    this.#message?.release();
    this.#message = undefined;
    this.#passing = false;
    this.#passed = 0;
  }

  #begin(): Collected {
    const { messageBytes, scanBytes } = this.#context.limits;
    if (this.#standalone) return new Collected(this.#context, scanBytes, scanBytes);
    // A compressed message is inflated from its beginning to its end.
    if (this.#scanner.compressed) return new Collected(this.#context, messageBytes, messageBytes);
    return new Collected(this.#context, this.#tap.wants?.() ?? 0, scanBytes);
  }

  /**
   * Whether the content matters of a message that begins with `buf[start, end)`: text, what may be
   * text, or what moves the inflate window.
   */
  #isRead(buf: Buffer, start: number, end: number): boolean {
    const scanner = this.#scanner;
    if (scanner.messageOpcode === TEXT) return true;
    this.#passing ||= !scanner.compressed && looksLikeJson(buf, start, end) === false;
    return !this.#passing;
  }

  /** Whether the message is binary and compressed by itself, so that no later one needs it. */
  get #standalone(): boolean {
    const scanner = this.#scanner;
    return scanner.messageOpcode !== TEXT && scanner.compressed && this.#deflate!.serverNoContextTakeover;
  }

  /**
   * Tells a message of `bytes` bytes, of which `buf[start, end)` was kept; `buf` undefined = too
   * large to read.
   */
  #complete(buf: Buffer | undefined, start: number, end: number, bytes: number, now: number): void {
    const scanner = this.#scanner;
    const ordinal = ++this.ordinal;
    this.#context.counters.messagesToClient++;
    if (scanner.compressed || this.side?.busy) this.#read(buf, start, end, bytes, now);
    else if (scanner.messageOpcode !== TEXT) tellBinary(this.#tap, buf, start, end, ordinal, now, bytes);
    else if (buf !== undefined) this.#tap.upstreamText(buf, start, end, ordinal, now, bytes, false);
    else {
      this.#context.counters.messagesTooLarge++;
      this.#tap.upstreamSkipped('too_large', ordinal, now, bytes);
    }
  }

  #read(buf: Buffer | undefined, start: number, end: number, bytes: number, now: number): void {
    const { messageOpcode: opcode, compressed } = this.#scanner;
    this.side ??= new SideReader(this.#deflate!, this.#tap, this.#context);
    const message = { opcode, compressed, ordinal: this.ordinal, now, bytes };
    // A part of it cannot be inflated, and it is hardly JSON.
    if (this.#standalone && bytes > this.#context.limits.scanBytes) this.side.submit(EMPTY, 0, 0, message);
    else this.side.submit(buf, start, end, message);
  }
}
