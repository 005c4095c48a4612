// telemetry: a growing buffer of protobuf wire format, with the few field kinds that spans and metrics need.

/** Value of each hexadecimal digit by character code. */
const HEX_VALUE = new Uint8Array(128);
for (let digit = 0; digit < 16; digit++) {
  HEX_VALUE[digit.toString(16).charCodeAt(0)] = digit;
  HEX_VALUE[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

const TWO_TO_32 = 2 ** 32;

/**
 * Write-only; `take` hands over what was written and starts again. Tags are given whole: field
 * number << 3 | wire type.
 */
export class ProtobufBuffer {
  position = 0;
  #bytes: Buffer = Buffer.alloc(0);
  readonly #double = new Float64Array(1);
  readonly #doubleBytes = new Uint8Array(this.#double.buffer);
  /**
   * The size of the next buffer. It grows with what was needed before, so that a busy buffer is
   * allocated once per batch.
   */
  #initial = 4096;
  #lastSecond = -1;
  #secondLow = 0;
  #secondHigh = 0;

  /** Everything since the last call. The caller owns it. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.position);
    this.#initial = Math.max(this.#initial, this.#bytes.length);
    this.#bytes = Buffer.alloc(0);
    this.position = 0;
    return taken;
  }

  /** A copy of what was written since `from`. */
  slice(from: number): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#bytes, from, this.position);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.position++] = value;
  }

  copy(source: Uint8Array): void {
    const { length } = source;
    this.#reserve(length);
    const bytes = this.#bytes;
    let at = this.position;
    this.position += length;
    // Below this length a loop is faster than the call.
    if (length > 48) bytes.set(source, at);
    else for (let i = 0; i < length; i++) bytes[at++] = source[i]!;
  }

  /** Leaves `room` bytes for a length that is not known yet. Give both to `close`. */
  open(room: number): number {
    this.#reserve(room);
    this.position += room;
    return this.position;
  }

  /**
   * Writes the length of everything since `open`, moving it when the length takes more or fewer
   * bytes than the room.
   */
  close(start: number, room: number): void {
    const length = this.position - start;
    const size = varintSize(length);
    if (size !== room) {
      this.#reserve(Math.max(0, size - room));
      this.#bytes.copyWithin(start - room + size, start, this.position);
      this.position += size - room;
    }
    const end = this.position;
    this.position = start - room;
    this.#varint(length);
    this.position = end;
  }

  uint(tag: number, value: number): void {
    this.#reserve(11);
    this.#bytes[this.position++] = tag;
    this.#varint(value);
  }

  /** A number of a packed field. */
  varint(value: number): void {
    this.#reserve(10);
    this.#varint(value);
  }

  /** int64 of a safe integer; a negative one takes ten bytes, as the wire format wants. */
  int(tag: number, value: number): void {
    if (value >= 0) {
      this.uint(tag, value);
      return;
    }
    this.#reserve(11);
    const bytes = this.#bytes;
    bytes[this.position++] = tag;
    let rest = BigInt.asUintN(64, BigInt(value));
    for (let i = 0; i < 9; i++, rest >>= 7n) bytes[this.position++] = Number(rest & 0x7fn) | 0x80;
    bytes[this.position++] = Number(rest);
  }

  /** `tag` undefined: one of a packed field. */
  double(tag: number | undefined, value: number): void {
    if (tag !== undefined) this.byte(tag);
    this.#double[0] = value;
    this.copy(this.#doubleBytes);
  }

  /** fixed64 of a whole number up to 2^53. `tag` undefined: one of a packed field. */
  fixed64(tag: number | undefined, value: number): void {
    if (tag !== undefined) this.byte(tag);
    this.fixed32(value % TWO_TO_32);
    this.fixed32(Math.floor(value / TWO_TO_32));
  }

  fixed32(value: number): void {
    this.#reserve(4);
    this.position = this.#bytes.writeUInt32LE(value >>> 0, this.position);
  }

  /** fixed64 of seconds and nanoseconds as nanoseconds, exactly: a double could not hold them. */
  nanos(seconds: number, nanos: number): void {
    if (seconds !== this.#lastSecond) {
      const total = BigInt(seconds) * 1_000_000_000n;
      this.#lastSecond = seconds;
      this.#secondLow = Number(total & 0xffffffffn);
      this.#secondHigh = Number(total >> 32n);
    }
    const low = this.#secondLow + nanos;
    this.#reserve(8);
    const bytes = this.#bytes;
    const at = this.position;
    const l = low >>> 0;
    const h = low >= TWO_TO_32 ? this.#secondHigh + 1 : this.#secondHigh;
    bytes[at] = l;
    bytes[at + 1] = l >>> 8;
    bytes[at + 2] = l >>> 16;
    bytes[at + 3] = l >>> 24;
    bytes[at + 4] = h;
    bytes[at + 5] = h >>> 8;
    bytes[at + 6] = h >>> 16;
    bytes[at + 7] = h >>> 24;
    this.position = at + 8;
  }

  /** Bytes field of `length` bytes from hexadecimal digits. */
  hex(tag: number, digits: string, length: number): void {
    this.#reserve(2 + length);
    const bytes = this.#bytes;
    let at = this.position;
    bytes[at++] = tag;
    bytes[at++] = length;
    for (let i = 0; i < length * 2; i += 2) {
      bytes[at++] = (HEX_VALUE[digits.charCodeAt(i)]! << 4) | HEX_VALUE[digits.charCodeAt(i + 1)]!;
    }
    this.position = at;
  }

  /** String field in UTF-8; lone surrogates become U+FFFD. */
  string(tag: number, text: string): void {
    const { length } = text;
    this.#reserve(11 + length);
    const start = this.position;
    this.#bytes[this.position++] = tag;
    this.#varint(length);
    const bytes = this.#bytes;
    let at = this.position;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        this.position = start;
        this.#wideString(tag, text);
        return;
      }
      bytes[at++] = code;
    }
    this.position = at;
  }

  #wideString(tag: number, text: string): void {
    const size = Buffer.byteLength(text);
    this.#reserve(11 + size);
    this.#bytes[this.position++] = tag;
    this.#varint(size);
    this.position += this.#bytes.write(text, this.position, size, 'utf8');
  }

  #varint(value: number): void {
    const bytes = this.#bytes;
    while (value > 0x7f) {
      bytes[this.position++] = (value & 0x7f) | 0x80;
      value = value < TWO_TO_32 ? value >>> 7 : Math.floor(value / 128);
    }
    bytes[this.position++] = value;
  }

  #reserve(size: number): void {
    const needed = this.position + size;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#initial, this.#bytes.length * 2, needed));
    grown.set(this.#bytes.subarray(0, this.position));
    this.#bytes = grown;
  }
}

/** Bytes that a length or other unsigned number takes. */
export function varintSize(value: number): number {
  let size = 1;
  for (; value > 0x7f; value = Math.floor(value / 128)) size++;
  return size;
}
