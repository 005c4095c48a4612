// Relay, upstream → client: turns frames into messages and hands them to the tap; what cannot be read in place is collected, within bounds.
import { MessageBuffer } from './assembler.ts';
import type { Deflate } from './extensions.ts';
import { type FrameScanner, TEXT } from './frames.ts';
import { SideReader } from './side-reader.ts';
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
  /** Payload of the message under way, if it is collected. */
  private message: MessageBuffer | undefined = undefined;
  private tooLarge = false;

  /** `scanner` says which frame, and which message, is under way. */
  constructor(scanner: FrameScanner, deflate: Deflate | undefined, tap: Tap, context: RelayContext, ordinal: number) {
    this.ordinal = ordinal;
    this.scanner = scanner;
    this.deflate = deflate;
    this.tap = tap;
    this.context = context;
  }

  /** Earlier parts of the current message have been given to `part`. */
  get collecting(): boolean {
    return this.message !== undefined || this.tooLarge;
  }

  /** The payload of the message, all of it, is `buf[start, end)`. */
  whole(buf: Buffer, start: number, end: number, now: number): void {
    this.complete(end - start > this.context.limits.messageBytes ? undefined : buf, start, end, now);
  }

  /** Some payload of the message; `left` bytes of its frame, these included, are known to come. */
  part(buf: Buffer, start: number, end: number, left: number): void {
    if (this.tooLarge || !this.isRead()) return;
    const collected = this.message === undefined ? 0 : this.message.length;
    if (collected + left > this.context.limits.messageBytes) {
      this.tooLarge = true;
      this.message = undefined;
      return;
    }
    this.message ??= new MessageBuffer(left);
    this.message.append(buf, start, end);
  }

  /** The message that came in parts has ended. */
  end(now: number): void {
    const { message, tooLarge } = this;
    this.drop();
    if (tooLarge) this.complete(undefined, 0, 0, now);
    else if (message === undefined) this.complete(EMPTY, 0, 0, now);
    else this.complete(message.view(), 0, message.length, now);
  }

  /** Forgets the message under way. */
  drop(): void {
    this.message = undefined;
    this.tooLarge = false;
  }

  /** Whether the content matters: text, or anything that moves the inflate window. */
  private isRead(): boolean {
    const scanner = this.scanner;
    if (scanner.messageOpcode === TEXT) return true;
    return scanner.compressed && !this.deflate!.serverNoContextTakeover;
  }

  /** `buf` undefined: too large to read. */
  private complete(buf: Buffer | undefined, start: number, end: number, now: number): void {
    const scanner = this.scanner;
    const ordinal = ++this.ordinal;
    this.context.counters.messagesToClient++;
    if (scanner.compressed || this.side?.busy) this.read(buf, start, end, now);
    else if (scanner.messageOpcode !== TEXT) this.tap.upstreamSkipped('binary', ordinal, now);
    else if (buf !== undefined) this.tap.upstreamText(buf, start, end, ordinal, now);
    else {
      this.context.counters.messagesTooLarge++;
      this.tap.upstreamSkipped('too_large', ordinal, now);
    }
  }

  private read(buf: Buffer | undefined, start: number, end: number, now: number): void {
    const { messageOpcode, compressed } = this.scanner;
    this.side ??= new SideReader(this.deflate!, this.tap, this.context);
    // Nothing of a standalone binary message is needed, so nothing of it was collected.
    if (compressed && !this.isRead()) this.side.submit(EMPTY, 0, 0, messageOpcode, true, this.ordinal, now);
    else this.side.submit(buf, start, end, messageOpcode, compressed, this.ordinal, now);
  }
}
