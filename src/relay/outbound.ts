// relay: upstream to client: scans bytes where they lie, and writes them on with barriers and texts of ours.
import { Additions } from './additions.ts';
import type { BarrierCodec } from './barrier.ts';
import { ClientWriter, isOneText, TEXT_FIN } from './client-writer.ts';
import type { Shared } from './directions.ts';
import { FrameScanner } from './frames.ts';
import type { TapGuard } from './guard.ts';
import type { UpstreamPings } from './heartbeat.ts';
import { messageFrame, wordsOf } from './inject.ts';
import { LastFrame } from './last-frame.ts';
import type { Sink } from './sink.ts';
import type { RelayContext } from './tap.ts';
import { UpstreamMessages } from './upstream-messages.ts';
import { type ScanEvents, UpstreamScan } from './upstream-scan.ts';

/** The connection, as this direction needs it. */
export interface OutboundPort {
  readonly client: Sink;
  /** Is told that the upstream broke the framing rules. */
  upstreamBroke(): void;
  /** The client has been sent a Close frame of ours, or one that waited. */
  clientLeft(): void;
  /** Is told that the upstream pinged while no client hears it. */
  answerPing(payload: Buffer): void;
}

/**
 * Audience of the messages that are told now. `absent`: there is none. `arriving`: a client that
 * has just come hears texts of ours, and from the next message boundary on all.
 */
export type Audience = 'present' | 'absent' | 'arriving';

export class Outbound implements ScanEvents {
  /** Whether the Close frame was ours: the client gets nothing more of the upstream. */
  done = false;
  /** Whether bytes pass unread, because the framing is lost or was never readable. */
  raw: boolean;
  audience: Audience = 'present';
  /** Counts the messages, and hands them to the tap. */
  readonly messages: UpstreamMessages;
  /** Finds the frames in the chunk under way. */
  readonly scan: UpstreamScan;
  readonly #scanner: FrameScanner;
  #pings: UpstreamPings;
  readonly #writer: ClientWriter;
  readonly #port: OutboundPort;
  readonly #tap: TapGuard;
  /** Whether a chunk is being scanned: its bytes are not written yet. */
  #scanning = false;
  #additions: Additions | undefined = undefined;
  /** A Close frame of ours that waits; one in place of the upstream's; and the code. */
  #closeFrame: Buffer | undefined = undefined;
  #farewell: Buffer | undefined = undefined;
  /** The Close frame that went by, while it waits for words of the application. */
  #lastFrame: LastFrame | undefined = undefined;
  readonly #context: RelayContext;

