// relay: one of the two sockets of a connection: writes with back-pressure, and tells data, FIN and close.
import type { Duplex } from 'node:stream';
import { patiently } from '../time/patience.ts';
import {
  canWrite,
  type DirectWriter,
  type Handle,
  handleOf,
  isShared,
  readDirectly,
  room,
  writeDirectly,
} from './direct.ts';
import type { PeerEvents } from './peer-events.ts';
import type { Reading } from './reading.ts';
import type { Sink } from './sink.ts';

export type { PeerEvents } from './peer-events.ts';

const kPeer = Symbol('peer');

type PeerSocket = Duplex & { setNoDelay?(on: boolean): unknown; [kPeer]?: Peer; _handle?: Handle | null };

export class Peer implements Sink, DirectWriter {
  closed = false;
  /** Whether the peer may still get bytes. */
  writable = true;
  readonly #socket: PeerSocket;
  readonly #reading: Reading | undefined;
  #events: PeerEvents<Peer>;
  #opposite: Peer | undefined = undefined;
  /** Since when it takes no more and its opposite is not read, monotonic ms; 0 = it takes more. */
  #fullAt = 0;
  /** End of the latest such time; 0 = there was none. */
  #drainedAt = 0;
  #ending = false;
  /** Whether the socket can be written to past its stream; and the direct writes queued. */
  #direct = false;
  #queued = 0;
  #corked = false;
  /**
   * Corked writes that go out directly, as one. A write that fails in the stream would lose its
   * unread bytes.
   */
  #joined: Buffer[] | undefined = undefined;
  #abandoned = false;

  /** Takes over a socket: TCP, TLS, unix, any Duplex. Reads from `start` on, as `reading` says. */
  constructor(socket: Duplex, events: PeerEvents<Peer>, reading?: Reading) {
    this.#socket = socket;
    this.#reading = reading;
    this.#events = events;
    this.#socket[kPeer] = this;
    // Otherwise Node answers FIN with FIN before the other side has had its say.
    socket.allowHalfOpen = true;
    this.#socket.setNoDelay?.(true);
    socket.on('error', ignore).on('end', onEnd).on('close', onClose).on('drain', onDrain);
  }

  /** Bytes that were written and not yet taken by the system. */
  get backlog(): number {
    const socket = this.#socket;
    return this.#queued === 0 ? socket.writableLength : socket.writableLength + (socket._handle?.writeQueueSize ?? 0);
  }

  /**
   * Whether the peer takes no bytes, or took none until `ms` ago, so that bytes of its opposite may
   * wait unread.
   */
  blocks(now: number, ms: number): boolean {
    return this.#fullAt !== 0 || (this.#drainedAt !== 0 && now - this.#drainedAt < ms);
  }

  /** Whether bytes of the peer may wait unread, because its opposite takes no more. */
  get unheard(): boolean {
    return this.#opposite !== undefined && this.#opposite.#fullAt !== 0;
  }

