// relay: one of the two sockets of a connection: writes with back-pressure, and tells of data, FIN and close through shared listeners.
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
import type { RelayContext } from './tap.ts';

const kPeer = Symbol('peer');

type PeerSocket = Duplex & { setNoDelay?(on: boolean): unknown; [kPeer]?: Peer; _handle?: Handle | null };

/** What a peer tells its connection. */
export interface PeerEvents {
  received(peer: Peer, chunk: Buffer): void;
  /** FIN: the peer sends no more. */
  ended(peer: Peer): void;
  /** The socket is gone. */
  closed(peer: Peer): void;
  /** The peer takes bytes again, or will never take any, after `ms` in which its opposite was not read. */
  drained(peer: Peer, ms: number): void;
  readonly context: RelayContext;
}

/** A socket to write to. Writes may be corked around several calls; after `end` they vanish. */
export interface Sink {
  /** The bytes may lie in shared memory: a chunk just read, or `room`. */
  write(bytes: Buffer): void;
  /** Memory to put the next write together in. */
  room(size: number): Buffer;
  cork(): void;
  uncork(): void;
  end(): void;
}

export class Peer implements Sink, DirectWriter {
  closed = false;
  /** We may still write to it. */
  writable = true;
  private readonly socket: PeerSocket;
  private events: PeerEvents;
  private opposite: Peer | undefined = undefined;
  /** Since when it takes no more and its opposite is not read, monotonic ms; 0 = it takes more. */
  private fullAt = 0;
  /** When its opposite was last read again after such a time; 0 = there was none. */
  private drainedAt = 0;
  private ending = false;
  /** Past the stream: the socket can be written to directly; direct writes that are queued. */
  private direct = false;
  private queued = 0;
  private corked = false;
  /** Corked writes that will go out directly, in one: the stream would lose what is unread with a write that fails. */
  private joined: Buffer[] | undefined = undefined;
  private abandoned = false;

  /** Takes over the socket: TCP, TLS, unix, or any other Duplex. Nothing is read before `start`. */
  constructor(socket: Duplex, events: PeerEvents) {
    this.socket = socket;
    this.events = events;
    this.socket[kPeer] = this;
    // Otherwise Node answers a FIN with a FIN, before the other side has had its say.
    socket.allowHalfOpen = true;
    this.socket.setNoDelay?.(true);
    socket.on('error', ignore).on('end', onEnd).on('close', onClose).on('drain', onDrain);
  }

  /** Bytes written but not yet taken by the system. */
  get backlog(): number {
    const { socket } = this;
    return this.queued === 0 ? socket.writableLength : socket.writableLength + (socket._handle?.writeQueueSize ?? 0);
  }

  /** Whether it takes no more bytes now, or did not until `ms` ago: bytes of its opposite may wait unread. */
  blocks(now: number, ms: number): boolean {
    return this.fullAt !== 0 || (this.drainedAt !== 0 && now - this.drainedAt < ms);
  }

  /** What it has sent may wait unread, because its opposite takes no more. */
  get unheard(): boolean {
    return this.opposite !== undefined && this.opposite.fullAt !== 0;
  }

  /** Names the peer to which the bytes go: it is not read while this one takes no more. */
  join(opposite: Peer): void {
    this.opposite = opposite;
    if (this.fullAt !== 0) opposite.socket.pause();
  }

  /** Begins to read. */
  start(): void {
    const { socket } = this;
    this.direct = handleOf(socket) !== undefined;
    if (readDirectly(socket, onRead)) {
      if (socket.readableLength > 0) this.onData(socket.read());
      // Unless the opposite is full by now.
      if (socket.readableFlowing !== false) socket.resume();
    } else socket.on('data', onData);
    // Its events are over: nobody else will tell.
    if (this.socket.closed && !this.closed) this.onClose();
  }

  write(bytes: Buffer): void {
    if (!this.writable || this.taken(bytes) || this.fullAt !== 0) return;
    this.fullAt = this.events.context.now();
    this.opposite?.socket.pause();
  }

  room(size: number): Buffer {
    return this.direct && !this.corked ? room(size) : Buffer.allocUnsafe(size);
  }

  /** Until `uncork`, which comes before the memory of what is written meanwhile is used again. */
  cork(): void {
    this.corked = true;
    if (this.pastStream) this.joined = [];
    else this.socket.cork();
  }

  uncork(): void {
    this.corked = false;
    const { joined } = this;
    this.joined = undefined;
    if (joined === undefined) this.socket.uncork();
    else if (joined.length > 0) this.write(joined.length === 1 ? joined[0]! : Buffer.concat(joined));
  }

