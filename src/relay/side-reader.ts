// relay: reads compressed messages on the side: small ones at once, large ones in slices, all of them in order.
import { looksLikeJson, tellBinary } from './binary.ts';
import { Collected } from './collected.ts';
import { TEXT } from './frames.ts';
import { createInflater, type Inflater } from './inflate.ts';
import type { Deflate } from './spliced-sockets.ts';
import type { RelayContext, Tap, Unseen } from './tap.ts';

/** Output per step, bytes: about 0.2 ms of work, for which other connections wait. */
const SLICE = 65_536;
/** Memory of a queued message beside its bytes. */
const JOB_BYTES = 256;
/**
 * A message that inflates to more than this many times `messageBytes` is given up, and its window.
 */
const BOMB = 16;
/** Least bound of the queue of one connection, bytes, where `messageBytes` is less. */
const MIN_QUEUE_BYTES = 1024 * 1024;

const slice = Buffer.allocUnsafeSlow(SLICE);

/** A message without its content. */
export interface Unread {
  readonly opcode: number;
  readonly compressed: boolean;
  readonly ordinal: number;
  readonly now: number;
  /** Size on the wire, bytes. */
  readonly bytes: number;
}

interface Job {
  /** Payload; undefined = too large to be read, or being inflated. */
  readonly data: Buffer | undefined;
  readonly message: Unread;
  /** Memory of the job, bytes. */
  readonly held: number;
  next: Job | undefined;
}

/** Reads the upstream's messages on one connection, from the first compressed one on. */
export class SideReader {
  /** Is called when the queue has become empty. */
  onIdle: (() => void) | undefined = undefined;
  readonly #inflater: Inflater;
  readonly #takeover: boolean;
  readonly #maxQueueBytes: number;
  readonly #tap: Tap;
  readonly #context: RelayContext;
  #head: Job | undefined = undefined;
  #tail: Job | undefined = undefined;
  #queuedBytes = 0;
  #scheduled = false;
  /** Output of the message under way. An unreadable message is inflated for the window's sake. */
  #output: Collected | undefined = undefined;
  /** Whether a message was lost to the window, so that no later compressed one can be read. */
  #broken = false;

  constructor(deflate: Deflate, tap: Tap, context: RelayContext) {
    this.#inflater = createInflater(deflate.serverMaxWindowBits, context.limits.messageBytes);
    this.#takeover = !deflate.serverNoContextTakeover;
    this.#maxQueueBytes = Math.max(context.limits.messageBytes, MIN_QUEUE_BYTES);
    this.#tap = tap;
    this.#context = context;
  }

  get busy(): boolean {
    return this.#head !== undefined;
  }

