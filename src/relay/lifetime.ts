// relay: every way in which a connection ends: who began, what both sockets are given, what still proves something, and how long one side outlives the other.
import { patiently, type Wait } from '../time/patience.ts';
import type { TapGuard } from './guard.ts';
import type { Inbound } from './inbound.ts';
import { closeFrame } from './inject.ts';
import type { Outbound } from './outbound.ts';
import { answersClose, complains, Parting } from './parting.ts';
import type { Peer } from './peer.ts';
import { nextPhase, type Phase, type Step } from './phase.ts';
import type { EndedBy, RelayContext } from './tap.ts';

/** RFC 6455 registry, "Try Again Later": the upstream went away without a word. */
const UPSTREAM_LOST = 1013;
const UPSTREAM_LOST_REASON = 'upstream closed without a close frame';

/** A connection as far as its end goes: what is there now, of both sides. */
export interface Sides {
  readonly client: Peer;
  readonly upstream: Peer;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
}

export class Lifetime {
  phase: Phase = 'joined';
  /** Data messages that went out before the client was over. */
  heardThrough = Number.POSITIVE_INFINITY;
  /** Who began the end, and with which code; undefined while nobody has. */
  private by: EndedBy | undefined = undefined;
  private code = 1006;
  /** When the sidecar decided to end it: the end is dated then, however long its turn of the event loop takes. */
  private decidedAt: number | undefined = undefined;
  private linger: Wait | undefined = undefined;
  private readonly parting: Parting;
  private readonly sides: Sides;
  private readonly tap: TapGuard;
  private readonly context: RelayContext;
  private readonly announcesLoss: boolean;

  /** `announcesLoss`: the client is told with a Close frame that its upstream has gone without one. */
  constructor(sides: Sides, tap: TapGuard, context: RelayContext, announcesLoss: boolean) {
    this.sides = sides;
    this.tap = tap;
    this.context = context;
    this.announcesLoss = announcesLoss;
    this.parting = new Parting(tap, context, () => this.sides.client.end());
  }

  /** No end has begun: a client may still be brought to the upstream. */
  get alive(): boolean {
    return this.phase === 'joined' || this.phase === 'parked';
  }

  parks(): void {
    this.go('parks');
  }

  rejoins(): void {
    this.go('rejoins');
  }

  /** From here: Close frames to both sides at their next frame boundaries. */
  close(code: number, reason: string): void {
    const { inbound, outbound, upstream } = this.sides;
    this.ends('sidecar', code);
    this.startLinger();
    if (outbound.audience === 'absent') {
      this.leaveUpstream(code, reason);
      return;
    }
    outbound.close(closeFrame(code, reason, false), code);
    inbound.close(closeFrame(code, reason, true));
    // Or the client would not be read any more, and its last evidence neither.
    if (!upstream.blocks(this.context.now(), 0)) return;
    inbound.forget();
    upstream.end();
  }

  /** From here, at once. */
  destroy(at: number): void {
    this.decide(at);
    this.ends('sidecar', 1006);
    this.sides.client.destroy();
    this.sides.upstream.destroy();
  }

  /** What had reached the sockets by `at` (monotonic ms) has been read, and nothing later counts. */
  decide(at: number): void {
    this.decidedAt ??= at;
  }

  /** A Close frame has gone by on its way to the client. */
  upstreamCloses(code: number): void {
    if (this.ends('upstream', code) && this.phase === 'leaving') this.leaveUpstream(code, '');
  }

  /** FIN or loss of the upstream. Without a Close frame the client is told to try again later, unless that would tear a frame. */
  upstreamOver(): void {
    const { client, outbound, upstream } = this.sides;
    this.ends('upstream', 1006);
    if (!this.go('upstreamOver')) return;
    outbound.messages.drop();
    this.startLinger();
    if (outbound.audience === 'absent') upstream.end();
    else if (this.announcesLoss && outbound.atBoundary && this.phase === 'parting')
      outbound.close(closeFrame(UPSTREAM_LOST, UPSTREAM_LOST_REASON, false), UPSTREAM_LOST);
    else if (outbound.audience === 'arriving') client.destroy();
    else {
      // Its pong still comes: what the client has got is confirmed, though its upstream is gone.
      outbound.lastPing();
      this.parting.begin();
    }
    this.tellIfOver();
  }