  wrote(status: number): void {
    this.queued--;
    if (status < 0) this.loseWrites();
    else this.onDrain();
  }

  /** Sends FIN after what was written; from now on writes vanish. */
  end(): void {
    if (this.ending) return;
    if (this.joined !== undefined) this.uncork();
    this.ending = true;
    this.writable = false;
    this.socket.end();
    this.takesMore();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /**
   * Another peer takes its place. What was written still goes out, and its opposite is read again; what it has sent is told to
   * `reader` from now on, and its close to `over`.
   */
  leave(reader: (chunk: Buffer) => void, over: () => void): void {
    const { events } = this;
    this.end();
    this.events = { ...GONE, received: (_, chunk) => reader(chunk), closed: over, context: events.context };
    this.opposite = undefined;
    this.socket.resume();
    patiently(ABANDON_MS, () => this.socket.destroy());
  }

  /** Lets go of the socket: what was written still goes out, its events are told to nobody, and its opposite is read again. */
  abandon(): void {
    this.end();
    this.closed = this.abandoned = true;
    this.socket.off('data', onData).off('end', onEnd).off('close', onClose).off('drain', onDrain);
    this.socket.resume();
    patiently(ABANDON_MS, () => this.socket.destroy());
  }

  onData(chunk: Buffer): void {
    if (!this.abandoned) this.events.received(this, chunk);
  }

  onEnd(): void {
    this.events.ended(this);
  }

  onClose(): void {
    // A stream that was not read keeps what had come: a reset ends the socket, not that.
    const rest = this.socket.readableLength > 0 ? this.socket.read() : null;
    if (rest !== null) this.onData(rest);
    this.closed = true;
    this.events.closed(this);
  }

  onDrain(): void {
    if (this.queued === 0 && !this.socket.writableNeedDrain) this.takesMore();
  }

  /** Nothing waits in the stream, and it can be written past it. */
  private get pastStream(): boolean {
    const { socket } = this;
    return this.direct && Boolean(socket._handle) && socket.writableLength === 0 && canWrite();
  }

  /** Writes; false: no more for now. */
  private taken(bytes: Buffer): boolean {
    const { socket } = this;
    if (this.joined !== undefined) {
      this.joined.push(bytes);
      return true;
    }
    const handle = socket._handle;
    if (!this.pastStream || !handle) return socket.write(isShared(bytes) ? Buffer.from(bytes) : bytes);
    // Behind a write that waits this one waits too: no more memory than it needs.
    if (this.queued > 0 && isShared(bytes)) bytes = Buffer.from(bytes);
    const status = writeDirectly(handle, bytes, this);
    if (status > 0) this.queued++;
    else if (status < 0) this.loseWrites();
    return status <= 0;
  }

  /** A reset or a broken pipe: nothing more can be written. What was received before it is evidence, so the socket is not destroyed. */
  private loseWrites(): void {
    if (!this.writable) return;
    this.writable = false;
    this.takesMore();
    this.dieUnlessRead();
  }

  /** Its end is about to be read. If that does not come within the patience, though the socket is read, the socket is destroyed. */
  private dieUnlessRead(): void {
    const { context } = this.events;
    const { patienceMs } = context.limits;
    patiently(patienceMs, () => {
      if (this.closed) return;
      if (this.opposite?.blocks(context.now(), patienceMs) === true) this.dieUnlessRead();
      else this.destroy();
    });
  }

  private takesMore(): void {
    if (this.fullAt === 0) return;
    this.drainedAt = this.events.context.now();
    const ms = this.drainedAt - this.fullAt;
    this.fullAt = 0;
    this.events.drained(this, ms);
    this.opposite?.socket.resume();
  }
}

/** Who is told of a peer that nobody waits for. */
const GONE: Omit<PeerEvents, 'received' | 'context'> = { ended() {}, closed() {}, drained() {} };

/** How long an abandoned socket may take to send what was written, ms. */
const ABANDON_MS = 1000;

// Shared by all sockets: no closure per connection.

function onData(this: PeerSocket, chunk: Buffer): void {
  this[kPeer]!.onData(chunk);
}

function onRead(this: PeerSocket, count: number, buf: Buffer): boolean {
  this[kPeer]!.onData(buf.subarray(0, count));
  // Paused before `start`: that stopped the stream, not the reads. One chunk comes through, and no more.
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

/** A reset or a broken pipe is how peers leave; `close` follows and says all there is to say. */
function ignore(): void {}
