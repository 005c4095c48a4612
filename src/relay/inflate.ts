// relay: inflates permessage-deflate payloads (RFC 7692 §7.2.2) synchronously and in pieces; a small one takes 1 µs.
//
// zlib's public streaming interface takes a thread-pool turn per message (measured: 80 to 140 µs of
// CPU against 0.3 to 1.5 µs), which would be the most expensive step of the relay by far. This file
// therefore calls the stream's native handle, as pngjs does. A self-test guards against a Node
// release that changes the handle. In that case `inflateRawSync` with a preset dictionary does the
// same in about 20 µs.
import { createInflateRaw, type InflateRaw, inflateRawSync, constants as zlib } from 'node:zlib';

/** The last four bytes of every deflated message, which its sender leaves out (RFC 7692 §7.2.1). */
const TRAILER = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const WINDOW = 32_768;
/** Smallest window of zlib, which deflates with 512 bytes even where 256 were negotiated. */
const MIN_WINDOW_BITS = 9;

/** Inflates the messages of one direction of one connection, one after the other. */
export interface Inflater {
  /** Whether the current message is read to its end. */
  readonly finished: boolean;
  /** Begins a message: `input[pos, end)` as on the wire, without trailer. */
  start(input: Buffer, pos: number, end: number): void;
  /**
   * Writes the next inflated bytes to `out`. Answers their number; -1 = the data is broken. To be
   * called until `finished`.
   */
  read(out: Buffer): number;
  /** Copies what is still needed of `start`'s input, whose memory is about to be used again. */
  keep(): void;
  /** Forgets the window and any broken data. The next message stands alone. */
  reset(): void;
  close(): void;
}

interface Handle {
  writeSync(flush: number, input: Buffer, at: number, size: number, out: Buffer, outAt: number, outSize: number): void;
  reset(): void;
}

/** Room left in the output, and input left, after a `writeSync`. */
type WriteState = readonly [number, number];

type Internals = { readonly _handle: Handle | null; readonly _writeState: WriteState };

function openStream(windowBits: number): InflateRaw & Internals {
  const stream = createInflateRaw({ windowBits, chunkSize: 64 });
  // The handle reports broken data here, and destroys the stream. `read` looks at the latter.
  return stream.on('error', ignore) as InflateRaw & Internals;
}

class NativeInflater implements Inflater {
  finished = true;
  #stream: InflateRaw & Internals;
  readonly #windowBits: number;
  #closed = false;
  #input: Buffer = TRAILER;
  #pos = 0;
  #end = 0;
  #inTrailer = false;

  constructor(windowBits: number) {
    this.#windowBits = windowBits;
    this.#stream = openStream(windowBits);
  }

  start(input: Buffer, pos: number, end: number): void {
    // Wrong bounds would make the handle abort the process.
    if (!(pos >= 0 && pos <= end && end <= input.length)) throw new RangeError(`no bytes ${pos} to ${end} to inflate`);
    this.#input = input;
    this.#pos = pos;
    this.#end = end;
    this.#inTrailer = false;
    this.finished = false;
  }

  read(out: Buffer): number {
    let at = 0;
    for (;;) {
      const handle = this.#stream._handle;
      if (handle === null || this.#stream.destroyed) return -1;
      handle.writeSync(zlib.Z_SYNC_FLUSH, this.#input, this.#pos, this.#end - this.#pos, out, at, out.length - at);
      if (this.#stream.destroyed) return -1;
      const [roomLeft, inputLeft] = this.#stream._writeState;
      at = out.length - roomLeft;
      this.#pos = this.#end - inputLeft;
      if (roomLeft === 0) return at;
      if (this.#inTrailer || inputLeft > 0) {
        // Input is left although there is room: the sender ended its deflate stream (BFINAL, RFC
        // 7692 §7.2.3.4).
        if (inputLeft > 0) handle.reset();
        this.finished = true;
        this.#input = TRAILER;
        return at;
      }
      this.#input = TRAILER;
      this.#pos = 0;
      this.#end = TRAILER.length;
      this.#inTrailer = true;
    }
  }

  keep(): void {
    if (this.#inTrailer) return;
    this.#input = Buffer.from(this.#input.subarray(this.#pos, this.#end));
    this.#end -= this.#pos;
    this.#pos = 0;
  }

  reset(): void {
    this.finished = true;
    this.#input = TRAILER;
    // Broken data destroys the stream.
    if (this.#stream.destroyed && !this.#closed) this.#stream = openStream(this.#windowBits);
    else this.#stream._handle?.reset();
  }

  close(): void {
    this.#closed = true;
    this.#stream.close();
  }
}

/**
 * Inflates through documented interfaces only. The latest 32 KiB of output are the dictionary of
 * the next message.
 */
export class DictionaryInflater implements Inflater {
  finished = true;
  #window: Buffer = TRAILER.subarray(0, 0);
  #output: Buffer | undefined = undefined;
  #at = 0;
  readonly #maxBytes: number;

  /** `maxBytes` is the length from which a message counts as broken. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  start(input: Buffer, pos: number, end: number): void {
    this.finished = false;
    this.#at = 0;
    try {
      this.#output = inflateRawSync(Buffer.concat([input.subarray(pos, end), TRAILER]), {
        finishFlush: zlib.Z_SYNC_FLUSH,
        maxOutputLength: this.#maxBytes,
        ...(this.#window.length > 0 && { dictionary: this.#window }),
      });
      this.#window = Buffer.concat([this.#window, this.#output]).subarray(-WINDOW);
    } catch {
      // `read` answers -1. Broken input is an answer here, not an exception.
      this.#output = undefined;
    }
  }

  read(out: Buffer): number {
    if (this.#output === undefined) return -1;
    const count = this.#output.copy(out, 0, this.#at);
    this.#at += count;
    if (this.#at < this.#output.length) return count;
    this.finished = true;
    this.#output = undefined;
    return count;
  }

  keep(): void {}

  reset(): void {
    this.finished = true;
    this.#window = TRAILER.subarray(0, 0);
  }

  close(): void {
    this.reset();
  }
}

function ignore(): void {}

let nativeWorks: boolean | undefined;

/** Whether the native handle behaves as this file expects, tested once per process. */
export function nativeInflateWorks(): boolean {
  nativeWorks ??= selfTest();
  return nativeWorks;
}

function selfTest(): boolean {
  try {
    const inflater = new NativeInflater(15);
    const out = Buffer.alloc(4);
    // "aaaaaaaa", deflated with a sync flush, less the trailer.
    const deflated = Buffer.from([0x4a, 0x4c, 0x84, 0x00, 0x00, 0x00]);
    inflater.start(deflated, 0, deflated.length);
    const first = inflater.read(out) === 4 && !inflater.finished && out.toString() === 'aaaa';
    inflater.keep();
    const second = inflater.read(out) === 4 && out.toString() === 'aaaa';
    const rest = inflater.finished || inflater.read(out) === 0;
    const done = inflater.finished;
    inflater.close();
    return first && second && rest && done;
  } catch {
    // The handle is another one than expected. The slower way works everywhere.
    return false;
  }
}

/**
 * Creates an inflater for a window of `windowBits` (8 to 15, RFC 7692 §7.1.2). `maxBytes` bounds a
 * message that cannot be read in pieces.
 */
export function createInflater(windowBits: number, maxBytes: number): Inflater {
  return nativeInflateWorks()
    ? new NativeInflater(Math.max(windowBits, MIN_WINDOW_BITS))
    : new DictionaryInflater(maxBytes);
}
