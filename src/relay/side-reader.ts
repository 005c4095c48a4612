// Relay, on the side: reads compressed messages. Small ones at once; large ones in slices between other work, everything after them in order.
import { MessageBuffer } from './assembler.ts';
import type { Deflate } from './extensions.ts';
import { TEXT } from './frames.ts';
import { createInflater, type Inflater } from './inflate.ts';
import type { RelayContext, Tap } from './tap.ts';

/** Output per step, bytes: about 0.2 ms of work, the most that a large message delays other connections at a time. */
const SLICE = 65_536;
/** What a queued message costs beside its bytes. */
const JOB_BYTES = 256;
/** A message that inflates to more than so many times `messageBytes` is not inflated to its end, and the window is lost with it. */
const BOMB = 16;
/** The queue of one connection may hold this much even where `messageBytes` is less. */
const MIN_QUEUE_BYTES = 1024 * 1024;

const slice = Buffer.allocUnsafeSlow(SLICE);

interface Job {
  /** Undefined: too large to be read. */
  readonly data: Buffer | undefined;
  readonly opcode: number;
  readonly compressed: boolean;
  readonly ordinal: number;
  readonly now: number;
  next: Job | undefined;
}

/** Reads the messages of one connection, upstream → client, from the first compressed one on. */
export class SideReader {
  /** Called whenever the queue has become empty, by whatever emptied it. */
  onIdle: (() => void) | undefined = undefined;
  private readonly inflater: Inflater;
  private readonly takeover: boolean;
  private readonly maxQueueBytes: number;
  private readonly tap: Tap;
  private readonly context: RelayContext;
  private head: Job | undefined = undefined;
  private tail: Job | undefined = undefined;
  private queuedBytes = 0;
  private scheduled = false;
  /** Output of the message under way beyond its first slice. */
  private output: MessageBuffer | undefined = undefined;
  /** How much of the message under way, which is too large to be read, has been inflated for the window's sake; 0 = it is read. */
  private discarded = 0;
  /** A message was lost to the window: nothing compressed after it can be read. */
  private broken = false;

  constructor(deflate: Deflate, tap: Tap, context: RelayContext) {
    this.inflater = createInflater(deflate.serverMaxWindowBits, context.limits.messageBytes);
    this.takeover = !deflate.serverNoContextTakeover;
    this.maxQueueBytes = Math.max(context.limits.messageBytes, MIN_QUEUE_BYTES);
    this.tap = tap;
    this.context = context;
  }

  get busy(): boolean {
    return this.head !== undefined;
  }

  /** Reads a whole message `buf[start, end)` now, or copies what is needed and reads it later. `buf` undefined: it was too large to keep. */
  submit(
    buf: Buffer | undefined,
    start: number,
    end: number,
    opcode: number,
    compressed: boolean,
    ordinal: number,
    now: number,
  ): void {
    if (this.head !== undefined && this.queuedBytes + JOB_BYTES + end - start > this.maxQueueBytes) this.giveUp();
    if (this.head !== undefined) {
      const data = buf === undefined ? undefined : Buffer.from(buf.subarray(start, end));
      this.enqueue(data, opcode, compressed, ordinal, now);
      return;
    }
    if (!compressed) {
      this.handOver(buf, start, end, opcode, ordinal, now);
      return;
    }
    if (buf === undefined || this.broken) {
      this.lost(buf === undefined, opcode, ordinal, now);
      return;
    }
    this.inflater.start(buf, start, end);
    const count = this.inflater.read(slice);
    if (count < 0) {
      this.lost(false, opcode, ordinal, now);
    } else if (this.inflater.finished) {
      this.done(slice, count, opcode, ordinal, now);
    } else {
      this.inflater.keep();
      this.output = new MessageBuffer(SLICE * 2);
      this.output.append(slice, 0, count);
      this.enqueue(undefined, opcode, true, ordinal, now);
      this.schedule();
    }
  }

  /** Frees the inflater. Call when not busy. */
  close(): void {
    this.inflater.close();
  }

  /** One slice of work. */
  work(): void {
    this.scheduled = false;
    const job = this.head;
    if (job === undefined) return;
    if (this.output !== undefined) {
      if (this.inflate(job, this.output)) this.shift();
    } else if (job.compressed && job.data !== undefined && !this.broken) {
      this.inflater.start(job.data, 0, job.data.length);
      this.output = new MessageBuffer(job.data.length * 4);
    } else {
      this.pass(job);
      this.shift();
    }
    if (this.head !== undefined) this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(continueReading, this);
  }

