// relay: client to upstream: control frames: our pongs are cut out, other pongs may be evidence, a Close is noted.
import { BARRIER_PAYLOAD, type BarrierCodec } from './barrier.ts';
import type { FrameVerdict } from './client-messages.ts';
import type { Shared } from './directions.ts';
import { CLOSE, type FrameScanner, PONG } from './frames.ts';
import type { UpstreamPings } from './heartbeat.ts';
import { unmasked } from './mask.ts';
import type { RelayContext, Tap } from './tap.ts';

/** The direction, as its control frames need it. */
export interface LeavingPort {
  /**
   * Is told the code of the client's Close frame. True keeps the frame from the upstream, because
   * the client is expected back.
   */
  clientLeaves(code: number): boolean;
}

export class ClientControls {
  /** Whether a Close frame of the client went by. */
  closing = false;
  /** Code of that Close frame; 1005 = it has none, 1006 = there was none. */
  closeCode = 1006;
  /**
   * The client has left with that frame, and is expected back: nothing behind it is for anybody.
   */
  left = false;
  /** Text in that Close frame. */
  closeReason = '';
  /** Whether the client answers barriers, and had not answered the latest one by then. */
  owesPong = false;
  /** Payload of a pong that goes out where ours is cut. */
  owed: Buffer | undefined = undefined;
  readonly #scanner: FrameScanner;
  readonly #barriers: BarrierCodec;
  readonly #pings: UpstreamPings;
  readonly #tap: Tap;
  readonly #context: RelayContext;
  readonly #port: LeavingPort;

  constructor(scanner: FrameScanner, { barriers, pings, tap, context }: Shared, port: LeavingPort) {
    this.#scanner = scanner;
    this.#barriers = barriers;
    this.#pings = pings;
    this.#tap = tap;
    this.#context = context;
    this.#port = port;
  }

  /** The verdict on the control frame with payload `buf[start, end)`. */
  judge(buf: Buffer, start: number, end: number, now: number): FrameVerdict {
    const { opcode, key } = this.#scanner;
    this.#context.counters.controlToUpstream++;
    if (opcode === PONG) {
      if (end - start === BARRIER_PAYLOAD && this.#barriers.isOurs(buf, start, key)) {
        const number = this.#barriers.numberOf(buf, start, key);
        if (number > 0) return this.#answered(number, this.#barriers.ordinalOf(buf, start, key), now);
      }
      const through = this.#pings.answered(buf, start, end, key);
      if (through >= 0) this.#proves(through, now);
    } else if (opcode === CLOSE && !this.closing) {
      this.closeCode = end - start < 2 ? 1005 : buf.readUInt16BE(start) ^ (key >>> 16);
      if (end - start > 2) this.closeReason = unmasked(buf, start, end, key).toString('utf8', 2, end - start);
      const { sent, answered } = this.#barriers;
      this.owesPong = answered > 0 && answered < sent;
      this.left = this.#port.clientLeaves(this.closeCode);
      this.closing = true;
      if (this.left) return 'cut';
    }
    return 'forward';
  }

  #answered(number: number, through: number, now: number): FrameVerdict {
    this.#context.counters.barriersAnswered++;
    this.#barriers.answered = Math.max(this.#barriers.answered, number);
    this.#proves(through, now);
    this.owed = this.#pings.passedOver(number);
    return 'cut';
  }

  /** Takes a pong for evidence. Nothing behind the Close frame of the client is any (SPEC D15). */
  #proves(through: number, now: number): void {
    if (!this.closing) this.#tap.receivedThrough(through, now);
  }
}
