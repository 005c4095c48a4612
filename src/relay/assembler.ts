// relay: collects the payload of one message that came in several frames or chunks, in one growing buffer of bounded size.

const FIRST = 256;
const FIRST_MAX = 65_536;

/** The bytes of one message so far. Grows by doubling, so a peer that drips bytes costs what it sent, not what it announced. */
export class MessageBuffer {
  length = 0;
  private bytes: Buffer;

  /** `expected`: bytes that are probably coming; only a hint. */
  constructor(expected: number) {
    this.bytes = Buffer.allocUnsafe(firstSize(expected));
  }

  /** What the buffer occupies, bytes. */
  get capacity(): number {
    return this.bytes.length;
  }

  append(src: Buffer, start: number, end: number): void {
    this.reserve(end - start);
    src.copy(this.bytes, this.length, start, end);
    this.length += end - start;
  }

  /** What the buffer will occupy with `count` bytes more, if no more than `most` are to come in all. */
  sizeWith(count: number, most: number): number {
    const needed = this.length + count;
    const now = this.bytes.length;
    return needed <= now ? now : Math.max(needed, Math.min(now * 2, most));
  }

  /** Room for `count` more bytes: the buffer and, as `length`, where they go. The caller then adds to `length`. */
  reserve(count: number, most = Number.POSITIVE_INFINITY): Buffer {
    const size = this.sizeWith(count, most);
    if (size > this.bytes.length) {
      const grown = Buffer.allocUnsafe(size);
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    return this.bytes;
  }

  /** The collected bytes; shares memory with this object. */
  view(): Buffer {
    return this.bytes.subarray(0, this.length);
  }
}

/** What a buffer occupies at first. */
export function firstSize(expected: number): number {
  return Math.min(Math.max(expected, FIRST), FIRST_MAX);
}
