// relay: collects the payload of a message that came in several frames or chunks, in one growing buffer.

const FIRST = 256;
const FIRST_MAX = 65_536;

/**
 * The bytes of one message so far. The buffer grows by doubling, so that a peer costs what it sent,
 * not what it announced.
 */
export class MessageBuffer {
  length = 0;
  #bytes: Buffer;

  /** `expected` is a hint: the bytes that will probably come. */
  constructor(expected: number) {
    this.#bytes = Buffer.allocUnsafe(firstSize(expected));
  }

  /** Memory of the buffer, bytes. */
  get capacity(): number {
    return this.#bytes.length;
  }

  append(src: Buffer, start: number, end: number): void {
    this.reserve(end - start);
    src.copy(this.#bytes, this.length, start, end);
    this.length += end - start;
  }

  /** Memory of the buffer after `count` more bytes, if at most `most` come in all. */
  sizeWith(count: number, most: number): number {
    const needed = this.length + count;
    const now = this.#bytes.length;
    return needed <= now ? now : Math.max(needed, Math.min(now * 2, most));
  }

  /**
   * Makes room for `count` more bytes. The caller writes them at `length` of the answer, and then
   * adds to `length`.
   */
  reserve(count: number, most = Number.POSITIVE_INFINITY): Buffer {
    const size = this.sizeWith(count, most);
    if (size > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(size);
      this.#bytes.copy(grown, 0, 0, this.length);
      this.#bytes = grown;
    }
    return this.#bytes;
  }

  /** The collected bytes, which share memory with this object. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }
}

/** Memory of a new buffer, bytes. */
export function firstSize(expected: number): number {
  return Math.min(Math.max(expected, FIRST), FIRST_MAX);
}
