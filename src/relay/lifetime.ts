// relay: every end of a connection: who began it, what both sockets get, and how long one side outlives the other.
import { patiently, type Wait } from '../time/patience.ts';
import type { TapGuard } from './guard.ts';
import type { Inbound } from './inbound.ts';
import { closeFrame } from './inject.ts';
import type { Outbound } from './outbound.ts';
import { answersClose, complains, Parting, reasonUpstream } from './parting.ts';
import type { Peer } from './peer.ts';
import { nextPhase, type Phase, type Step } from './phase.ts';
import type { EndedBy, Leave, RelayContext } from './tap.ts';

/**
 * Close code "Try Again Later" (RFC 6455 registry): the upstream went away without a Close frame.
 */
const UPSTREAM_LOST = 1013;
const UPSTREAM_LOST_REASON = 'upstream closed without a close frame';
/** How long an upstream that was sent a Close frame may take for what it still says, ms. */
const UPSTREAM_ANSWER_MS = 500;
/** How long after a side takes bytes again its opposite may still lie unread, ms. */
const RESUME_MS = 100;
/** How long that is read of which nothing was read for such a reason before the end, ms. */
const UNREAD_MS = 120;

/** Both sides of a connection, as they are now. */
export interface Sides {
  readonly client: Peer;
  readonly upstream: Peer;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  /** As in `SpliceHandle`. */
  readonly closedBehind: number | undefined;
}

export class Lifetime {
  phase: Phase = 'joined';
  /** Data messages that went out before the client was over. */
  heardThrough = Number.POSITIVE_INFINITY;
  /** The side that began the end, and its code; undefined = no end has begun. */
  #by: EndedBy | undefined = undefined;
  #code = 1006;
  /** Text of the Close frame that began the end. */
  #reason = '';
  /**
   * Time at which the sidecar decided on the end. The end is dated then, however long its turn of
   * the event loop takes.
   */
  #decidedAt: number | undefined = undefined;
  #linger: Wait | undefined = undefined;
  #farewell: Wait | undefined = undefined;
  /** Made when the end has come so far: most connections are open. */
  #parting: Parting | undefined = undefined;
  readonly #sides: Sides;
  readonly #tap: TapGuard;
  readonly #context: RelayContext;
  readonly #announcesLoss: boolean;

  /** `announcesLoss`: the client gets a Close frame when its upstream has gone without one. */
  constructor(sides: Sides, tap: TapGuard, context: RelayContext, announcesLoss: boolean) {
    this.#sides = sides;
    this.#tap = tap;
    this.#context = context;
    this.#announcesLoss = announcesLoss;
  }

  /** Whether no end has begun, so that a client may still be brought to the upstream. */
  get alive(): boolean {
    return this.phase === 'joined' || this.phase === 'parked';
  }

  parks(): void {
    this.#go('parks');
  }

  rejoins(): void {
    this.#go('rejoins');
  }

