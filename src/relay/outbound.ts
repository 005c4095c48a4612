// Relay, upstream → client: scans received bytes in place, tells the tap about messages, and writes them on as they are, plus barriers.
import { Additions } from './additions.ts';
import { MessageBuffer } from './assembler.ts';
import type { Barriers } from './barrier.ts';
import { ClientWriter, isOneText, TEXT_FIN } from './client-writer.ts';
import type { Deflate } from './extensions.ts';
import { BAD, CLOSE, FrameScanner, PING } from './frames.ts';
import type { TapGuard } from './guard.ts';
import type { UpstreamPings } from './heartbeat.ts';
import { textFrame } from './inject.ts';
import type { Sink } from './peer.ts';
import type { RelayContext } from './tap.ts';
import { UpstreamMessages } from './upstream-messages.ts';

/** What the outbound direction needs from the connection. */
export interface OutboundPort {
  /** Where the bytes go; ended when the stream has got its last bytes from us. */
  readonly client: Sink;
  /** The upstream broke the framing rules. */
  upstreamBroke(): void;
  /** The upstream pinged while no client hears it. */
  answerPing(payload: Buffer): void;
}

export class Outbound {
  /** A Close frame went by: nothing may be added after it. */
  closing = false;
  /** Code of that Close frame; 1005 when it has none, 1006 when there was none. */
  closeCode = 1006;
  /** Bytes pass unread: the framing is lost, or was never readable. */
  raw = false;
  /** What is told now is not written, because no client is there or it has only just come: whoever wants it to have it must send it. */
  unheard = false;

  /** Counts and hands over the messages. */
  readonly messages: UpstreamMessages;
  private readonly scanner: FrameScanner;
  private pings: UpstreamPings;
  private readonly writer: ClientWriter;
  private readonly context: RelayContext;
  private readonly port: OutboundPort;
  /** Payload bytes of the current frame that are still to come. */
  private left = 0;
  private inFrame = false;
  /** Payload of a control frame that a chunk cut in two. */
  private control: MessageBuffer | undefined = undefined;
  /** Last frame boundary in the chunk, and last boundary between messages; -1 = none. */
  private boundary = -1;
  private messageBoundary = -1;
  /** A chunk is being scanned: what has been scanned is not yet written. */
  private scanning = false;
  private additions: Additions | undefined = undefined;
  private closeFrame: Buffer | undefined = undefined;
  /** A new client is there and hears from the next message boundary on. */
  private rejoining = false;

  /** `ordinal`: data messages of the session that came over earlier connections. */
  constructor(
    deflate: Deflate | undefined,
    barriers: Barriers,
    pings: UpstreamPings,
    tap: TapGuard,
    context: RelayContext,
    port: OutboundPort,
    ordinal = 0,
  ) {
    this.scanner = new FrameScanner(false, deflate !== undefined);
    this.messages = new UpstreamMessages(this.scanner, deflate, tap, context, ordinal);
    this.writer = new ClientWriter(port, barriers, this.messages, tap, context.counters);
    this.pings = pings;
    this.context = context;
    this.port = port;
  }

  /** The client's stream stands between two frames and may take one of ours. */
  get atBoundary(): boolean {
    return !this.raw && !this.closing && !this.scanning && !this.inFrame && !this.scanner.inHeader;
  }

  /** A text frame of ours waits for the end of a message. */
  get textWaits(): boolean {
    return this.additions !== undefined;
  }

  /** Nothing is under way and nothing waits: a message can be written before it is read. */
  private get idle(): boolean {
    if (this.unheard || this.closeFrame !== undefined || this.additions !== undefined) return false;
    return this.atBoundary && !this.scanner.open && this.messages.side?.busy !== true;
  }

  /** The client has gone: from here on messages are only told. */
  mute(): void {
    this.unheard = true;
    this.rejoining = false;
    this.writer.pingWanted = false;
    this.additions = undefined;
  }

  /** A new client has come. It hears everything from the next message boundary on; what was under way is only told. */
  rejoin(barriers: Barriers, pings: UpstreamPings): void {
    this.writer.barriers = barriers;
    this.pings = pings;
    this.unheard = !this.atBoundary || this.scanner.open;
    this.rejoining = this.unheard;
  }

  /** Relays one chunk. */
  push(chunk: Buffer, now: number): void {
    if (this.raw) {
      this.writer.write(chunk);
      return;
    }
    if (isOneText(chunk) && this.idle && this.writer.ahead(chunk)) {
      this.messages.whole(chunk, this.scanner.header(chunk, 0, chunk.length), chunk.length, now);
      if (this.atBoundary) this.writer.catchUp();
      return;
    }
    this.boundary = -1;
    this.messageBoundary = -1;
    this.scanning = true;
    this.scan(chunk, now);
    this.scanning = false;
    if (this.unheard) {
      this.hearFrom(chunk);
      return;
    }
    if (this.additions !== undefined) chunk = this.withAdditions(chunk, this.additions);
    if (this.raw || this.boundary < 0) this.writer.write(chunk);
    else if (this.closeFrame !== undefined) this.flushWithClose(chunk, this.closeFrame);
    else this.writer.flush(chunk, this.boundary);
  }

  /** Writes a barrier now, or at the next frame boundary; says whether it was now. */
  ping(): boolean {
    if (this.unheard ? !this.rejoining || this.scanning : !this.atBoundary) {
      this.writer.pingWanted = !this.raw && !this.closing;
      return false;
    }
    this.writer.barrier();
    return true;
  }

