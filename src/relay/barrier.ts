// relay: barrier pings. All data messages up to N precede the ping that says N, so that its pong confirms through N.
import { randomFillSync } from 'node:crypto';
import { PING } from './frames.ts';
import type { Sink } from './sink.ts';

/**
 * Length of a barrier's payload: 6 random bytes, a 16-bit serial number, a 48-bit ordinal; all
 * big-endian.
 */
export const BARRIER_PAYLOAD = 14;
/** Length of a barrier frame, bytes: an unmasked Ping (RFC 6455 §5.5.2). */
export const BARRIER_BYTES = BARRIER_PAYLOAD + 2;

const TWO_32 = 2 ** 32;
const POOL_BYTES = 6 * 512;
const pool = Buffer.allocUnsafe(POOL_BYTES);
let poolAt = POOL_BYTES;

/** The barriers of one client. Writes them, and knows their pongs. */
export class BarrierCodec {
  /** Barriers written. The low 16 bits are the serial number of the latest. */
  sent = 0;
  /** Number of the latest barrier that was answered, from 1; 0 = none was. */
  answered = 0;
  /** Ordinal in the latest barrier. */
  through = 0;
  readonly #nonceHigh: number;
  readonly #nonceLow: number;

  constructor() {
    if (poolAt === POOL_BYTES) {
      randomFillSync(pool);
      poolAt = 0;
    }
    this.#nonceHigh = pool.readInt32BE(poolAt);
    this.#nonceLow = pool.readUInt16BE(poolAt + 4);
    poolAt += 6;
  }

  /** Makes the next barrier, for data messages up to `through`. */
  frame(through: number): Buffer {
    const out = Buffer.allocUnsafe(BARRIER_BYTES);
    this.write(out, 0, through);
    return out;
  }

  /** Writes `chunk` to `sink` with the next barrier at offset `at`. */
  send(sink: Sink, chunk: Buffer, at: number, through: number): void {
    const size = chunk.length;
    const out = sink.room(size + BARRIER_BYTES);
    if (at === size) out.set(chunk, 0);
    else {
      chunk.copy(out, 0, 0, at);
      chunk.copy(out, at + BARRIER_BYTES, at);
    }
    this.write(out, at, through);
    sink.write(out);
  }

  /**
   * Writes the next barrier, for data messages up to `through`, to `out[at, at + BARRIER_BYTES)`.
   */
  write(out: Buffer, at: number, through: number): void {
    const serial = ++this.sent & 0xffff;
    this.through = through;
    out[at] = 0x80 | PING;
    out[at + 1] = BARRIER_PAYLOAD;
    const nonce = this.#nonceHigh;
    out[at + 2] = nonce >>> 24;
    out[at + 3] = nonce >>> 16;
    out[at + 4] = nonce >>> 8;
    out[at + 5] = nonce;
    out[at + 6] = this.#nonceLow >>> 8;
    out[at + 7] = this.#nonceLow;
    out[at + 8] = serial >>> 8;
    out[at + 9] = serial;
    const high = Math.floor(through / TWO_32);
    out[at + 10] = high >>> 8;
    out[at + 11] = high;
    const low = through >>> 0;
    out[at + 12] = low >>> 24;
    out[at + 13] = low >>> 16;
    out[at + 14] = low >>> 8;
    out[at + 15] = low;
  }

  /** Whether the payload at `buf[p, p + BARRIER_PAYLOAD)`, masked with `key`, carries our nonce. */
  isOurs(buf: Buffer, p: number, key: number): boolean {
    return word(buf, p, key) === this.#nonceHigh && word(buf, p + 4, key) >>> 16 === this.#nonceLow;
  }

  /**
   * Number of the barrier that a pong with our nonce answers, from 1; 0 = no such barrier was sent.
   */
  numberOf(buf: Buffer, p: number, key: number): number {
    const serial = word(buf, p + 4, key) & 0xffff;
    const number = this.sent - ((this.sent - serial) & 0xffff);
    return number > 0 && this.ordinalOf(buf, p, key) <= this.through ? number : 0;
  }

  /** The ordinal in a pong with our nonce. */
  ordinalOf(buf: Buffer, p: number, key: number): number {
    // The ordinal has two bytes in this word, then four from the middle of a masked word on.
    const high = word(buf, p + 8, key) >>> 16;
    const low = word(buf, p + 10, (key << 16) | (key >>> 16)) >>> 0;
    return high * TWO_32 + low;
  }
}

/**
 * Four payload bytes at `p` as a signed word. `p` is a multiple of 4 into the payload, or `key` is
 * rotated accordingly.
 */
function word(buf: Buffer, p: number, key: number): number {
  return ((buf[p]! << 24) | (buf[p + 1]! << 16) | (buf[p + 2]! << 8) | buf[p + 3]!) ^ key;
}