  /** Inflates the next slice of the first job; true when the message has been handed over. */
  private inflate(job: Job, output: MessageBuffer): boolean {
    const { messageBytes } = this.context.limits;
    const count = this.inflater.read(slice);
    if (this.discarded > 0) this.discarded += Math.max(count, 0);
    else if (count > 0) output.append(slice, 0, count);
    if (this.discarded === 0 && output.length > messageBytes) {
      // The rest moves the window that later messages need, and is not kept.
      this.discarded = output.length;
      this.output = new MessageBuffer(0);
    }
    if (count < 0 || this.discarded > (this.takeover ? BOMB * messageBytes : 0)) {
      this.output = undefined;
      this.discarded = 0;
      this.lost(count >= 0, job.opcode, job.ordinal, job.now);
      return true;
    }
    if (!this.inflater.finished) return false;
    this.output = undefined;
    if (this.discarded > 0) {
      this.discarded = 0;
      this.handOver(undefined, 0, 0, job.opcode, job.ordinal, job.now);
      return true;
    }
    const bytes = output.view();
    this.done(bytes, bytes.length, job.opcode, job.ordinal, job.now);
    return true;
  }

  /** Hands over a queued message that is not inflated. */
  private pass(job: Job): void {
    const { data } = job;
    if (job.compressed) this.lost(data === undefined, job.opcode, job.ordinal, job.now);
    else this.handOver(data, 0, data === undefined ? 0 : data.length, job.opcode, job.ordinal, job.now);
  }

  /** More has come in than may wait: what is compressed in the queue is not read. */
  private giveUp(): void {
    this.output = undefined;
    this.discarded = 0;
    if (this.takeover) this.goBlind();
    else this.inflater.reset();
    while (this.head !== undefined) {
      this.pass(this.head);
      this.shift();
    }
  }

  /** An uncompressed message. */
  private handOver(
    buf: Buffer | undefined,
    start: number,
    end: number,
    opcode: number,
    ordinal: number,
    now: number,
  ): void {
    if (opcode !== TEXT) this.tap.upstreamSkipped('binary', ordinal, now);
    else if (buf === undefined) this.tooLarge(ordinal, now);
    else this.tap.upstreamText(buf, start, end, ordinal, now);
  }

  /** The message in `bytes[0, count)` is read. */
  private done(bytes: Buffer, count: number, opcode: number, ordinal: number, now: number): void {
    if (!this.takeover) this.inflater.reset();
    if (opcode !== TEXT) this.tap.upstreamSkipped('binary', ordinal, now);
    else if (count > this.context.limits.messageBytes) this.tooLarge(ordinal, now);
    else this.tap.upstreamText(bytes, 0, count, ordinal, now);
  }

  /** A compressed message cannot be read; with context takeover, no later compressed one can either. */
  private lost(tooLarge: boolean, opcode: number, ordinal: number, now: number): void {
    if (this.takeover) this.goBlind();
    else this.inflater.reset();
    if (opcode !== TEXT) this.tap.upstreamSkipped('binary', ordinal, now);
    else if (tooLarge) this.tooLarge(ordinal, now);
    else {
      this.context.counters.messagesUnreadable++;
      this.tap.upstreamSkipped('unreadable', ordinal, now);
    }
  }

  /** The window is lost: that is said once, and every later compressed message is counted as `unreadable` (SPEC D16). */
  private goBlind(): void {
    if (this.broken) return;
    this.broken = true;
    const error = new Error('a compressed message could not be read; no later one of its connection can');
    this.context.report({ stage: 'inflate', error });
  }

  private tooLarge(ordinal: number, now: number): void {
    this.context.counters.messagesTooLarge++;
    this.tap.upstreamSkipped('too_large', ordinal, now);
  }

  private enqueue(data: Buffer | undefined, opcode: number, compressed: boolean, ordinal: number, now: number): void {
    const job: Job = { data, opcode, compressed, ordinal, now, next: undefined };
    if (this.tail === undefined) this.head = job;
    else this.tail.next = job;
    this.tail = job;
    this.queuedBytes += JOB_BYTES + (data === undefined ? 0 : data.length);
    this.context.counters.undecoded++;
    this.tap.undecoded(1);
  }

  private shift(): void {
    const job = this.head!;
    this.head = job.next;
    if (this.head === undefined) this.tail = undefined;
    this.queuedBytes -= JOB_BYTES + (job.data === undefined ? 0 : job.data.length);
    this.context.counters.undecoded--;
    this.tap.undecoded(-1);
    if (this.head === undefined) this.onIdle?.();
  }
}

function continueReading(reader: SideReader): void {
  reader.work();
}