  /** Writes a text frame now, or between the next two messages. */
  sendText(data: Buffer): void {
    if (this.raw || this.closing) return;
    const frame = textFrame(data);
    // To a client that has heard nothing yet, everything is between two messages.
    if (this.unheard) {
      if (this.rejoining) this.writer.write(frame);
    } else if (this.atBoundary && !this.scanner.open) this.writer.write(frame);
    else {
      this.additions ??= new Additions();
      this.additions.push(frame);
    }
  }

  /**
   * Writes a text frame before the message that the tap is being told of: its payload is `buf[start, end)`. False: it began in an
   * earlier chunk, or came in fragments, and its beginning has been written.
   */
  announce(buf: Buffer, start: number, end: number, data: Buffer): boolean {
    const size = end - start;
    const at = start - (size < 126 ? 2 : size <= 0xffff ? 4 : 10);
    if (at < 0 || buf[at] !== TEXT_FIN) return false;
    this.additions ??= new Additions();
    this.additions.insert(at, textFrame(data));
    return true;
  }

  /** Writes the last frame of the stream now, or at the next frame boundary. */
  close(frame: Buffer): void {
    if (this.closing || this.closeFrame !== undefined) return;
    if (!this.atBoundary && !this.raw && !this.unheard) {
      this.closeFrame = frame;
      return;
    }
    this.closing = true;
    if (!this.raw) this.writer.write(frame);
    this.writer.end();
  }

  private withAdditions(chunk: Buffer, additions: Additions): Buffer {
    if (this.messageBoundary < 0) return chunk;
    this.additions = undefined;
    const joined = additions.joinedTo(chunk, this.messageBoundary);
    this.boundary += joined.length - chunk.length;
    return joined;
  }

  /** Passes on what follows the last message of the chunk, if a new client waits for that. */
  private hearFrom(chunk: Buffer): void {
    if (!this.rejoining || this.messageBoundary < 0) return;
    this.unheard = this.rejoining = false;
    if (this.messageBoundary < chunk.length) this.writer.write(chunk.subarray(this.messageBoundary));
  }

  private scan(chunk: Buffer, now: number): void {
    const scanner = this.scanner;
    const end = chunk.length;
    let pos = 0;
    while (pos < end) {
      if (!this.inFrame) {
        const payload = scanner.header(chunk, pos, end);
        if (payload < 0) {
          if (payload === BAD) this.giveUp();
          return;
        }
        const stop = payload + scanner.length;
        if (stop <= end) {
          this.frame(chunk, payload, stop, now);
          pos = stop;
          this.passed(pos);
          continue;
        }
        this.inFrame = true;
        this.left = scanner.length;
        pos = payload;
      }
      const stop = Math.min(end, pos + this.left);
      this.part(chunk, pos, stop);
      this.left -= stop - pos;
      pos = stop;
      if (this.left > 0) return;
      this.inFrame = false;
      this.endFrame(now);
      this.passed(pos);
    }
  }

  /** A frame ended at `pos` of the chunk. */
  private passed(pos: number): void {
    if (this.closing) return;
    this.boundary = pos;
    if (!this.scanner.open) this.messageBoundary = pos;
  }

  /** A frame lies whole in the chunk. */
  private frame(chunk: Buffer, start: number, stop: number, now: number): void {
    const scanner = this.scanner;
    if (scanner.opcode >= CLOSE) this.controlFrame(chunk, start, stop);
    else if (scanner.fin && !this.messages.collecting) this.messages.whole(chunk, start, stop, now);
    else {
      this.messages.part(chunk, start, stop, stop - start);
      if (scanner.fin) this.messages.end(now);
    }
  }

  /** Some payload of a frame that chunks cut, or of a fragment. */
  private part(chunk: Buffer, start: number, stop: number): void {
    if (this.scanner.opcode < CLOSE) {
      this.messages.part(chunk, start, stop, this.inFrame ? this.left : stop - start);
      return;
    }
    this.control ??= new MessageBuffer(this.scanner.length);
    this.control.append(chunk, start, stop);
  }

  /** A frame that chunks had cut has ended. */
  private endFrame(now: number): void {
    if (this.scanner.opcode >= CLOSE) {
      const control = this.control!;
      this.control = undefined;
      this.controlFrame(control.view(), 0, control.length);
    } else if (this.scanner.fin) this.messages.end(now);
  }

  private controlFrame(buf: Buffer, start: number, stop: number): void {
    this.context.counters.controlToClient++;
    if (this.closing) return;
    if (this.scanner.opcode === PING && this.unheard) this.port.answerPing(Buffer.from(buf.subarray(start, stop)));
    else if (this.scanner.opcode === PING)
      this.pings.forwarded(buf, start, stop, this.messages.ordinal, this.writer.barriers.sent);
    else if (this.scanner.opcode === CLOSE) {
      this.closing = true;
      this.closeCode = stop - start < 2 ? 1005 : buf.readUInt16BE(start);
    }
  }

  private giveUp(): void {
    this.raw = true;
    this.messages.drop();
    this.control = undefined;
    this.additions = undefined;
    this.port.upstreamBroke();
  }

  /** The last flush: what is complete, then the Close frame that ends the stream. */
  private flushWithClose(chunk: Buffer, frame: Buffer): void {
    this.closeFrame = undefined;
    this.writer.flush(chunk.subarray(0, this.boundary), this.boundary);
    this.closing = true;
    this.writer.write(frame);
    this.writer.end();
  }
}