  /**
   * Ends the connection with Close frames to both sides, each at its next frame boundary. With
   * `heedsUpstream` the client's goes behind what the upstream sends until it has heard of the end.
   */
  close(code: number, reason: string, heedsUpstream: boolean): void {
    const { inbound, outbound, upstream } = this.#sides;
    const first = this.#ends('sidecar', code, reason);
    if (outbound.audience === 'absent') {
      this.#leaveUpstream(code, reasonUpstream(reason));
      return;
    }
    this.#startLinger();
    const frame = closeFrame(code, reason, false);
    const heard = outbound.audience === 'present' && !outbound.raw && !upstream.unheard;
    if (first && heedsUpstream && heard && !upstream.blocks(this.#context.now(), 0)) {
      outbound.closeBehind(frame);
      const { patienceMs } = this.#context.limits;
      this.#farewell = patiently(Math.min(patienceMs, UPSTREAM_ANSWER_MS), () => outbound.closeNow());
    } else outbound.close(frame);
    inbound.close(closeFrame(code, reasonUpstream(reason), true));
    // The upstream takes no more, so that the client would not be read, and its last evidence
    // neither.
    if (!upstream.blocks(this.#context.now(), 0)) return;
    inbound.forget();
    upstream.end();
  }

  /** Ends the connection at once, or `unreadMs` later where what has come lies unread. */
  destroy(at: number, unreadMs = UNREAD_MS): void {
    if (this.#readUnread()) {
      this.#startLinger(unreadMs);
      return;
    }
    this.decide(at);
    this.#ends('sidecar', 1006);
    // What waits for a word of the application waits no longer.
    this.#sides.outbound.sendClose();
    this.#sides.client.destroy();
    this.#sides.upstream.destroy();
  }

  /** Dates the end. All that had reached the sockets by `at` (monotonic ms) has been read. */
  decide(at: number): void {
    this.#decidedAt ??= at;
  }

  /** Notes a Close frame on its way to the client. */
  upstreamCloses(code: number, reason: string): void {
    if (this.#ends('upstream', code, reason) && this.phase === 'leaving') this.#leaveUpstream(code, '');
  }

  /**
   * Notes FIN or loss of the upstream. Without a Close frame the client is told to try again later,
   * unless that would tear a frame.
   */
  upstreamOver(): void {
    const { client, outbound, upstream } = this.#sides;
    this.#ends('upstream', 1006);
    if (!this.#go('upstreamOver')) return;
    outbound.messages.drop();
    this.#startLinger();
    if (outbound.atBoundary) outbound.closeNow();
    if (outbound.audience === 'absent') upstream.end();
    else if (this.#announcesLoss && outbound.atBoundary && this.phase === 'parting')
      outbound.close(closeFrame(UPSTREAM_LOST, UPSTREAM_LOST_REASON, false));
    else if (outbound.audience === 'arriving') client.end();
    else {
      // The pong still comes, and confirms what the client has got from the upstream that is gone.
      outbound.lastPing();
      if (!outbound.closeWaits) this.#part();
    }
    this.#tellIfOver();
  }

  /** Notes that the upstream's socket is gone. */
  upstreamGone(): void {
    this.upstreamOver();
    this.#sides.upstream.end();
  }

  /**
   * Notes a Close frame of the client, after which nothing follows. It proves the messages that it
   * answers (SPEC D15).
   */
  clientCloses(now: number): void {
    const { inbound, outbound } = this.#sides;
    if (this.phase !== 'joined' && this.phase !== 'closing' && this.phase !== 'parting') return;
    const { closeThrough, closeReason } = outbound.scan;
    // One that has not been sent cannot be answered.
    const closeCode = outbound.closeWaits || outbound.audience !== 'present' ? 1006 : outbound.scan.closeCode;
    const { said } = inbound;
    if (answersClose(said, { closeCode, closeReason })) this.#tap.receivedThrough(closeThrough, now);
    this.#ends('client', said.closeCode, said.closeReason);
    this.#clientOver(complains(said.closeCode, closeCode) ? 'complained' : 'orderly');
  }

  /** Notes FIN of the client. */
  clientEnds(): void {
    this.#ends('client', 1006);
    this.#sides.inbound.releaseHeld();
    this.#sides.upstream.end();
    this.#startLinger();
    this.#clientOver();
  }

  /** Notes that the client's socket is gone. */
  clientGone(): void {
    const { client, upstream } = this.#sides;
    this.#ends('client', 1006);
    // All that the upstream has sent by now is counted. An upstream that has not had our FIN learns
    // from it that the client has gone.
    this.#startLinger(upstream.writable ? this.#context.limits.patienceMs : undefined);
    upstream.end();
    this.#clientOver();
    client.end();
  }

  /**
   * The client has been sent its Close frame. Behind one of the upstream, the FIN is the
   * upstream's.
   */
  partFromClient(): void {
    if (this.#sides.outbound.done || this.phase === 'parting') this.#part();
  }

  /** Notes bytes of the client that were no Close frame. */
  heard(now: number): void {
    const { outbound } = this.#sides;
    if (outbound.closeWaits && !this.#tap.wordsDue(now)) outbound.sendClose();
    this.#parting?.heard(now);
  }

  #part(): void {
    this.#parting ??= new Parting(this.#tap, this.#context, () => this.#sides.client.end());
    this.#parting.begin();
  }

  /** Notes that both sockets are closed. */
  release(): void {
    this.#linger?.cancel();
    this.#farewell?.cancel();
    this.#sides.outbound.dropClose();
  }

  /** Notes that no further evidence can come. Default: the client has sent no Close frame. */
  #clientOver(leave: Leave = this.#sides.closedBehind === undefined ? 'vanished' : 'told'): void {
    this.#sides.outbound.sendClose();
    if (!this.#go('clientOver')) return;
    this.heardThrough = this.#sides.outbound.messages.ordinal;
    this.#tap.clientOver(this.#by!, this.#code, leave, this.#decidedAt ?? this.#context.now());
    this.#parting?.over();
    this.#tellIfOver();
  }

  /** Ends a connection without a client: tells the upstream. */
  #leaveUpstream(code: number, reason: string): void {
    const { upstream } = this.#sides;
    // RFC 6455 §7.4.1: 1005 and 1006 stand for frames without a code, and may not be sent.
    upstream.write(closeFrame(code === 1005 || code === 1006 ? 1000 : code, reason, true));
    upstream.end();
    this.#startLinger(this.#context.limits.patienceMs);
  }

  /**
   * Destroys both sides after `ms` (default: `lingerMs`), once all bytes that came by then are read
   * (SPEC D15, D16). The first bound holds unless a later one is shorter.
   */
  #startLinger(ms = this.#context.limits.lingerMs): void {
    if (this.#linger !== undefined && ms >= this.#context.limits.lingerMs) return;
    this.#linger?.cancel();
    this.#linger = patiently(ms, (at) => {
      this.#linger = undefined;
      this.destroy(at, this.#context.limits.patienceMs);
    });
  }

  /**
   * Whether what has come lies unread. Gives up the writes if a side is not read because the other
   * takes no more, or took no more until a moment ago, so that both are read to their ends.
   */
  #readUnread(): boolean {
    const { client, inbound, upstream } = this.#sides;
    if (this.#context.reading?.held === true) return true;
    const now = this.#context.now();
    if (!client.blocks(now, RESUME_MS) && !upstream.blocks(now, RESUME_MS)) return false;
    inbound.forget();
    upstream.end();
    client.end();
    return true;
  }

  /**
   * Tells the tap when neither side has anything more to say. Messages that wait for the side
   * reader are told first.
   */
  #tellIfOver(): void {
    if (this.phase !== 'over') return;
    const { side } = this.#sides.outbound.messages;
    const tell = (): void => {
      side?.close();
      this.#tap.closed(this.#by!, this.#code, this.#decidedAt ?? this.#context.now(), this.#reason);
    };
    if (side?.busy) side.onIdle = tell;
    else tell();
  }

  /** Notes the side that began the end. Answers whether it was the first. */
  #ends(by: EndedBy, code: number, reason = ''): boolean {
    if (!this.#go('ends')) return false;
    this.#by = by;
    this.#code = code;
    this.#reason = reason;
    return true;
  }

  /** Takes a step. Answers whether the phase has changed. */
  #go(step: Step): boolean {
    const next = nextPhase(this.phase, step);
    if (next !== undefined) this.phase = next;
    return next !== undefined;
  }
}