  /** Joins the peer to its opposite, which is not read while this one takes no more. */
  join(opposite: Peer): void {
    this.#opposite = opposite;
    if (this.#fullAt !== 0) opposite.#socket.pause();
  }

  /** Begins to read. */
  start(): void {
    const socket = this.#socket;
    this.#direct = handleOf(socket) !== undefined;
    if (readDirectly(socket, onRead)) {
      if (socket.readableLength > 0) this.onData(socket.read());
      // A socket that is paused by now has an opposite that takes no more.
      if (socket.readableFlowing !== false) socket.resume();
    } else socket.on('data', onData);
    // The events of a closed socket are over, and nothing else would tell of it.
    if (this.#socket.closed && !this.closed) this.onClose();
  }

  write(bytes: Buffer): void {
    if (!this.writable || this.#taken(bytes) || this.#fullAt !== 0) return;
    this.#fullAt = this.#events.context.now();
    const opposite = this.#opposite;
    if (opposite !== undefined) opposite.#socket.pause();
  }

  room(size: number): Buffer {
    return this.#direct && !this.#corked ? room(size) : Buffer.allocUnsafe(size);
  }

  /** Corks until `uncork`, which comes before the memory of these writes is used again. */
  cork(): void {
    this.#corked = true;
    if (this.#pastStream) this.#joined = [];
    else this.#socket.cork();
  }

  uncork(): void {
    this.#corked = false;
    const joined = this.#joined;
    this.#joined = undefined;
    if (joined === undefined) this.#socket.uncork();
    else if (joined.length > 0) this.write(joined.length === 1 ? joined[0]! : Buffer.concat(joined));
  }

  wrote(status: number): void {
    this.#queued--;
    if (status < 0) this.#loseWrites();
    else this.onDrain();
  }

  /**
   * Sends FIN after the writes so far. Later writes vanish. `bounded`: the peer may take no longer
   * than the patience for its own FIN. It is read until then.
   */
  end(bounded = false): void {
    if (this.#ending) return;
    if (bounded) this.#dieUnlessRead();
    if (this.#joined !== undefined) this.uncork();
    this.#ending = true;
    this.writable = false;
    this.#socket.end();
    this.#takesMore();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /**
   * Gives the place to another peer. Earlier writes still go out, and the opposite is read again.
   * `reader` is told what this peer has sent, and `over` that it is closed.
   */
  leave(reader: (chunk: Buffer) => void, over: () => void): void {
    const events = this.#events;
    this.end();
    this.#events = { ...GONE, received: (_, chunk) => reader(chunk), closed: over, context: events.context };
    this.#opposite = undefined;
    this.#socket.resume();
    patiently(ABANDON_MS, () => this.#socket.destroy());
  }

  /**
   * Lets go of the socket. Earlier writes still go out, its events are not told, and the opposite
   * is read again.
   */
  abandon(): void {
    this.end();
    this.closed = this.#abandoned = true;
    this.#socket.off('data', onData).off('end', onEnd).off('close', onClose).off('drain', onDrain);
    this.#socket.resume();
    patiently(ABANDON_MS, () => this.#socket.destroy());
  }

  onData(chunk: Buffer): void {
    if (this.#abandoned) return;
    if (this.#reading?.holds() === true) this.#keep(Buffer.from(chunk), this.#reading);
    else this.#events.received(this, chunk);
  }

  onEnd(): void {
    if (!this.#waits(onEnd)) this.#events.ended(this);
  }

  onClose(): void {
    if (this.#waits(onClose)) return;
    // A stream that was not read still holds bytes after a reset.
    const rest = this.#socket.readableLength > 0 ? this.#socket.read() : null;
    if (rest !== null) this.onData(rest);
    this.closed = true;
    this.#events.closed(this);
  }

  /** Whether reads are held up. `tell` is called when they no longer are. */
  #waits(tell: (this: PeerSocket) => void): boolean {
    const waits = this.#reading?.holds() === true;
    if (waits) this.#reading.later(() => tell.call(this.#socket));
    return waits;
  }

  /** Tells the bytes when reads are no longer held up, and reads nothing more until then. */
  #keep(bytes: Buffer, reading: Reading): void {
    this.#socket.pause();
    reading.later(() => {
      this.onData(bytes);
      if (this.#opposite === undefined || this.#opposite.#fullAt === 0) this.#socket.resume();
    });
  }

  onDrain(): void {
    if (this.#queued === 0 && !this.#socket.writableNeedDrain) this.#takesMore();
  }

  /** Whether nothing waits in the stream, and writes may go past it. */
  get #pastStream(): boolean {
    const socket = this.#socket;
    return this.#direct && Boolean(socket._handle) && socket.writableLength === 0 && canWrite();
  }

  /** Writes bytes. False = the peer takes no more for now. */
  #taken(bytes: Buffer): boolean {
    const socket = this.#socket;
    if (this.#joined !== undefined) {
      this.#joined.push(bytes);
      return true;
    }
    const handle = socket._handle;
    if (!this.#pastStream || !handle) return socket.write(isShared(bytes) ? Buffer.from(bytes) : bytes);
    // This write waits behind another one, and should keep no more memory than it needs.
    if (this.#queued > 0 && isShared(bytes)) bytes = Buffer.from(bytes);
    const status = writeDirectly(handle, bytes, this);
    if (status > 0) this.#queued++;
    else if (status < 0) this.#loseWrites();
    return status <= 0;
  }

  /**
   * Gives up writes after a reset or a broken pipe. The socket stays, because bytes that came
   * before are evidence.
   */
  #loseWrites(): void {
    if (!this.writable) return;
    this.writable = false;
    this.#takesMore();
    this.#dieUnlessRead();
  }

  /** Destroys the socket if its end does not come within the patience although it is read. */
  #dieUnlessRead(): void {
    const { context } = this.#events;
    const { patienceMs } = context.limits;
    patiently(patienceMs, () => {
      if (this.closed) return;
      const unread = this.#reading?.held === true || this.#opposite?.blocks(context.now(), patienceMs) === true;
      if (unread) this.#dieUnlessRead();
      else this.destroy();
    });
  }

  #takesMore(): void {
    if (this.#fullAt === 0) return;
    this.#drainedAt = this.#events.context.now();
    const ms = this.#drainedAt - this.#fullAt;
    this.#fullAt = 0;
    this.#events.drained(this, ms);
    const opposite = this.#opposite;
    if (opposite !== undefined) opposite.#socket.resume();
  }
}

/** Events of a peer whose place another one has taken. */
const GONE: Omit<PeerEvents<Peer>, 'received' | 'context'> = { ended() {}, closed() {}, drained() {} };

/** Time for which an abandoned socket may send what was written, ms. */
const ABANDON_MS = 1000;

// All sockets share these listeners, so that a connection needs no closures.

function onData(this: PeerSocket, chunk: Buffer): void {
  this[kPeer]!.onData(chunk);
}

function onRead(this: PeerSocket, count: number, buf: Buffer): boolean {
  this[kPeer]!.onData(buf.subarray(0, count));
  // `pause` before `start` stops the stream, not the reads. One chunk comes through.
  return this.readableFlowing !== false;
}

function onEnd(this: PeerSocket): void {
  this[kPeer]!.onEnd();
}

function onClose(this: PeerSocket): void {
  this[kPeer]!.onClose();
}

function onDrain(this: PeerSocket): void {
  this[kPeer]!.onDrain();
}

/** A reset or a broken pipe is how peers leave. `close` follows, and tells the rest. */
function ignore(): void {}