  /** A Close frame of the client has come: nothing follows it, and it proves what it answers (SPEC D15). */
  clientCloses(now: number): void {
    const { inbound, outbound } = this.sides;
    if (this.phase !== 'joined' && this.phase !== 'closing' && this.phase !== 'parting') return;
    const { closeCode, closeThrough } = outbound.scan;
    if (answersClose(inbound.closeCode, closeCode)) this.tap.receivedThrough(closeThrough, now);
    this.ends('client', inbound.closeCode);
    this.clientOver(!complains(inbound.closeCode, closeCode));
  }

  /** FIN of the client. */
  clientEnds(): void {
    this.ends('client', 1006);
    this.sides.inbound.releaseHeld();
    this.sides.upstream.end();
    this.startLinger();
    this.clientOver(false);
  }

  /** The client's socket is gone. */
  clientGone(): void {
    const { client, upstream } = this.sides;
    this.ends('client', 1006);
    // What the upstream has sent by now is counted, to its end; one that has not had our FIN learns from it that the client has gone.
    this.startLinger(upstream.writable ? this.context.limits.patienceMs : undefined);
    upstream.end();
    this.clientOver(false);
    client.end();
  }

  /** The client gets nothing more. */
  partFromClient(): void {
    this.parting.begin();
  }

  /** The client has said something, and that was no Close frame. */
  heard(now: number): void {
    this.parting.heard(now);
  }

  /** Both sockets are closed. */
  release(): void {
    this.linger?.cancel();
  }

  /** No further evidence can come. `orderly`: the client has sent a Close frame that is no complaint. */
  private clientOver(orderly: boolean): void {
    if (!this.go('clientOver')) return;
    this.heardThrough = this.sides.outbound.messages.ordinal;
    this.tap.clientOver(this.by!, this.code, orderly, this.decidedAt ?? this.context.now());
    this.parting.over();
    this.tellIfOver();
  }

  /** Ends a connection without a client: its upstream is told. */
  private leaveUpstream(code: number, reason: string): void {
    const { upstream } = this.sides;
    // 1005 and 1006 stand for frames without a code, and may not be sent (RFC 6455 §7.4.1).
    upstream.write(closeFrame(code === 1005 || code === 1006 ? 1000 : code, reason, true));
    upstream.end();
    this.startLinger();
  }

  /**
   * What is not closed after `ms` (default: `lingerMs`) is destroyed, once what has been sent by then is read (SPEC D15, D16). The first
   * bound holds, unless a later one is shorter.
   */
  private startLinger(ms = this.context.limits.lingerMs): void {
    if (this.linger !== undefined && ms >= this.context.limits.lingerMs) return;
    this.linger?.cancel();
    this.linger = patiently(ms, (at) => {
      this.linger = undefined;
      if (this.readUnread()) this.startLinger(this.context.limits.patienceMs);
      else this.destroy(at);
    });
  }

  /** Writes nothing more, where a side is not read because the other takes no more; so both are, to their ends. Says whether it was so. */
  private readUnread(): boolean {
    const { client, inbound, upstream } = this.sides;
    if (!client.unheard && !upstream.unheard) return false;
    inbound.forget();
    upstream.end();
    client.end();
    return true;
  }

  /** Neither side has anything more to say: the tap is told. What waits for the side reader is still told first. */
  private tellIfOver(): void {
    if (this.phase !== 'over') return;
    const { side } = this.sides.outbound.messages;
    const tell = (): void => {
      side?.close();
      this.tap.closed(this.by!, this.code, this.decidedAt ?? this.context.now());
    };
    if (side?.busy) side.onIdle = tell;
    else tell();
  }

  /** The first word counts. Says whether this was it. */
  private ends(by: EndedBy, code: number): boolean {
    if (!this.go('ends')) return false;
    this.by = by;
    this.code = code;
    return true;
  }

  /** Whether the step has brought it on. */
  private go(step: Step): boolean {
    const next = nextPhase(this.phase, step);
    if (next !== undefined) this.phase = next;
    return next !== undefined;
  }
}
