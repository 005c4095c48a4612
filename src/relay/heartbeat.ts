// Relay: the upstream's own pings. A client may answer only the latest ping (RFC 6455 §5.5.3): when that is ours, the upstream is owed a pong.
import { unmasked } from './mask.ts';

/** Shorter payloads are too likely to repeat to prove anything. */
const MIN_EVIDENCE_BYTES = 4;

/** Remembers the latest upstream ping of one connection until it is answered. */
export class UpstreamPings {
  private owed: Buffer | undefined = undefined;
  /** Data messages that precede that ping, and barriers sent before it. */
  private through = 0;
  private barriers = 0;
  /** Its pong can be told from those of earlier pings. */
  private distinct = false;

  /** A ping with payload `buf[start, end)` is on its way to the client, after data message `through` and barrier number `barriers`. */
  forwarded(buf: Buffer, start: number, end: number, through: number, barriers: number): void {
    // A pong for an unanswered earlier ping may still come; were the payloads alike, it would look like the answer to this one.
    this.distinct = this.owed === undefined && end - start >= MIN_EVIDENCE_BYTES;
    this.owed = Buffer.from(buf.subarray(start, end));
    this.through = through;
    this.barriers = barriers;
  }

  /** A pong that is not ours came from the client. Returns the ordinal that it proves received, or -1. */
  answered(buf: Buffer, start: number, end: number, key: number): number {
    const owed = this.owed;
    if (owed === undefined || owed.length !== end - start) return -1;
    const payload = unmasked(buf, start, end, key);
    for (let i = 0; i < owed.length; i++) if (owed[i] !== payload[i]) return -1;
    this.owed = undefined;
    return this.distinct ? this.through : -1;
  }

  /** Payload of a pong that the client will not send any more, if one is owed. */
  abandoned(): Buffer | undefined {
    const owed = this.owed;
    this.owed = undefined;
    return owed;
  }

  /** The client answered barrier number `number`. Returns the payload of a pong that the upstream is now owed, if any. */
  passedOver(number: number): Buffer | undefined {
    const owed = this.owed;
    if (owed === undefined || number <= this.barriers) return undefined;
    this.owed = undefined;
    return owed;
  }
}
