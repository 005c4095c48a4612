// Simulation: the sidecar's socket: the surface of a net.Socket that the relay uses, over a simulated kernel, in Node's order of events.
import { EventEmitter } from 'node:events';
import type { Loop, Source } from './loop.ts';
import type { End } from './wire.ts';

const READ_BYTES = 65_536;
/** libuv reads a socket so often before it looks at the next. */
const READS = 32;
const HIGH_WATER = 16_384;

/** Something to write; `done` is told of direct writes that had to wait. */
interface Job {
  bytes: Buffer;
  readonly direct: boolean;
  done: ((status: number) => void) | undefined;
}

/** Node's `WriteWrap`, as far as direct writes look at it. */
class WriteRequest {
  underWay = false;
  oncomplete: (this: WriteRequest, status: number) => void = () => {};
  getAsyncId(): number {
    return this.underWay ? 1 : -1;
  }
}

const EPIPE = -32;

/** The libuv handle of a plain TCP socket, for `relay/direct.ts`. */
class SimHandle {
  private readonly socket: SimSocket;
  constructor(socket: SimSocket) {
    this.socket = socket;
  }
  get writeQueueSize(): number {
    return this.socket.queuedBytes;
  }
  useUserBuffer(): void {}
  writeBuffer(request: WriteRequest, bytes: Buffer): number {
    return this.socket.writeDirectly(request, bytes);
  }
  writev(): number {
    return EPIPE;
  }
}

export class SimSocket extends EventEmitter implements Source {
  allowHalfOpen = true;
  /** Of a socket that is written to directly: all of plain TCP. */
  readonly _handle: SimHandle | undefined;
  /** Told when the process stops and begins to read it. */
  onPaused: ((paused: boolean) => void) | undefined = undefined;
  /**
   * Told when a write of the stream fails: Node destroys the socket, and what came in and was not
   * read is lost.
   */
  onBroken: (() => void) | undefined = undefined;
  readonly remoteAddress = '192.0.2.1';
  readableFlowing: boolean | null = null;
  readableEnded = false;
  writableEnded = false;
  writableFinished = false;
  writableNeedDrain = false;
  writableLength = 0;
  readableLength = 0;
  destroyed = false;
  closed = false;
  errored: Error | null = null;
  /**
   * Bytes are read while the stream is paused, up to its high-water mark, as streams do; else not
   * at all.
   */
  private readonly readsAhead: boolean;
  /** Told when the socket is destroyed while bytes wait to be written. */
  onCutShort: (() => void) | undefined = undefined;
  /** Told when it is destroyed while the process does not read it, and bytes are there. */
  onClosedUnread: (() => void) | undefined = undefined;
  private readonly end_: End;
  private readonly loop: Loop;
  private readonly buffered: Buffer[] = [];
  private readonly queue: Job[] = [];
  private corked = 0;
  private eof = false;
  private resuming = false;
  private blocked = false;

  constructor(loop: Loop, end: End, readsAhead: boolean) {
    super();
    this.loop = loop;
    this.end_ = end;
    this.readsAhead = readsAhead;
    // What reads ahead stands for TLS, which is written to through its stream.
    this._handle = readsAhead ? undefined : new SimHandle(this);
    loop.addSource(this);
    end.onWritable = () => {
      this.blocked = false;
    };
  }

  get writable(): boolean {
    return !this.destroyed && !this.writableEnded;
  }

  get readable(): boolean {
    return !this.destroyed && !this.readableEnded;
  }

  get ready(): boolean {
    if (this.destroyed) return false;
    return (this.reading && !this.eof && this.end_.readable) || this.writes;
  }

  private get reading(): boolean {
    if (this.readableFlowing === true) return true;
    return this.readsAhead && this.readableFlowing === false && this.readableLength < HIGH_WATER;
  }

  private get writes(): boolean {
    return this.canPush && (!this.blocked || this.end_.dead);
  }

  /** What is corked waits in the stream; what was written directly is past it. */
  private get canPush(): boolean {
    return this.queue.length > 0 && (this.corked === 0 || this.queue[0]!.direct);
  }

  get queuedBytes(): number {
    let sum = 0;
    for (const { bytes } of this.queue) sum += bytes.length;
    return sum;
  }

  /** 0, or a negative errno; a request that is under way afterwards is told later. */
  writeDirectly(request: WriteRequest, bytes: Buffer): number {
    if (this.destroyed) return EPIPE;
    if (this.queue.length === 0 && !this.blocked) {
      const taken = this.end_.write(bytes);
      if (taken < 0) return EPIPE;
      if (taken === bytes.length) return 0;
      bytes = bytes.subarray(taken);
      this.blocked = true;
    }
    request.underWay = true;
    const done = (status: number): void => {
      request.underWay = false;
      request.oncomplete(status);
    };
    this.queue.push({ bytes, direct: true, done });
    return 0;
  }

  poll(): void {
    for (let i = 0; i < READS && this.reading && !this.eof && !this.destroyed; i++) {
      const got = this.end_.read(READ_BYTES);
      if (got === undefined) break;
      if (got === 'rst') {
        this.end_.toldOver();
        this.destroy(failure('read ECONNRESET'));
        break;
      }
      if (got === 'fin') {
        this.eof = true;
        this.loop.tick(this.flow);
        break;
      }
      if (this.readableFlowing === true && this.readableLength === 0) this.give(got);
      else {
        this.buffered.push(got);
        this.readableLength += got.length;
        if (this.readableFlowing === true) this.loop.tick(this.flow);
      }
      this.loop.flush();
      if (got.length < READ_BYTES) break;
    }
    if (this.writes && !this.destroyed) this.push();
  }

