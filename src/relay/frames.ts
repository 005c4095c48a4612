// relay, step 1: reads WebSocket frame headers (RFC 6455 §5.2) wherever the chunks were cut; copies no payload, allocates nothing per frame.

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** `FrameScanner.header`: the header goes on in the next chunk. */
export const MORE = -1;
/** `FrameScanner.header`: the peer broke the framing rules; nothing after this can be trusted. */
export const BAD = -2;

const MAX_HEADER = 14;
const TWO_32 = 2 ** 32;
/** Lengths above 2^53 - 1 cannot be counted exactly; no peer means them. */
const MAX_LENGTH_HIGH = 2 ** 21 - 1;

/** Header length by second byte: 2, + 2 or 8 for an extended length, + 4 for a mask. */
const HEADER_SIZE = new Uint8Array(256);
for (let b1 = 0; b1 < 256; b1++) {
  const length = b1 & 0x7f;
  HEADER_SIZE[b1] = 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (b1 & 0x80 ? 4 : 0);
}

/** Resumable header reader for one direction. The fields describe the frame whose header was read last. */
export class FrameScanner {
  opcode = 0;
  fin = false;
  /** Payload length of the frame, bytes. */
  length = 0;
  /** Masking key as a signed 32-bit big-endian word; 0 when frames are not masked. */
  key = 0;
  /** A data message has begun and its FIN frame has not been seen. */
  open = false;
  /** Opcode of the data message that the latest data frame belongs to. */
  messageOpcode = 0;
  /** That message is compressed (RSV1, RFC 7692 §6). */
  compressed = false;
  /** Lenient scanners only: the frame breaks the framing rules, but its length can be read. */
  odd = false;
  /** Bytes of an incomplete header kept from earlier chunks. */
  private have = 0;
  private partial: Buffer | undefined = undefined;
  private readonly maskBit: number;
  private readonly deflate: boolean;
  private readonly lenient: boolean;

  /**
   * `masked`: this direction carries masked frames (client → upstream). `deflate`: RSV1 is allowed. `lenient`: a frame that breaks
   * the rules is `odd` instead of `BAD` as long as its length can be read.
   */
  constructor(masked: boolean, deflate: boolean, lenient = false) {
    this.maskBit = masked ? 0x80 : 0;
    this.deflate = deflate;
    this.lenient = lenient;
  }

  /** Whether the bytes seen so far end inside a header. */
  get inHeader(): boolean {
    return this.have !== 0;
  }

  /** Reads the header that starts (or goes on) at `pos`: the position of the payload, `MORE` or `BAD`. */
  header(buf: Buffer, pos: number, end: number): number {
    if (this.have !== 0 || end - pos < 2) return this.collect(buf, pos, end);
    const size = HEADER_SIZE[buf[pos + 1]!]!;
    if (end - pos < size) return this.collect(buf, pos, end);
    return this.parse(buf, pos) ? pos + size : BAD;
  }

  private collect(buf: Buffer, pos: number, end: number): number {
    this.partial ??= Buffer.allocUnsafe(MAX_HEADER);
    const partial = this.partial;
    while (pos < end) {
      partial[this.have++] = buf[pos++]!;
      if (this.have < 2 || this.have < HEADER_SIZE[partial[1]!]!) continue;
      this.have = 0;
      this.partial = undefined;
      return this.parse(partial, 0) ? pos : BAD;
    }
    return MORE;
  }

  private parse(buf: Buffer, pos: number): boolean {
    const b0 = buf[pos]!;
    const b1 = buf[pos + 1]!;
    if (!this.begin(b0, b1)) {
      if (!this.lenient) return false;
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
    if (this.maskBit !== 0 && b1 >= 0x80)
      this.key = (buf[p]! << 24) | (buf[p + 1]! << 16) | (buf[p + 2]! << 8) | buf[p + 3]!;
    return true;
  }

  /** Checks the first two bytes (RFC 6455 §5.2, §5.4, §5.5) and notes which message the frame belongs to. */
  private begin(b0: number, b1: number): boolean {
    if ((b0 & 0x30) !== 0 || (b1 & 0x80) !== this.maskBit) return false;
    const opcode = b0 & 0x0f;
    const fin = b0 >= 0x80;
    const rsv1 = (b0 & 0x40) !== 0;
    if (opcode >= CLOSE) {
      if (opcode > PONG || !fin || rsv1 || (b1 & 0x7f) > 125) return false;
    } else if (opcode === CONTINUATION) {
      if (!this.open || rsv1) return false;
      this.open = !fin;
    } else {
      if (opcode > BINARY || this.open || (rsv1 && !this.deflate)) return false;
      this.open = !fin;
      this.messageOpcode = opcode;
      this.compressed = rsv1;
    }
    this.opcode = opcode;
    this.fin = fin;
    return true;
  }
}
