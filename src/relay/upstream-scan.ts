// relay: upstream to client: scans each chunk where it lies, and notes where frames of ours may stand.
import { MessageBuffer } from './assembler.ts';
import { BAD, CLOSE, type FrameScanner, PING } from './frames.ts';
import type { RelayCounters } from './tap.ts';
import type { UpstreamMessages } from './upstream-messages.ts';

/** The events of a scan that are no messages. */
export interface ScanEvents {
  /** Is told that the upstream pinged, with payload `buf[start, stop)`. */
  pinged(buf: Buffer, start: number, stop: number): void;
  /** Is told that the upstream broke the framing rules, so that no later byte can be read. */
  broke(): void;
}

export class UpstreamScan {
  /** Whether a Close frame went by, after which nothing may be added. */
  closing = false;
  /** Code of that Close frame; 1005 = it has none, 1006 = there was none. */
  closeCode = 1006;
  /** Text in that Close frame. */
  closeReason = '';
  /** Data messages before that Close frame. */
  closeThrough = 0;
  /**
   * Last frame boundary in the chunk, which may be its beginning, and last message boundary after a
   * frame in it; -1 = none.
   */
  boundary = -1;
  messageBoundary = -1;
  /** Where a Close frame, or what is no frame, begins in the chunk; -1 = nowhere. */
  lastAt = -1;
  /** A Close frame whose header began in an earlier chunk goes on in this one. */
  torn = false;
  readonly #scanner: FrameScanner;
  readonly #messages: UpstreamMessages;
  readonly #counters: RelayCounters;
  readonly #events: ScanEvents;
  #inFrame = false;
  /** Payload bytes of the current frame that are still to come. */
  #left = 0;
  /** Payload of a control frame that a chunk cut in two. */
  #control: MessageBuffer | undefined = undefined;

  constructor(scanner: FrameScanner, messages: UpstreamMessages, counters: RelayCounters, events: ScanEvents) {
    this.#scanner = scanner;
    this.#messages = messages;
    this.#counters = counters;
    this.#events = events;
  }

  /** Whether the scanned bytes end inside a frame. */
  get within(): boolean {
    return this.#inFrame || this.#scanner.inHeader;
  }

  run(chunk: Buffer, now: number): void {
    this.messageBoundary = this.lastAt = -1;
    this.torn = false;
    this.boundary = this.within || this.closing ? -1 : 0;
    const scanner = this.#scanner;
    const end = chunk.length;
    let pos = 0;
    while (pos < end) {
      if (!this.#inFrame) {
        const begins = scanner.inHeader ? -1 : pos;
        const payload = scanner.header(chunk, pos, end);
        if (payload < 0) {
          if (payload === BAD) this.#giveUp(begins);
          return;
        }
        if (scanner.opcode === CLOSE) {
          this.torn ||= begins < 0 && !this.closing;
          this.#lastFrom(begins);
        }
        const stop = payload + scanner.length;
        if (stop <= end) {
          this.#frame(chunk, payload, stop, now);
          pos = stop;
          this.#passed(pos);
          continue;
        }
        this.#inFrame = true;
        this.#left = scanner.length;
        pos = payload;
      }
      const stop = Math.min(end, pos + this.#left);
      this.#part(chunk, pos, stop);
      this.#left -= stop - pos;
      pos = stop;
      if (this.#left > 0) return;
      this.#inFrame = false;
      this.#endFrame(now);
      this.#passed(pos);
    }
  }

  /** Notes that a frame ended at `pos` of the chunk. */
  #passed(pos: number): void {
    if (this.closing) return;
    this.boundary = pos;
    if (!this.#scanner.open) this.messageBoundary = pos;
  }

  /**
   * Notes that nothing may be added from `at` on, because a Close frame, or what is no frame,
   * begins there.
   */
  #lastFrom(at: number): void {
    if (this.closing || this.lastAt >= 0) return;
    this.lastAt = at;
    this.closeThrough = this.#messages.ordinal;
  }

  /** Takes a frame that lies whole in the chunk. */
  #frame(chunk: Buffer, start: number, stop: number, now: number): void {
    const scanner = this.#scanner;
    if (scanner.opcode >= CLOSE) this.#controlFrame(chunk, start, stop);
    else if (scanner.fin && !this.#messages.collecting) this.#messages.whole(chunk, start, stop, now);
    else {
      this.#messages.part(chunk, start, stop, stop - start);
      if (scanner.fin) this.#messages.end(now);
    }
  }

  /** Takes a part of a frame that chunks cut, or a fragment. */
  #part(chunk: Buffer, start: number, stop: number): void {
    if (this.#scanner.opcode < CLOSE) {
      this.#messages.part(chunk, start, stop, this.#inFrame ? this.#left : stop - start);
      return;
    }
    this.#control ??= new MessageBuffer(this.#scanner.length);
    this.#control.append(chunk, start, stop);
  }

  /** Ends a frame that chunks had cut. */
  #endFrame(now: number): void {
    if (this.#scanner.opcode >= CLOSE) {
      const control = this.#control!;
      this.#control = undefined;
      this.#controlFrame(control.view(), 0, control.length);
    } else if (this.#scanner.fin) this.#messages.end(now);
  }

  #controlFrame(buf: Buffer, start: number, stop: number): void {
    this.#counters.controlToClient++;
    if (this.closing) return;
    if (this.#scanner.opcode === PING) this.#events.pinged(buf, start, stop);
    else if (this.#scanner.opcode === CLOSE) {
      this.closing = true;
      this.closeCode = stop - start < 2 ? 1005 : buf.readUInt16BE(start);
      this.closeReason = stop - start > 2 ? buf.toString('utf8', start + 2, stop) : '';
    }
  }

  #giveUp(at: number): void {
    this.#lastFrom(at);
    this.#messages.drop();
    this.#control = undefined;
    this.#events.broke();
  }
}
