// relay: client to upstream: writes bytes on without our pongs and confirmations, and holds a frame that may be one.
import { ClientControls, type LeavingPort } from './client-controls.ts';
import { ClientMessages, type FrameVerdict } from './client-messages.ts';
import type { Shared } from './directions.ts';
import { BAD, CLOSE, CONTINUATION, FrameScanner } from './frames.ts';
import { HoldBuffer } from './hold.ts';
import { maskedPong } from './inject.ts';
import type { CloseSaid } from './parting.ts';
import type { Sink } from './sink.ts';
import type { RelayContext } from './tap.ts';

/** The connection, as this direction needs it. */
export interface InboundPort extends LeavingPort {
  /** Destination of the bytes. It is ended after the last bytes from us. */
  readonly upstream: Sink;
  /** Is told that the client broke the framing rules. */
  clientBroke(): void;
}

/**
 * How far the client's frames can be relied on. `broken`: the client broke a rule, but lengths are
 * known, so that its pongs are found and nothing is added to its bytes. `unread`: frames cannot be
 * read, and bytes pass unread.
 */
type Framing = 'kept' | 'broken' | 'unread';

export class Inbound implements LeavingPort {
  #framing: Framing;
  readonly #scanner: FrameScanner;
  readonly messages: ClientMessages;
  readonly #controls: ClientControls;
  readonly #context: RelayContext;
  readonly #port: InboundPort;
  #held: HoldBuffer | undefined = undefined;
  /** Payload bytes of the current frame that are still to come. */
  #left = 0;
  #corked = false;
  #pushing = false;
  #closeFrame: Buffer | undefined = undefined;
  /** Whether the upstream gets nothing more from this client. Later bytes are only evidence. */
  #discard = false;

