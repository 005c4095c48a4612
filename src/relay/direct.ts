// relay: plain sockets past Node's streams: one read buffer for all of them, and writes straight to the handle.
import net from 'node:net';
import type { Duplex } from 'node:stream';

/** Majors of Node whose internals were tested. On others everything goes through streams. */
const TESTED = [20, 22, 24];
/** Most bytes of one read, as in Node's own streams. Behind a read of so many there may be more. */
export const READ_BYTES = 65_536;
/** Largest write that is put together in shared memory: one read and some frames of ours. */
const ROOM_BYTES = READ_BYTES + 1024;
/**
 * Size that suffices for most writes. A write that a slow client leaves unfinished keeps no more
 * memory than this.
 */
const SMALL_BYTES = 4096;

/** The libuv handle of a `Socket` (TCP or Pipe), as far as it is used here. */
export interface Handle {
  /** Directs later reads to `memory`. */
  useUserBuffer(memory: Uint8Array): void;
  /**
   * Writes. Answers 0 or a negative errno. Bytes that the system does not take at once are queued
   * in order, and `oncomplete` of the request is called after them. Up to Node 24.11 the caller
   * passes the request. By 24.22 Node passes null, and the answer is a request where bytes wait.
   */
  writeBuffer(request: WriteRequest | null, bytes: Uint8Array): number | WriteRequest;
  /** Writes several buffers in one call. */
  writev(request: WriteRequest | null, chunks: unknown[], allBuffers: boolean): number | WriteRequest;
  /** Bytes in the queue. */
  readonly writeQueueSize: number;
}

/** Node's `WriteWrap`. A request whose bytes were all taken at once can be used again. */
export interface WriteRequest {
  /** Id of a request under way, else -1. Inherited from `AsyncWrap`. */
  getAsyncId(): number;
  oncomplete: (this: WriteRequest, status: number) => void;
  /** Result of a write that was over before the request was answered, else null. */
  writeStatus?: number | null;
  /** The bytes of the request, whose memory must stay. */
  buffer: Uint8Array | undefined;
  writer: DirectWriter | undefined;
}

/** The author of a direct write. */
export interface DirectWriter {
  /** Is told that a queued write has gone out, or never will (`status` < 0, an errno). */
  wrote(status: number): void;
}

/** `net.Socket` with the members that its documented option `onread` sets. */
type Internals = Duplex & { _handle?: Handle | null } & Record<symbol, unknown>;

/**
 * Is called for each read with `buf[0, count)`, which is valid during the call only. False stops
 * the reads until `resume`.
 */
export type OnRead<S> = (this: S, count: number, buf: Buffer) => boolean;

const readMemory = Buffer.allocUnsafeSlow(READ_BYTES);
let small = Buffer.allocUnsafeSlow(SMALL_BYTES);
let large = Buffer.allocUnsafeSlow(ROOM_BYTES);

const [kBuffer, kCallback, kGenerate] = symbolsOf(new net.Socket(), ['kBuffer', 'kBufferCb', 'kBufferGen']);
const supported =
  kGenerate !== undefined &&
  TESTED.includes(Number(process.versions.node.split('.', 1)[0])) &&
  !process.env.ACKSPAN_STREAMS;

/** Makes requests that are passed to handles; null = handles make them; undefined = not known. */
let Request: (new () => WriteRequest) | null | undefined;
let spare: WriteRequest | null = null;

/**
 * Gives a socket's reads to `onRead` in place of its stream, as the option `onread` of
 * `net.connect` does. FIN, errors, `pause` and `resume` still belong to the stream. False = the
 * socket does not allow it, and nothing has changed. Bytes that the stream has read already are
 * still in it.
 */
export function readDirectly<S extends Duplex>(socket: S, onRead: OnRead<S>): boolean {
  const internals = socket as unknown as Internals;
  if (!supported || !(socket instanceof net.Socket) || handleOf(socket) === undefined) return false;
  internals[kBuffer!] = readMemory;
  internals[kCallback!] = onRead;
  internals[kGenerate!] = null;
  internals._handle!.useUserBuffer(readMemory);
  return true;
}