  /**
   * Reads a message now, of which `buf[start, end)` was kept, or copies what is needed and reads it
   * later. `buf` undefined = it was too large to keep.
   */
  submit(buf: Buffer | undefined, start: number, end: number, message: Unread): void {
    const { compressed } = message;
    if (!compressed && this.#head !== undefined) end = start + this.#wanted(buf, start, end, message);
    if (this.#head !== undefined && this.#queuedBytes + JOB_BYTES + end - start > this.#maxQueueBytes) this.#giveUp();
    if (this.#head !== undefined) {
      this.#wait(buf, start, end, message);
      return;
    }
    if (!compressed) {
      this.#handOver(buf, start, end, message);
      return;
    }
    if (buf === undefined || this.#broken) {
      this.#lost(buf === undefined, message);
      return;
    }
    this.#inflater.start(buf, start, end);
    const count = this.#inflater.read(slice);
    if (count < 0) {
      this.#lost(false, message);
    } else if (this.#passesOver(message, count)) {
      this.#inflater.reset();
      this.#tap.upstreamSkipped('binary', message.ordinal, message.now, message.bytes);
    } else if (this.#inflater.finished) {
      this.#done(slice, count, count, message);
    } else {
      this.#inflater.keep();
      this.#output = this.#begin();
      this.#output.add(slice, 0, count, count);
      this.#enqueue(undefined, end - start, message);
      this.#schedule();
    }
  }

  /** Frees the inflater, which must not be busy. */
  close(): void {
    this.#inflater.close();
  }

  /** Does one slice of work. */
  work(): void {
    this.#scheduled = false;
    const job = this.#head;
    if (job === undefined) return;
    if (this.#output !== undefined) {
      if (this.#inflate(job, this.#output)) this.#shift();
    } else if (job.message.compressed && job.data !== undefined && !this.#broken) {
      this.#inflater.start(job.data, 0, job.data.length);
      this.#output = this.#begin();
    } else {
      this.#pass(job);
      this.#shift();
    }
    if (this.#head !== undefined) this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(continueReading, this);
  }

  /** Begins the output: all of the message if that is wanted, else its beginning. */
  #begin(): Collected {
    return new Collected(this.#context, this.#tap.wants?.() ?? 0, this.#context.limits.scanBytes);
  }

  /** Bytes to keep of the queued message `buf[start, end)`, which is not compressed. */
  #wanted(buf: Buffer | undefined, start: number, end: number, { opcode }: Unread): number {
    if (opcode !== TEXT && (buf === undefined || looksLikeJson(buf, start, end) !== true)) return 0;
    const length = end - start;
    const whole = this.#tap.wants?.() ?? 0;
    return length <= whole ? length : Math.min(length, this.#context.limits.scanBytes);
  }

  /** Whether the message with its first `count` bytes in `slice` is binary, no JSON, and alone. */
  #passesOver({ opcode }: Unread, count: number): boolean {
    return opcode !== TEXT && !this.#takeover && looksLikeJson(slice, 0, count) === false;
  }

  /** Inflates the next slice of the first job. Answers whether the message was handed over. */
  #inflate({ message }: Job, output: Collected): boolean {
    const { messageBytes } = this.#context.limits;
    const count = this.#inflater.read(slice);
    if (count > 0) output.add(slice, 0, count, output.size + count);
    const useless = output.unread && (!this.#takeover || output.size > BOMB * messageBytes);
    if (count >= 0 && !useless && !this.#inflater.finished) return false;
    const bytes = output.view();
    this.#endOutput();
    if (count < 0 || useless) this.#lost(count >= 0, message);
    else if (bytes === undefined) this.#handOver(undefined, 0, 0, message);
    else this.#done(bytes, bytes.length, output.size, message);
    return true;
  }

  #endOutput(): void {
    this.#output?.release();
    this.#output = undefined;
  }

  /** Hands over a queued message that is not inflated. */
  #pass({ data, message }: Job): void {
    if (message.compressed) this.#lost(data === undefined, message);
    else this.#handOver(data, 0, data === undefined ? 0 : data.length, message);
  }

  /** Reads nothing compressed in the queue, because more has come than may wait. */
  #giveUp(): void {
    this.#endOutput();
    if (this.#takeover) this.#goBlind();
    else this.#inflater.reset();
    while (this.#head !== undefined) {
      this.#pass(this.#head);
      this.#shift();
    }
  }

  /** Hands over an uncompressed message, or one that cannot be read. */
  #handOver(buf: Buffer | undefined, start: number, end: number, message: Unread): void {
    const { opcode, ordinal, now, bytes } = message;
    if (opcode !== TEXT) tellBinary(this.#tap, buf, start, end, ordinal, now, bytes);
    else if (buf === undefined) this.#tooLarge(ordinal, now, bytes);
    else this.#tap.upstreamText(buf, start, end, ordinal, now, bytes, false);
  }

  /** Hands over a message of `size` bytes inflated, of which `bytes[0, count)` was kept. */
  #done(bytes: Buffer, count: number, size: number, { opcode, ordinal, now }: Unread): void {
    if (!this.#takeover) this.#inflater.reset();
    const tooLarge = size > this.#context.limits.messageBytes;
    if (opcode !== TEXT) tellBinary(this.#tap, tooLarge ? undefined : bytes, 0, count, ordinal, now, size);
    else if (tooLarge) {
      this.#context.counters.messageBytesExceeded++;
      this.#tooLarge(ordinal, now, size);
    } else this.#tap.upstreamText(bytes, 0, count, ordinal, now, size, false);
  }

  /** Gives up a compressed message. With context takeover no later one can be read either. */
  #lost(tooLarge: boolean, { opcode, ordinal, now, bytes }: Unread): void {
    if (this.#takeover) this.#goBlind();
    else this.#inflater.reset();
    const unseen = this.#takeover ? 'here' : 'once';
    if (opcode !== TEXT) this.#tap.upstreamSkipped('binary', ordinal, now, bytes, unseen);
    else if (tooLarge) this.#tooLarge(ordinal, now, bytes, unseen);
    else {
      this.#context.counters.messagesUnreadable++;
      this.#tap.upstreamSkipped('unreadable', ordinal, now, bytes, unseen);
    }
  }

  /** Reports that the window is lost. Later compressed messages are `unreadable` (SPEC D16). */
  #goBlind(): void {
    if (this.#broken) return;
    this.#broken = true;
    const error = new Error('a compressed message could not be read; no later one of its connection can');
    this.#context.report({ stage: 'inflate', error });
  }

  #tooLarge(ordinal: number, now: number, bytes: number, unseen: Unseen = 'once'): void {
    this.#context.counters.messagesTooLarge++;
    this.#tap.upstreamSkipped('too_large', ordinal, now, bytes, unseen);
  }

  /** Queues a copy of `buf[start, end)`, or without room only the fact of the message. */
  #wait(buf: Buffer | undefined, start: number, end: number, message: Unread): void {
    const { counters, limits } = this.#context;
    const length = end - start;
    if (buf !== undefined && length > 0 && counters.collectedBytes + length > limits.inFlightBytes) {
      counters.inFlightRefused++;
      buf = undefined;
    }
    this.#enqueue(buf && Buffer.from(buf.subarray(start, end)), buf === undefined ? 0 : length, message);
  }

  #enqueue(data: Buffer | undefined, length: number, message: Unread): void {
    const held = JOB_BYTES + length;
    const job: Job = { data, message, held, next: undefined };
    if (this.#tail === undefined) this.#head = job;
    else this.#tail.next = job;
    this.#tail = job;
    this.#queuedBytes += held;
    this.#context.counters.collectedBytes += held;
    this.#context.counters.undecoded++;
    this.#tap.undecoded(1);
  }

  #shift(): void {
    const job = this.#head!;
    this.#head = job.next;
    if (this.#head === undefined) this.#tail = undefined;
    this.#queuedBytes -= job.held;
    this.#context.counters.collectedBytes -= job.held;
    this.#context.counters.undecoded--;
    this.#tap.undecoded(-1);
    if (this.#head === undefined) this.onIdle?.();
  }
}

function continueReading(reader: SideReader): void {
  reader.work();
}
