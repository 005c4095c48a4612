// relay, upstream → client: turns frames into messages and hands them to the tap; what cannot be read in place is collected, within bounds.
import { looksLikeJson, tellBinary } from './binary.ts';
import { Collected } from './collected.ts';
import type { Shared } from './directions.ts';
import { type FrameScanner, TEXT } from './frames.ts';
import { SideReader } from './side-reader.ts';
import type { Deflate } from './spliced-sockets.ts';
import type { RelayContext, Tap } from './tap.ts';

const EMPTY = Buffer.alloc(0);

export class UpstreamMessages {
  /** Data messages complete so far, those of the session's earlier connections included. */
  ordinal: number;
  /** Reads compressed messages; exists from the first one on. */
  side: SideReader | undefined = undefined;
  private readonly scanner: FrameScanner;
  private readonly deflate: Deflate | undefined;
  private readonly tap: Tap;
  private readonly context: RelayContext;
  /** The message under way, if it is read and comes in parts. */
  private message: Collected | undefined = undefined;
  /** The message under way is binary and no JSON: nothing of it is kept. */
  private passing = false;
  /** Bytes of the message under way, if it comes in parts that are not read. */
  private passed = 0;

  /** `scanner` says which frame, and which message, is under way. */
  constructor(scanner: FrameScanner, { deflate, tap, context }: Shared, ordinal: number) {
    this.ordinal = ordinal;
    this.scanner = scanner;
    this.deflate = deflate;
    this.tap = tap;
    this.context = context;
  }

  /** Earlier parts of the current message have been given to `part`. */
  get collecting(): boolean {
    return this.message !== undefined || this.passing;
  }

  /** The payload of the message, all of it, is `buf[start, end)`. */
  whole(buf: Buffer, start: number, end: number, now: number): void {
    const { limits, counters } = this.context;
    const bytes = end - start;
    if (bytes <= limits.messageBytes) {
      this.complete(buf, start, end, bytes, now);
      return;
    }
    counters.messageBytesExceeded++;
    this.complete(this.isRead(buf, start, end) ? undefined : EMPTY, 0, 0, bytes, now);
    this.passing = false;
  }

  /** Some payload of the message; `left` bytes of its frame, these included, are known to come. */
  part(buf: Buffer, start: number, end: number, left: number): void {
    if (this.message === undefined && !this.isRead(buf, start, end)) {
      this.passed += end - start;
      return;
    }
    this.message ??= this.begin();
    this.message.add(buf, start, end, this.message.size + left);
  }

  /** The message that came in parts has ended. */
  end(now: number): void {
    const { message } = this;
    this.passing = false;
    if (message === undefined) {
      const { passed } = this;
      this.passed = 0;
      this.complete(EMPTY, 0, 0, passed, now);
      return;
    }
    const kept = message.view();
    this.drop();
    this.complete(kept, 0, kept === undefined ? 0 : kept.length, message.size, now);
  }

  /** Forgets the message under way. */
  drop(): void {
    this.message?.release();
    this.message = undefined;
    this.passing = false;
    this.passed = 0;
  }

  private begin(): Collected {
    const { messageBytes, scanBytes } = this.context.limits;
    if (this.standalone) return new Collected(this.context, scanBytes, scanBytes);
    // What is compressed is inflated from one end to the other.
    if (this.scanner.compressed) return new Collected(this.context, messageBytes, messageBytes);
    return new Collected(this.context, this.tap.wants?.() ?? 0, scanBytes);
  }

  /** Whether the content matters of a message that begins with `buf[start, end)`: text, what may be, or what moves the inflate window. */
  private isRead(buf: Buffer, start: number, end: number): boolean {
    const scanner = this.scanner;
    if (scanner.messageOpcode === TEXT) return true;
    this.passing ||= !scanner.compressed && looksLikeJson(buf, start, end) === false;
    return !this.passing;
  }

  /** The message is binary, and compressed by itself: no later one needs it to be inflated. */
  private get standalone(): boolean {
    const scanner = this.scanner;
    return scanner.messageOpcode !== TEXT && scanner.compressed && this.deflate!.serverNoContextTakeover;
  }

  /** What is kept of a message of `bytes` is `buf[start, end)`; `buf` undefined: too large to read. */
  private complete(buf: Buffer | undefined, start: number, end: number, bytes: number, now: number): void {
    const scanner = this.scanner;
    const ordinal = ++this.ordinal;
    this.context.counters.messagesToClient++;
    if (scanner.compressed || this.side?.busy) this.read(buf, start, end, bytes, now);
    else if (scanner.messageOpcode !== TEXT) tellBinary(this.tap, buf, start, end, ordinal, now, bytes);
    else if (buf !== undefined) this.tap.upstreamText(buf, start, end, ordinal, now, bytes, false);
    else {
      this.context.counters.messagesTooLarge++;
      this.tap.upstreamSkipped('too_large', ordinal, now, bytes);
    }
  }

  private read(buf: Buffer | undefined, start: number, end: number, bytes: number, now: number): void {
    const { messageOpcode: opcode, compressed } = this.scanner;
    this.side ??= new SideReader(this.deflate!, this.tap, this.context);
    const message = { opcode, compressed, ordinal: this.ordinal, now, bytes };
    // It cannot be inflated without its end, and it is hardly JSON.
    if (this.standalone && bytes > this.context.limits.scanBytes) this.side.submit(EMPTY, 0, 0, message);
    else this.side.submit(buf, start, end, message);
  }
}