/** The handle for direct writes; undefined = the socket has none, or none that fits. */
export function handleOf(socket: Duplex): Handle | undefined {
  const handle = (socket as Internals)._handle;
  if (!supported || !handle || (socket as { encrypted?: boolean }).encrypted) return undefined;
  const fits =
    typeof handle.useUserBuffer === 'function' &&
    typeof handle.writeBuffer === 'function' &&
    typeof handle.writeQueueSize === 'number';
  if (!fits) return undefined;
  if (Request === undefined) learnFrom(handle);
  return handle;
}

/** Whether the bytes lie in memory that the next read or write uses again. */
export function isShared(bytes: Buffer): boolean {
  const { buffer } = bytes;
  return buffer === small.buffer || buffer === readMemory.buffer || buffer === large.buffer;
}

/** Memory for the next write, which is valid until the write after that. */
export function room(size: number): Buffer {
  if (size <= SMALL_BYTES) return small.subarray(0, size);
  return size <= ROOM_BYTES ? large.subarray(0, size) : Buffer.allocUnsafe(size);
}

/** Whether `writeDirectly` may be called. */
export function canWrite(): boolean {
  return Request !== undefined;
}

/**
 * Writes to a handle past its stream, in which nothing may wait. Answers 0 when the system has
 * taken everything, a negative errno, or 1 when the write is under way. In the last case `writer`
 * is called back. The bytes may lie in shared memory.
 */
export function writeDirectly(handle: Handle, bytes: Buffer, writer: DirectWriter): number {
  if (bytes.buffer === readMemory.buffer) {
    // A part of the bytes may wait, and other sockets read into that memory meanwhile.
    const copy = room(bytes.length);
    copy.set(bytes);
    bytes = copy;
  }
  const answer = handle.writeBuffer(spare, bytes);
  if (typeof answer === 'number' && answer !== 0) return answer;
  const request = typeof answer === 'number' ? spare : prepared(answer);
  // An empty queue does not mean that all was taken: libuv may queue a rest, find room for it, and
  // call back later.
  if (request === null || request.getAsyncId() === -1) return 0;
  if (typeof request.writeStatus === 'number') return request.writeStatus;
  request.buffer = bytes;
  request.writer = writer;
  if (Request) spare = prepared(new Request());
  if (bytes.buffer === small.buffer) small = Buffer.allocUnsafeSlow(SMALL_BYTES);
  else if (bytes.buffer === large.buffer) large = Buffer.allocUnsafeSlow(ROOM_BYTES);
  return 1;
}

function prepared(request: WriteRequest): WriteRequest {
  request.oncomplete = completed;
  request.buffer = undefined;
  request.writer = undefined;
  return request;
}

function completed(this: WriteRequest, status: number): void {
  const { writer } = this;
  this.buffer = undefined;
  this.writer = undefined;
  writer?.wrote(status);
}

/**
 * Learns how handles are written to from the stream's next write: with requests, whose constructor
 * Node does not export, or without.
 */
function learnFrom(handle: Handle): void {
  for (const method of ['writeBuffer', 'writev'] as const) {
    if (Object.hasOwn(handle, method)) continue;
    handle[method] = (request: WriteRequest | null, ...rest: never[]): number | WriteRequest => {
      delete (handle as Partial<Handle>).writeBuffer;
      delete (handle as Partial<Handle>).writev;
      // Anything else comes from a Node unknown to this file. Then everything goes through streams.
      const made = typeof request?.getAsyncId === 'function';
      Request = made ? (request.constructor as new () => WriteRequest) : request === null ? null : undefined;
      spare = Request ? prepared(new Request()) : null;
      return (handle[method] as (request: WriteRequest | null, ...rest: never[]) => number)(request, ...rest);
    };
  }
}

function symbolsOf(object: object, names: readonly string[]): (symbol | undefined)[] {
  const symbols = Object.getOwnPropertySymbols(object);
  return names.map((name) => symbols.find((symbol) => symbol.description === name));
}