  constructor(shared: Shared, port: InboundPort) {
    const { deflate, tap, context } = shared;
    this.#framing = shared.opaque ? 'unread' : 'kept';
    this.#scanner = new FrameScanner(true, deflate !== undefined, true);
    this.messages = new ClientMessages(this.#scanner, deflate !== undefined, tap, context);
    this.#controls = new ClientControls(this.#scanner, shared, this);
    this.#context = context;
    this.#port = port;
  }

  /** Whether a Close frame of the client went by. */
  get closing(): boolean {
    return this.#controls.closing;
  }

  /** The client's Close frame. Its code is 1005 where it has none, 1006 where none came. */
  get said(): CloseSaid {
    return this.#controls;
  }

  /** Whether nothing of the client is half-way to the upstream. Then held bytes may be dropped. */
  get severable(): boolean {
    const { open, opcode } = this.#scanner;
    const lastFragmentHeld = this.#held !== undefined && this.#held.payloadAt >= 0 && opcode === CONTINUATION;
    return this.#framing === 'kept' && !this.closing && this.#left === 0 && !open && !lastFragmentHeld;
  }

  push(chunk: Buffer, now: number): void {
    if (this.#framing === 'unread') {
      this.#forward(chunk, 0, chunk.length);
      return;
    }
    this.#pushing = true;
    this.#scan(chunk, now);
    this.#pushing = false;
    if (this.#closeFrame !== undefined && this.#left === 0) this.#finish();
    if (!this.#corked) return;
    this.#corked = false;
    this.#port.upstream.uncork();
  }

  clientLeaves(code: number): boolean {
    return !this.#discard && this.#port.clientLeaves(code);
  }

  /** Forwards nothing from here on. Later bytes are only evidence, with the frame that they end. */
  forget(): void {
    this.#closeFrame = undefined;
    if (this.#held?.incomplete !== true) this.dropHeld();
    this.#discard = true;
  }

  /** Writes the last frame of the stream now, or at the next frame boundary. */
  close(frame: Buffer): void {
    this.#closeFrame = frame;
    if (this.#framing === 'unread' || (!this.#pushing && this.#left === 0)) this.#finish();
  }

  #scan(chunk: Buffer, now: number): void {
    const end = chunk.length;
    let pos = this.#held?.incomplete === true ? this.#resume(this.#held, chunk, end, now) : 0;
    /** Start of the bytes that are still to be forwarded, cut or held. */
    let from = pos;
    while (pos < end && this.#framing !== 'unread') {
      // What follows would stand in the upstream's stream before the next client's first frame, or
      // tear it.
      if (this.#controls.left) return;
      if (this.#left > 0) {
        const taken = Math.min(this.#left, end - pos);
        this.#left -= taken;
        pos += taken;
        continue;
      }
      if (this.#closeFrame !== undefined) {
        this.#forward(chunk, from, pos);
        from = pos;
        this.#finish();
      }
      const payload = this.#scanner.header(chunk, pos, end);
      if (payload === BAD) this.#giveUp();
      else if (payload < 0) {
        this.#hold(chunk, from, pos, -1);
        return;
      } else {
        if (this.#scanner.odd) this.#breaks();
        const stop = payload + this.#scanner.length;
        if (!this.#begin(chunk, payload, Math.min(stop, end), now)) {
          this.releaseHeld();
          this.#left = this.#scanner.length;
          pos = payload;
        } else if (stop > end) {
          this.#hold(chunk, from, pos, payload);
          return;
        } else {
          if (this.#settle(this.#judge(chunk, payload, stop, now), chunk, from, pos, stop)) from = stop;
          pos = stop;
        }
      }
    }
    this.#forward(chunk, from, end);
  }

  /** Goes on with the incomplete frame in `held`. Answers where the scan of the chunk goes on. */
  #resume(held: HoldBuffer, chunk: Buffer, end: number, now: number): number {
    let pos = 0;
    if (held.payloadAt < 0) {
      const payload = this.#scanner.header(chunk, 0, end);
      if (payload === BAD) {
        this.#giveUp();
        return 0;
      }
      pos = payload < 0 ? end : payload;
      held.append(chunk, 0, pos);
      if (payload < 0) return end;
      if (this.#scanner.odd) this.#breaks();
      held.payloadAt = held.length;
      if (!this.#begin(chunk, pos, Math.min(end, pos + this.#scanner.length), now)) {
        this.releaseHeld();
        this.#left = this.#scanner.length;
        return pos;
      }
    }
    const frameEnd = held.payloadAt + this.#scanner.length;
    const stop = Math.min(end, pos + frameEnd - held.length);
    held.append(chunk, pos, stop);
    if (held.length < frameEnd) return end;
    held.incomplete = false;
    this.#settleHeld(this.#judge(held.view(), held.payloadAt, held.length, now), held);
    return stop;
  }

  /** Begins a frame. Answers whether it may be cut, and is held until it is complete. */
  #begin(buf: Buffer, start: number, end: number, now: number): boolean {
    if (this.#scanner.odd) return false;
    // After a broken frame a confirmation may be lost, and a later one mean the opposite. Our pongs
    // have a mark. Behind a Close frame no word counts.
    if (this.#scanner.opcode >= CLOSE) return true;
    return this.messages.begin(buf, start, end, now) && this.#framing === 'kept' && !this.closing;
  }

  #judge(buf: Buffer, start: number, end: number, now: number): FrameVerdict {
    return this.#scanner.opcode >= CLOSE
      ? this.#control(buf, start, end, now)
      : this.messages.judge(buf, start, end, now);
  }

  #control(buf: Buffer, start: number, end: number, now: number): FrameVerdict {
    const verdict = this.#controls.judge(buf, start, end, now);
    if (verdict === 'forward') this.messages.release();
    return verdict;
  }

  /** Carries out a verdict on `chunk[pos, stop)`. Answers whether all before `stop` is done. */
  #settle(verdict: FrameVerdict, chunk: Buffer, from: number, pos: number, stop: number): boolean {
    if (verdict === 'forward') {
      this.releaseHeld();
      return false;
    }
    this.#forward(chunk, from, pos);
    if (verdict === 'keep') this.#ensureHeld(stop - pos).append(chunk, pos, stop);
    else if (verdict === 'cut-message') this.dropHeld();
    else this.#payOwed();
    return true;
  }

  /** Carries out a verdict on the frame at the end of `held`. */
  #settleHeld(verdict: FrameVerdict, held: HoldBuffer): void {
    if (verdict === 'forward') this.releaseHeld();
    else if (verdict === 'cut-message') this.dropHeld();
    else if (verdict === 'cut') {
      if (!held.cutFrame()) this.dropHeld();
      this.#payOwed();
    }
  }

  /** Writes the pong in whose place the client answered a later ping of ours. */
  #payOwed(): void {
    const { owed } = this.#controls;
    if (owed === undefined) return;
    if (!this.closing && !this.#discard && this.#framing === 'kept') {
      this.#context.counters.pongsSynthesised++;
      this.#write(maskedPong(owed));
    }
    this.#controls.owed = undefined;
  }

  /**
   * Forwards `chunk[from, pos)` and holds the rest, a frame whose payload begins at `payload`, or
   * -1.
   */
  #hold(chunk: Buffer, from: number, pos: number, payload: number): void {
    this.#forward(chunk, from, pos);
    const held = this.#ensureHeld(payload < 0 ? 0 : payload - pos + this.#scanner.length);
    held.begin(payload < 0 ? -1 : payload - pos);
    held.append(chunk, pos, chunk.length);
  }

  #ensureHeld(expected: number): HoldBuffer {
    this.#held ??= new HoldBuffer(expected, this.#context.counters);
    return this.#held;
  }

  dropHeld(): void {
    this.#held?.drop();
    this.#held = undefined;
  }

  /** Forwards the held bytes, because no more come or they are not for us. */
  releaseHeld(): void {
    const held = this.#held;
    if (held === undefined) return;
    const bytes = held.view();
    this.dropHeld();
    this.#write(bytes);
  }

  #forward(chunk: Buffer, from: number, to: number): void {
    if (from >= to || this.#discard) return;
    if (to - from === chunk.length) this.#port.upstream.write(chunk);
    else this.#write(chunk.subarray(from, to));
  }

  #write(bytes: Buffer): void {
    if (this.#discard) return;
    if (this.#pushing && !this.#corked) {
      this.#corked = true;
      this.#port.upstream.cork();
    }
    this.#port.upstream.write(bytes);
  }

  /** Notes a broken frame of known length. Later pongs of the client are still found, and cut. */
  #breaks(): void {
    if (this.#framing !== 'kept') return;
    this.#framing = 'broken';
    this.#port.clientBroke();
  }

  #giveUp(): void {
    this.#breaks();
    this.#framing = 'unread';
    this.#left = 0;
    this.releaseHeld();
  }

  #finish(): void {
    const frame = this.#closeFrame!;
    this.#closeFrame = undefined;
    if (this.#framing === 'kept' && !this.closing) this.#write(frame);
    this.#discard = true;
    this.#port.upstream.end();
  }
}