  override on(event: string | symbol, listener: (...args: never[]) => void): this {
    super.on(event, listener as (...args: unknown[]) => void);
    if (event === 'data' && this.readableFlowing !== false) this.resume();
    return this;
  }

  pause(): this {
    if (this.readableFlowing !== false) this.onPaused?.(true);
    this.readableFlowing = false;
    return this;
  }

  resume(): this {
    if (this.readableFlowing === true) return this;
    if (this.readableFlowing === false) this.onPaused?.(false);
    this.readableFlowing = true;
    if (!this.resuming) {
      this.resuming = true;
      this.loop.tick(this.flow);
    }
    return this;
  }

  isPaused(): boolean {
    return this.readableFlowing === false;
  }

  read(): Buffer | null {
    if (this.readableLength === 0) return null;
    const all = Buffer.concat(this.buffered.splice(0));
    this.readableLength = 0;
    this.end_.consumed(all.length);
    return all;
  }

  unshift(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.buffered.unshift(bytes);
    this.readableLength += bytes.length;
  }

  write(data: Buffer | string, encoding?: BufferEncoding): boolean {
    const bytes = typeof data === 'string' ? Buffer.from(data, encoding) : data;
    if (this.writableEnded) {
      this.destroy(failure('write after end'));
      return false;
    }
    if (this.destroyed) return false;
    this.queue.push({ bytes, direct: false, done: undefined });
    this.writableLength += bytes.length;
    this.learn();
    const more = this.writableLength < HIGH_WATER;
    if (!more) this.writableNeedDrain = true;
    if (this.corked === 0 && !this.blocked) this.push();
    return more;
  }

  cork(): void {
    this.corked++;
  }

  uncork(): void {
    if (this.corked > 0) this.corked--;
    if (this.corked === 0 && this.queue.length > 0 && !this.blocked && !this.destroyed) this.push();
  }

  end(data?: Buffer | string): this {
    if (data !== undefined) this.write(data);
    if (this.writableEnded || this.destroyed) return this;
    this.writableEnded = true;
    this.corked = 0;
    if (this.queue.length > 0 && !this.blocked) this.push();
    else if (this.queue.length === 0) this.finish();
    return this;
  }

  destroy(error?: Error): this {
    if (this.destroyed) return this;
    this.destroyed = this.closed = true;
    this.errored = error ?? null;
    const waiting = this.queue.splice(0);
    if (waiting.length > 0) this.onCutShort?.();
    if (this.readableFlowing === false && this.end_.unread > 0) this.onClosedUnread?.();
    this.writableLength = 0;
    // libuv cancels what waits (ECANCELED) when the handle is closed.
    this.loop.closing(() => {
      for (const { done } of waiting) done?.(-125);
    });
    this.end_.close();
    this.loop.removeSource(this);
    if (error !== undefined) this.loop.tick(() => this.emit('error', error));
    this.loop.closing(() => this.emit('close', error !== undefined));
    return this;
  }

  destroySoon(): void {
    this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  resetAndDestroy(): this {
    this.end_.reset();
    return this.destroy();
  }

  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  /** `relay/direct.ts` learns from a write of the stream what a request is. */
  private learn(): void {
    if (this._handle === undefined || !Object.hasOwn(this._handle, 'writeBuffer')) return;
    const probe = new WriteRequest();
    this._handle.writeBuffer(probe, Buffer.alloc(0));
    if (this.queue.at(-1)?.bytes.length === 0) this.queue.pop();
  }

  /** Gives the kernel what waits. */
  private push(): void {
    const { queue } = this;
    while (this.canPush) {
      const job = queue[0]!;
      const { bytes, direct } = job;
      const taken = this.end_.write(bytes);
      if (taken < 0) {
        if (!direct) {
          this.onBroken?.();
          this.destroy(failure('write EPIPE'));
          return;
        }
        queue.shift();
        job.done?.(EPIPE);
        continue;
      }
      if (!direct) this.writableLength -= taken;
      if (taken < bytes.length) {
        job.bytes = bytes.subarray(taken);
        this.blocked = true;
        return;
      }
      queue.shift();
      job.done?.(0);
      if (this.destroyed) return;
    }
    if (queue.length > 0) return;
    if (this.writableNeedDrain) {
      this.loop.tick(() => {
        if (this.destroyed || this.writableEnded || !this.writableNeedDrain || this.writableLength > 0) return;
        this.writableNeedDrain = false;
        this.emit('drain');
      });
    }
    if (this.writableEnded) this.finish();
  }

  private finish(): void {
    if (this.writableFinished) return;
    this.writableFinished = true;
    this.end_.shutdown();
    this.loop.tick(() => {
      this.emit('finish');
      if (this.readableEnded) this.destroy();
    });
  }

  private give(bytes: Buffer): void {
    this.end_.consumed(bytes.length);
    this.emit('data', bytes);
  }

  /** Hands over what is buffered, and the end behind it. */
  private readonly flow = (): void => {
    this.resuming = false;
    while (this.readableFlowing === true && this.buffered.length > 0 && !this.destroyed) {
      const bytes = this.buffered.shift()!;
      this.readableLength -= bytes.length;
      this.give(bytes);
    }
    if (!this.eof || this.readableEnded || this.destroyed || this.readableLength > 0) return;
    if (this.readableFlowing !== true) return;
    this.readableEnded = true;
    this.end_.toldOver();
    this.emit('end');
    if (!this.allowHalfOpen) this.end();
    else if (this.writableFinished) this.destroy();
  };
}

function failure(message: string): Error {
  return new Error(message);
}