  /** `ordinal` is the number of the session's data messages on earlier connections. */
  constructor(shared: Shared, port: OutboundPort, ordinal = 0) {
    this.raw = shared.opaque;
    this.#scanner = new FrameScanner(false, shared.deflate !== undefined);
    this.messages = new UpstreamMessages(this.#scanner, shared, ordinal);
    this.scan = new UpstreamScan(this.#scanner, this.messages, shared.context.counters, this);
    this.#writer = new ClientWriter(port, this.messages, shared);
    this.#pings = shared.pings;
    this.#port = port;
    this.#tap = shared.tap;
    this.#context = shared.context;
  }

  /** Whether a Close frame went by, of the upstream or ours. Nothing may be added after it. */
  get closing(): boolean {
    return this.scan.closing;
  }

  /** Whether the client's stream stands between two frames, and may take a frame of ours. */
  get atBoundary(): boolean {
    return !this.raw && !this.scan.closing && !this.#scanning && !this.scan.within;
  }

  /** The client has not been sent the Close frame that went by. */
  get closeWaits(): boolean {
    return this.#lastFrame !== undefined || (this.closing && !this.done && this.audience !== 'present');
  }

  /** A text frame of ours waits for the end of a message. */
  get textWaits(): boolean {
    return this.#additions !== undefined;
  }

  /** Whether nothing is under way or waits: a message can be written unread. */
  get #idle(): boolean {
    if (this.audience !== 'present' || this.#closeFrame !== undefined || this.#additions !== undefined) return false;
    return this.atBoundary && !this.#scanner.open && this.messages.side?.busy !== true;
  }

  /** Tells messages from here on without writing them, because the client has gone. */
  mute(): void {
    this.audience = 'absent';
    this.#writer.pingWanted = false;
    this.#additions = undefined;
  }

  /** Brings a new client, which hears from the next message boundary on. */
  rejoin(barriers: BarrierCodec, pings: UpstreamPings): void {
    this.#writer.barriers = barriers;
    this.#pings = pings;
    this.audience = this.atBoundary && !this.#scanner.open ? 'present' : 'arriving';
  }

  /** Relays one chunk. */
  push(chunk: Buffer, now: number): void {
    if (this.raw) {
      if (this.#lastFrame !== undefined && !this.done) this.#lastFrame.add(chunk);
      else if (!this.done) this.#writer.write(chunk);
      return;
    }
    if (isOneText(chunk) && this.#idle && this.#writer.writeFirst(chunk)) {
      this.messages.whole(chunk, this.#scanner.header(chunk, 0, chunk.length), chunk.length, now);
      if (this.atBoundary) this.#writer.catchUp();
      return;
    }
    const { scan } = this;
    this.#scanning = true;
    scan.run(chunk, now);
    this.#scanning = false;
    this.#tap.writing();
    if (this.audience !== 'present') this.#hearFrom(chunk);
    else if (!this.done) this.#write(chunk);
  }

  /** Writes a barrier now, or at the next frame boundary. Answers whether it was now. */
  ping(): boolean {
    const { audience } = this;
    if (audience === 'present' ? !this.atBoundary : audience === 'absent' || this.#scanning) {
      this.#writer.pingWanted = !this.raw && !this.closing;
      return false;
    }
    this.#writer.barrier();
    return true;
  }

  /** Writes a last barrier if it proves something: the upstream went without a Close frame. */
  lastPing(): void {
    if (this.atBoundary && this.audience === 'present') this.#writer.lastBarrier();
  }

  /** Writes a message of one frame now, or between the next two messages. */
  sendMessage(data: Buffer, binary = false): void {
    if (this.raw || this.closing) return;
    const frame = messageFrame(data, binary);
    if (this.audience !== 'present') {
      if (this.audience === 'arriving') this.#writer.write(frame);
    } else if (this.atBoundary && !this.#scanner.open) this.#writer.write(frame);
    else {
      this.#additions ??= new Additions();
      this.#additions.push(frame);
    }
  }

  /** Writes a text frame before message `buf[start, end)`. False = its beginning has gone out. */
  announce(buf: Buffer, start: number, end: number, data: Buffer): boolean {
    const size = end - start;
    const at = start - (size < 126 ? 2 : size <= 0xffff ? 4 : 10);
    if (at < 0 || buf[at] !== TEXT_FIN) return false;
    this.#additions ??= new Additions();
    this.#additions.insert(at, messageFrame(data));
    return true;
  }

  /** Writes the stream's last frame, behind a last barrier, now or at the next frame boundary. */
  close(frame: Buffer): void {
    if (this.closing || this.#closeFrame !== undefined) return;
    const hears = !this.raw && this.audience === 'present';
    if (hears && !this.atBoundary) {
      this.#closeFrame = frame;
      return;
    }
    if (hears) this.#writer.lastBarrier();
    this.#end(frame);
  }

  /** Lets the client hear the upstream out, and then this frame in place of its Close frame. */
  closeBehind(frame: Buffer): void {
    this.#farewell = frame;
  }

  /** Waits for the upstream's Close frame no longer. */
  closeNow(): void {
    const frame = this.#farewell;
    this.#farewell = undefined;
    if (frame !== undefined) this.close(frame);
  }

  /** Sends the client the Close frame that waits, if one does. */
  sendClose(): void {
    this.#lastFrame?.letGo();
  }

  /** No client is there that could be sent a Close frame. */
  dropClose(): void {
    this.#lastFrame?.drop();
    this.#lastFrame = undefined;
  }

  pinged(buf: Buffer, start: number, stop: number): void {
    if (this.audience !== 'present') this.#port.answerPing(Buffer.from(buf.subarray(start, stop)));
    else this.#pings.forwarded(buf, start, stop, this.messages.ordinal, this.#writer.barriers.sent);
  }

  broke(): void {
    this.raw = true;
    this.#additions = undefined;
    this.#port.upstreamBroke();
  }

  /** Writes a scanned chunk, with the frames that are to be added. */
  #write(chunk: Buffer): void {
    const { scan, messages } = this;
    const writer = this.#writer;
    if (this.#lastFrame !== undefined) {
      this.#lastFrame.add(chunk);
      return;
    }
    if (this.#additions !== undefined) chunk = this.#withAdditions(chunk, this.#additions);
    if (scan.lastAt >= 0) this.#writeLast(chunk, scan.lastAt);
    else if (scan.torn && this.#tap.wordsDue(this.#context.now())) this.#keep(chunk);
    else if (this.raw || scan.boundary < 0) writer.write(chunk);
    else if (this.#closeFrame !== undefined) this.#flushWithClose(chunk, this.#closeFrame);
    // If the upstream died inside that frame, no barrier could follow the messages before it (D15).
    else if (scan.within) writer.last(chunk, scan.boundary, messages.ordinal);
    else writer.flush(chunk, scan.boundary);
  }

  /** Writes a chunk with a Close frame, or no frame, at `at`. The frame may wait, or give way. */
  #writeLast(chunk: Buffer, at: number): void {
    const { scan } = this;
    const writer = this.#writer;
    const farewell = this.#farewell;
    if (this.raw || (farewell === undefined && !this.#tap.wordsDue(this.#context.now()))) {
      writer.last(chunk, at, scan.closeThrough);
      return;
    }
    if (at > 0) writer.last(chunk.subarray(0, at), at, scan.closeThrough);
    else writer.lastBarrier();
    if (farewell === undefined) this.#keep(chunk.subarray(at));
    else this.#end(farewell);
  }

  /** Keeps back the Close frame until `sendClose`, for a bounded time. */
  #keep(frame: Buffer): void {
    this.#lastFrame = new LastFrame(frame, this.#context.limits.patienceMs, (bytes) => {
      this.#lastFrame = undefined;
      this.#writer.write(bytes);
      this.#port.clientLeft();
    });
  }

  #withAdditions(chunk: Buffer, additions: Additions): Buffer {
    const { scan } = this;
    if (scan.messageBoundary < 0) return chunk;
    this.#additions = undefined;
    const joined = additions.joinedTo(chunk, scan.messageBoundary);
    const more = joined.length - chunk.length;
    scan.boundary += more;
    if (scan.lastAt >= 0) scan.lastAt += more;
    return joined;
  }

  /** Writes what follows the last message of a chunk, if a new client waits for that. */
  #hearFrom(chunk: Buffer): void {
    const { messageBoundary } = this.scan;
    if (this.audience === 'absent' || messageBoundary < 0) return;
    this.audience = 'present';
    if (messageBoundary < chunk.length) this.#writer.write(chunk.subarray(messageBoundary));
  }

  /** Writes the complete frames of a chunk, then the Close frame that ends the stream. */
  #flushWithClose(chunk: Buffer, frame: Buffer): void {
    const { boundary } = this.scan;
    this.#closeFrame = undefined;
    this.#writer.last(chunk.subarray(0, boundary), boundary, this.messages.ordinal);
    this.#end(frame);
  }

  /** Ends the stream with a frame of ours. */
  #end(frame: Buffer): void {
    const { scan } = this;
    this.done = scan.closing = true;
    Object.assign(scan, wordsOf(frame));
    scan.closeThrough = this.messages.ordinal;
    const waits = !this.raw && this.audience === 'present' && this.#tap.wordsDue(this.#context.now());
    if (!this.raw && !waits) this.#writer.write(frame);
    if (waits) this.#keep(frame);
    else this.#port.clientLeft();
  }
}
