// relay: reads WebSocket frame headers (RFC 6455 §5.2) wherever chunks were cut; copies no payload, allocates nothing.

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** Answer of `FrameScanner.header`: the header goes on in the next chunk. */
export const MORE = -1;
/**
 * Answer of `FrameScanner.header`: the peer broke the framing rules, so that no later byte can be
 * trusted.
 */
export const BAD = -2;

const MAX_HEADER = 14;
const TWO_32 = 2 ** 32;
/**
 * Bound of the upper half of a length. Lengths above 2^53 - 1 cannot be counted exactly, and no
 * peer means them.
 */
const MAX_LENGTH_HIGH = 2 ** 21 - 1;

/** Length of a header by its second byte: 2, + 2 or 8 for an extended length, + 4 for a mask. */
const HEADER_SIZE = new Uint8Array(256);
for (let b1 = 0; b1 < 256; b1++) {
  const length = b1 & 0x7f;
  HEADER_SIZE[b1] = 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (b1 & 0x80 ? 4 : 0);
}

/**
 * A header reader for one direction that can be interrupted. Its fields describe the frame whose
 * header was read last.
 */
export class FrameScanner {
  opcode = 0;
  fin = false;
  /** Payload length of the frame, bytes. */
  length = 0;
  /** Masking key as a signed 32-bit big-endian word; 0 when frames are not masked. */
  key = 0;
  /** Whether a data message has begun and its FIN frame has not come. */
  open = false;
  /** Opcode of the data message of the latest data frame. */
  messageOpcode = 0;
  /** Whether that message is compressed (RSV1, RFC 7692 §6). */
  compressed = false;
  /**
   * Whether the frame breaks the framing rules, but has a readable length. Only lenient scanners
   * say so.
   */
  odd = false;
  /** Bytes of an incomplete header that earlier chunks brought. */
  #have = 0;
  #partial: Buffer | undefined = undefined;
  readonly #maskBit: number;
  readonly #deflate: boolean;
  readonly #lenient: boolean;

  /**
   * `masked`: frames of this direction are masked (client to upstream). `deflate`: RSV1 is allowed.
   * `lenient`: a frame that breaks the rules is `odd` in place of `BAD`, as long as its length can
   * be read.
   */
  constructor(masked: boolean, deflate: boolean, lenient = false) {
    this.#maskBit = masked ? 0x80 : 0;
    this.#deflate = deflate;
    this.#lenient = lenient;
  }

  /** Whether the bytes seen so far end inside a header. */
  get inHeader(): boolean {
    return this.#have !== 0;
  }

  /**
   * Reads the header that starts, or goes on, at `pos`. Answers the position of the payload, `MORE`
   * or `BAD`.
   */
  header(buf: Buffer, pos: number, end: number): number {
    if (this.#have !== 0 || end - pos < 2) return this.#collect(buf, pos, end);
    const size = HEADER_SIZE[buf[pos + 1]!]!;
    if (end - pos < size) return this.#collect(buf, pos, end);
    return this.#parse(buf, pos) ? pos + size : BAD;
  }

  #collect(buf: Buffer, pos: number, end: number): number {
    this.#partial ??= Buffer.allocUnsafe(MAX_HEADER);
    const partial = this.#partial;
    while (pos < end) {
      partial[this.#have++] = buf[pos++]!;
      if (this.#have < 2 || this.#have < HEADER_SIZE[partial[1]!]!) continue;
      this.#have = 0;
      this.#partial = undefined;
      return this.#parse(partial, 0) ? pos : BAD;
    }
    return MORE;
  }

  #parse(buf: Buffer, pos: number): boolean {
    const b0 = buf[pos]!;
    const b1 = buf[pos + 1]!;
    if (!this.#begin(b0, b1)) {
      if (!this.#lenient) return false;
      this.odd = true;
      this.fin = b0 >= 0x80;
    } else this.odd = false;
    let length = b1 & 0x7f;
    let p = pos + 2;
    if (length === 126) {
      length = (buf[p]! << 8) | buf[p + 1]!;
      p += 2;
    } else if (length === 127) {
      const high = buf.readUInt32BE(p);
      if (high > MAX_LENGTH_HIGH) return false;
      length = high * TWO_32 + buf.readUInt32BE(p + 4);
      p += 8;
    }
    this.length = length;
    if (this.#maskBit !== 0 && b1 >= 0x80)
      this.key = (buf[p]! << 24) | (buf[p + 1]! << 16) | (buf[p + 2]! << 8) | buf[p + 3]!;
    return true;
  }

  /** Checks the first two bytes (RFC 6455 §5.2, §5.4, §5.5), and notes the message of the frame. */
  #begin(b0: number, b1: number): boolean {
    if ((b0 & 0x30) !== 0 || (b1 & 0x80) !== this.#maskBit) return false;
    const opcode = b0 & 0x0f;
    const fin = b0 >= 0x80;
    const rsv1 = (b0 & 0x40) !== 0;
    if (opcode >= CLOSE) {
      if (opcode > PONG || !fin || rsv1 || (b1 & 0x7f) > 125) return false;
    } else if (opcode === CONTINUATION) {
      if (!this.open || rsv1) return false;
      this.open = !fin;
    } else {
      if (opcode > BINARY || this.open || (rsv1 && !this.#deflate)) return false;
      this.open = !fin;
      this.messageOpcode = opcode;
      this.compressed = rsv1;
    }
    this.opcode = opcode;
    this.fin = fin;
    return true;
  }
}
