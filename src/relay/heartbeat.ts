// relay: the upstream's pings. A client that answers a later ping of ours owes the upstream a pong (RFC 6455 §5.5.3).
import { unmasked } from './mask.ts';

/** Length from which a payload proves something. Shorter ones are too likely to repeat. */
const MIN_EVIDENCE_BYTES = 4;
/** So many pings are remembered with what their pongs prove. */
const REMEMBERED = 32;
/** Of earlier pings one bit each is kept, by the hash of the payload: 256 bytes. Power of two. */
const EARLIER_BITS = 2048;

/** Remembers the latest upstream pings of one connection. */
export class UpstreamPings {
  #owed: Buffer | undefined = undefined;
  /** Barriers that were sent before the ping whose pong is owed. */
  #barriers = 0;
  /**
   * Hashes of the payloads, oldest first. Most backends send no pings, so that the list is made
   * with the first one.
   */
  #payloads: number[] | undefined = undefined;
  /**
   * Data messages that precede each ping; -1 = its pong proves nothing, because an earlier ping had
   * that payload.
   */
  #throughs: number[] | undefined = undefined;
  /**
   * A bit for each ping that is remembered no longer: a payload with its bit set may have been sent
   * before.
   */
  #earlier: Uint32Array | undefined = undefined;
  /**
   * The client sends pongs of its own accord (RFC 6455 §5.5.3): one may equal a ping, and answer
   * none.
   */
  #unasked = false;

  /**
   * Notes a ping with payload `buf[start, end)` on its way to the client, after data message
   * `through` and barrier number `barriers`.
   */
  forwarded(buf: Buffer, start: number, end: number, through: number, barriers: number): void {
    const payload = Buffer.from(buf.subarray(start, end));
    this.#owed = payload;
    this.#barriers = barriers;
    this.#payloads ??= [];
    this.#throughs ??= [];
    const hash = hashOf(payload, payload.length);
    // A pong could answer the earlier ping of that payload, however late: it would prove no more
    // than that one.
    const repeats = payload.length < MIN_EVIDENCE_BYTES || this.#payloads.includes(hash) || this.#cameEarlier(hash);
    this.#payloads.push(hash);
    this.#throughs.push(repeats ? -1 : through);
    if (this.#payloads.length <= REMEMBERED) return;
    const oldest = this.#payloads.shift()!;
    this.#throughs.shift();
    this.#earlier ??= new Uint32Array(EARLIER_BITS / 32);
    this.#earlier[(oldest & (EARLIER_BITS - 1)) >>> 5]! |= 1 << (oldest & 31);
  }

  /**
   * Takes in a pong of the client that is not ours. Answers the ordinal that it proves received, or
   * -1.
   */
  answered(buf: Buffer, start: number, end: number, key: number): number {
    const length = end - start;
    if (this.#payloads === undefined) {
      this.#unasked ||= length > 0;
      return -1;
    }
    const payload = unmasked(buf, start, end, key);
    const hash = hashOf(payload, length);
    const oldest = this.#payloads.indexOf(hash);
    if (oldest < 0) {
      this.#unasked ||= length > 0 && !this.#cameEarlier(hash);
      return -1;
    }
    if (this.#owed?.equals(payload.subarray(0, length)) === true) this.#owed = undefined;
    return this.#unasked ? -1 : this.#throughs![oldest]!;
  }

  /** Whether a ping that is remembered no longer may have had the payload. */
  #cameEarlier(hash: number): boolean {
    const earlier = this.#earlier;
    return earlier !== undefined && ((earlier[(hash & (EARLIER_BITS - 1)) >>> 5]! >>> (hash & 31)) & 1) === 1;
  }

  /** Payload of a pong that is owed, and that the client will not send any more. */
  abandoned(): Buffer | undefined {
    const owed = this.#owed;
    this.#owed = undefined;
    return owed;
  }

  /**
   * Takes in that the client answered barrier number `number`. Answers the payload of a pong that
   * is owed now, if any.
   */
  passedOver(number: number): Buffer | undefined {
    const owed = this.#owed;
    if (owed === undefined || number <= this.#barriers) return undefined;
    this.#owed = undefined;
    return owed;
  }
}

/**
 * FNV-1a over length and bytes, within V8's small integers. Payloads that collide prove nothing, as
 * payloads that repeat.
 */
function hashOf(payload: Buffer, length: number): number {
  let hash = 0x811c9dc5 ^ length;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ payload[i]!, 0x01000193);
  return (hash ^ (hash >>> 15)) & 0x3fffffff;
}
