// relay: what is kept of a message that comes in parts: all, its beginning, or nothing, bounded over all connections.
import { firstSize, MessageBuffer } from './assembler.ts';
import type { RelayContext } from './tap.ts';

/**
 * Share of `inFlightBytes` for messages that are kept whole, for a replay. The rest is for
 * beginnings, which are read.
 */
const WHOLE_SHARE = 0.5;

const EMPTY = Buffer.alloc(0);

export class Collected {
  /** Payload bytes so far, kept or not. */
  size = 0;
  /**
   * Whether nothing is kept: the message is longer than `messageBytes`, or found no room (SPEC D7).
   */
  unread = false;
  #buffer: MessageBuffer | undefined = undefined;
  readonly #context: RelayContext;
  /** Length up to which a message is kept whole, bytes. */
  readonly #whole: number;
  /** Length of the beginning that is kept of a longer message, bytes. */
  readonly #beginning: number;
  /** Whether only the beginning is kept. */
  #cut = false;
  /** Memory of the buffer as it was counted last, bytes. */
  #held = 0;

  /**
   * Keeps a message of at most `whole` bytes whole, and the first `beginning` bytes of a longer
   * one.
   */
  constructor(context: RelayContext, whole: number, beginning: number) {
    this.#context = context;
    this.#whole = Math.max(whole, beginning);
    this.#beginning = beginning;
  }

  /** Adds the next part, `buf[start, end)`, of a message that has at least `total` bytes. */
  add(buf: Buffer, start: number, end: number, total: number): void {
    this.size += end - start;
    if (this.unread) return;
    if (total > this.#context.limits.messageBytes) {
      this.#context.counters.messageBytesExceeded++;
      this.#refuse();
      return;
    }
    if (total > this.#whole && !this.#cut) this.#cutDown();
    if (!this.#room(end - start, total)) return;
    const buffer = this.#buffer!;
    const stop = this.#cut ? Math.min(end, start + this.#beginning - buffer.length) : end;
    if (stop > start) buffer.append(buf, start, stop);
  }

  /** The kept bytes, valid until `release`; undefined = the message cannot be read. */
  view(): Buffer | undefined {
    return this.unread ? undefined : (this.#buffer?.view() ?? EMPTY);
  }

  /** Gives the memory back. */
  release(): void {
    this.#buffer = undefined;
    this.#count(0);
  }

  /** Makes room for `count` more bytes. False = nothing is kept from here on. */
  #room(count: number, total: number): boolean {
    const buffer = this.#buffer;
    const most = this.#cut ? this.#beginning : total;
    const wanted = this.#cut ? Math.min(count, most - (buffer?.length ?? 0)) : count;
    const size = buffer?.sizeWith(wanted, most) ?? Math.max(firstSize(most), wanted);
    if (this.#fits(size)) {
      this.#use(buffer ?? new MessageBuffer(most));
      this.#buffer!.reserve(wanted, most);
      this.#use(this.#buffer!);
      return true;
    }
    if (this.#cut || this.#whole === this.#beginning) {
      this.#context.counters.inFlightRefused++;
      this.#refuse();
      return false;
    }
    this.#cutDown();
    return this.#room(count, total);
  }

  #fits(size: number): boolean {
    const { counters, limits } = this.#context;
    const share = size > this.#beginning ? WHOLE_SHARE : 1;
    return size <= this.#held || counters.collectedBytes + size - this.#held <= limits.inFlightBytes * share;
  }

  /** Keeps only the beginning from here on. */
  #cutDown(): void {
    this.#cut = true;
    const buffer = this.#buffer;
    if (buffer === undefined || buffer.capacity <= this.#beginning) return;
    const shorter = new MessageBuffer(this.#beginning);
    shorter.append(buffer.view(), 0, Math.min(buffer.length, this.#beginning));
    this.#use(shorter);
  }

  #refuse(): void {
    this.unread = true;
    this.release();
  }

  /** Keeps the message in `buffer`, and counts its memory. */
  #use(buffer: MessageBuffer): void {
    this.#buffer = buffer;
    this.#count(buffer.capacity);
  }

  #count(held: number): void {
    this.#context.counters.collectedBytes += held - this.#held;
    this.#held = held;
  }
}
