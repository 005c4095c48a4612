// relay: plain sockets without Node's streams in between: one read buffer for all of them, and writes straight to the handle.
import net from 'node:net';
import type { Duplex } from 'node:stream';

/** Node's majors whose parts were found as described here; on others everything goes through streams. */
const TESTED = [20, 22, 24];
/** What one read takes at most, as in Node's own streams. */
const READ_BYTES = 65_536;
/** Largest write that is put together in shared memory: one read and some frames of ours. */
const ROOM_BYTES = READ_BYTES + 1024;
/** Most writes fit in here; a write that a slow client leaves half done keeps no more memory than this. */
const SMALL_BYTES = 4096;

/** What `Socket` calls its libuv handle (TCP or Pipe), as far as it is used here. */
export interface Handle {
  /** Reads go to that memory from here on. */
  useUserBuffer(memory: Uint8Array): void;
  /** 0, or a negative errno. What the system did not take at once is queued, in order; then `request.oncomplete` is called. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  /** The same for several buffers. */
  writev(request: WriteRequest, chunks: unknown[], allBuffers: boolean): number;
  /** Bytes queued. */
  readonly writeQueueSize: number;
}

/** Node's `WriteWrap`. One whose bytes were all taken at once is as good as new. */
interface WriteRequest {
  /** -1 unless it is under way. Inherited from `AsyncWrap`. */
  getAsyncId(): number;
  oncomplete: (this: WriteRequest, status: number) => void;
  /** Keeps the memory alive. */
  buffer: Uint8Array | undefined;
  writer: DirectWriter | undefined;
}

/** Whoever wrote directly. */
export interface DirectWriter {
  /** What was queued has gone out, or (status < 0, an errno) never will. */
  wrote(status: number): void;
}

/** `net.Socket` with the parts that its documented option `onread` sets. */
type Internals = Duplex & { _handle?: Handle | null } & Record<symbol, unknown>;

/** Called with each read: `buf[0, count)` is valid during the call only. False stops reading until `resume`. */
export type OnRead<S> = (this: S, count: number, buf: Buffer) => boolean;

const readMemory = Buffer.allocUnsafeSlow(READ_BYTES);
let small = Buffer.allocUnsafeSlow(SMALL_BYTES);
let large = Buffer.allocUnsafeSlow(ROOM_BYTES);

const [kBuffer, kCallback, kGenerate] = symbolsOf(new net.Socket(), ['kBuffer', 'kBufferCb', 'kBufferGen']);
const supported =
  kGenerate !== undefined &&
  TESTED.includes(Number(process.versions.node.split('.', 1)[0])) &&
  !process.env.ACKSPAN_STREAMS;

let Request: (new () => WriteRequest) | undefined;
let spare: WriteRequest;

/**
 * Gives a socket's reads to `onRead` instead of its stream, as the option `onread` of `net.connect` does; FIN, errors, `pause` and
 * `resume` stay the stream's. False: not a socket that can, and nothing has changed. What the stream has read already is still in it.
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

/** The handle to write to directly; undefined when there is none, or none that can. */
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

/** Whether these bytes lie in memory that the next read or write reuses. */
export function isShared(bytes: Buffer): boolean {
  const { buffer } = bytes;
  return buffer === small.buffer || buffer === readMemory.buffer || buffer === large.buffer;
}

/** Memory to put a write together in, good until the next write. */
export function room(size: number): Buffer {
  if (size <= SMALL_BYTES) return small.subarray(0, size);
  return size <= ROOM_BYTES ? large.subarray(0, size) : Buffer.allocUnsafe(size);
}

/** Whether `writeDirectly` can be called. */
export function canWrite(): boolean {
  return Request !== undefined;
}

/**
 * Writes to a handle past its stream, in which nothing may wait. Returns 0 when the system took everything; a negative errno; or 1
 * when the write is under way: then `writer` is called back. The bytes may lie in shared memory.
 */
export function writeDirectly(handle: Handle, bytes: Buffer, writer: DirectWriter): number {
  if (bytes.buffer === readMemory.buffer) {
    // Other sockets read into that memory while a part of this may still wait.
    const copy = room(bytes.length);
    copy.set(bytes);
    bytes = copy;
  }
  const request = spare;
  const status = handle.writeBuffer(request, bytes);
  if (status !== 0) return status;
  // An empty queue does not say that: libuv may queue a rest and then find room for it, and still tells later.
  if (request.getAsyncId() === -1) return 0;
  request.buffer = bytes;
  request.writer = writer;
  spare = newRequest(Request!);
  if (bytes.buffer === small.buffer) small = Buffer.allocUnsafeSlow(SMALL_BYTES);
  else if (bytes.buffer === large.buffer) large = Buffer.allocUnsafeSlow(ROOM_BYTES);
  return 1;
}

function newRequest(Constructor: new () => WriteRequest): WriteRequest {
  const request = new Constructor();
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

/** The constructor of write requests is nowhere to be had: the next write of the stream shows one. */
function learnFrom(handle: Handle): void {
  for (const method of ['writeBuffer', 'writev'] as const) {
    if (Object.hasOwn(handle, method)) continue;
    handle[method] = (request: WriteRequest, ...rest: never[]): number => {
      delete (handle as Partial<Handle>).writeBuffer;
      delete (handle as Partial<Handle>).writev;
      Request = request.constructor as new () => WriteRequest;
      spare = newRequest(Request);
      return (handle[method] as (request: WriteRequest, ...rest: never[]) => number)(request, ...rest);
    };
  }
}

function symbolsOf(object: object, names: readonly string[]): (symbol | undefined)[] {
  const symbols = Object.getOwnPropertySymbols(object);
  return names.map((name) => symbols.find((symbol) => symbol.description === name));
}
