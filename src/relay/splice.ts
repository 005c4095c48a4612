// relay: one live connection. Joins two sockets, byte for byte, and lets each direction read along; handles back-pressure and every way to end.
//
//   upstream socket ──▶ Outbound (scan, tap, + barriers) ──▶ client socket
//   upstream socket ◀── Inbound (− our pongs, − confirmations) ◀── client socket
import type { Duplex } from 'node:stream';
import { Barriers } from './barrier.ts';
import { Ends } from './ends.ts';
import { TapGuard } from './guard.ts';
import { UpstreamPings } from './heartbeat.ts';
import { Inbound, type InboundPort } from './inbound.ts';
import { closeFrame, maskedPong } from './inject.ts';
import { Outbound, type OutboundPort } from './outbound.ts';
import { answersClose, complains, Parting } from './parting.ts';
import { Peer, type PeerEvents } from './peer.ts';
import type { SplicedSockets } from './spliced-sockets.ts';
import type { RelayContext, Tap } from './tap.ts';

/** A ping does not join more unsent bytes than this: it could not arrive soon, and many would pile up. */
const PING_BACKLOG_BYTES = 4096;
/** An answer does not join more unsent bytes than this: more than back-pressure leaves to a client that reads. */
const ANSWER_BACKLOG_BYTES = 256 * 1024;
/** So long after its upstream took bytes again, pongs of a client may still lie behind its other bytes, ms. */
const BLIND_MS = 1000;
/** RFC 6455 registry, "Try Again Later": the upstream went away without a word. */
const UPSTREAM_LOST = 1013;
/** The page went away: perhaps a reload, after which the client is back. */
const GOING_AWAY = 1001;
const UPSTREAM_LOST_REASON = 'upstream closed without a close frame';

/** Use from outside: `start`, `ping`, `sendText`, `close`, `destroy`, the counts. The rest serves its parts. */
export class Splice implements OutboundPort, InboundPort, PeerEvents {
  /** Bytes received from the upstream, and from the client. */
  bytesToClient = 0;
  bytesToUpstream = 0;
  /** The two sockets: for the directions to write to. */
  client: Peer;
  readonly upstream: Peer;
  private readonly outbound: Outbound;
  private inbound: Inbound;
  /** No client is there, but one is expected back. */
  private parked = false;
  private pings: UpstreamPings;
  private readonly tap: TapGuard;
  readonly context: RelayContext;
  private clientHead: Buffer | undefined;
  private upstreamHead: Buffer | undefined;
  private upstreamEnded = false;
  private readonly parting: Parting;
  /** Data messages that went out before the client was over. */
  private heardThrough = Number.POSITIVE_INFINITY;
  private readonly announcesLoss: boolean;
  private readonly ends: Ends;

  /** Takes over the sockets; nothing is read before `start`. */
  constructor(sockets: SplicedSockets, tap: Tap, context: RelayContext) {
    this.clientHead = sockets.clientHead;
    this.upstreamHead = sockets.upstreamHead;
    this.announcesLoss = sockets.announcesLoss === true;
    this.context = context;
    this.tap = new TapGuard(tap, context);
    this.ends = new Ends(this.tap, context);
    this.parting = new Parting(this.tap, context, () => this.client.end());
    const barriers = new Barriers();
    const pings = new UpstreamPings();
    this.pings = pings;
    this.outbound = new Outbound(sockets.deflate, barriers, pings, this.tap, context, this, sockets.ordinal);
    this.inbound = new Inbound(sockets.deflate, barriers, pings, this.tap, context, this);
    this.outbound.raw = this.inbound.raw = sockets.opaque === true;
    this.client = new Peer(sockets.client, this);
    this.upstream = new Peer(sockets.upstream, this);
    this.client.join(this.upstream);
    this.upstream.join(this.client);
  }

  /** Data messages relayed to the client so far. */
  get messagesToClient(): number {
    return this.outbound.messages.ordinal;
  }

  /** Begins to relay: what was read already, then what comes. The tap is called from here on. */
  start(): void {
    const { client, upstream, clientHead, upstreamHead } = this;
    this.clientHead = this.upstreamHead = undefined;
    if (upstreamHead !== undefined && upstreamHead.length > 0) this.received(upstream, upstreamHead);
    if (clientHead !== undefined && clientHead.length > 0) this.received(client, clientHead);
    client.start();
    upstream.start();
  }

  /**
   * Sends a barrier ping. `blocked`: the client does not read, or is in the middle of a frame; in that case the ping follows at the
   * next frame boundary.
   */
  ping(): 'sent' | 'blocked' {
    if (!this.flowing) return 'blocked';
    return this.outbound.ping() ? 'sent' : 'blocked';
  }

  /** Sends a text frame of ours to the client, now or between the next two messages; only for clients that have opted in. */
  sendText(data: Buffer): void {
    this.outbound.sendText(data);
  }

  /** Whether data message `ordinal` was, or will be, written to a client that can still answer it. */
  reaches(ordinal: number): boolean {
    const { outbound } = this;
    return ordinal <= this.heardThrough && (!outbound.closing || ordinal <= outbound.scan.closeThrough);
  }

  /** Whether bytes of the client may wait unread, because the upstream takes, or took until just now, no more of them. */
  blind(now: number): boolean {
    return this.upstream.blocks(now, BLIND_MS);
  }

  /** No text of ours waits behind a message, and the client's backlog is one that back-pressure allows. */
  get answerable(): boolean {
    return !this.outbound.textWaits && this.client.backlog <= ANSWER_BACKLOG_BYTES;
  }

  /** The client takes what it is sent. */
  get flowing(): boolean {
    return this.client.writable && this.client.backlog <= PING_BACKLOG_BYTES;
  }

  /** Sends a text frame of ours right before the message that the tap is being told of (`Outbound.announce`). */
  announce(buf: Buffer, start: number, end: number, data: Buffer): boolean {
    return this.outbound.announce(buf, start, end, data);
  }

  /** Cuts the client off, as if its network had failed. `at`: when that was decided, monotonic ms. */
  dropClient(at?: number): void {
    // One that is expected back leaves the connection alive.
    if (at !== undefined && !this.rejoinable) this.ends.decide(at);
    this.client.destroy();
  }

  /** No client is there; `rejoin` brings one. */
  get isParked(): boolean {
    return this.parked;
  }

  /** Whether `rejoin` can be called: nothing of a client is half-way to the upstream, and neither side is going. */
  get rejoinable(): boolean {
    const { ends, outbound, inbound } = this;
    if (ends.told || ends.clientOver || ends.by !== undefined || this.upstreamEnded) return false;
    if (outbound.closing || outbound.raw) return false;
    return this.parked || inbound.severable;
  }

  /** Messages that are told now do not reach the client: it has only just come, or has not come back. */
  get unheard(): boolean {
    return this.outbound.unheard;
  }

  /**
   * Gives the upstream a new client in place of the one that went, or that is replaced (it gets the Close frame). Only while
   * `rejoinable`. Call `startClient` next.
   */
  rejoin(client: Duplex, code: number, reason: string): void {
    const { outbound } = this;
    if (!this.parked) {
      if (outbound.atBoundary) this.client.write(closeFrame(code, reason, false));
      this.letGo();
    }
    this.parked = false;
    const barriers = new Barriers();
    this.pings = new UpstreamPings();
    outbound.rejoin(barriers, this.pings);
    this.inbound = new Inbound(undefined, barriers, this.pings, this.tap, this.context, this);
    this.client = new Peer(client, this);
    this.client.join(this.upstream);
    this.upstream.join(this.client);
  }

  /** Begins to read the client that `rejoin` brought: first `head`, which was read with its upgrade. */
  startClient(head: Buffer): void {
    this.client.start();
    if (head.length > 0) this.received(this.client, head);
  }

  /** Ends the connection from here: Close frames to both sides at their next frame boundaries; destroyed after `lingerMs`. */
  close(code: number, reason: string): void {
    this.ends.begin('sidecar', code);
    this.ends.startLinger(this);
    if (this.parked) {
      this.leaveUpstream(code, reason);
      return;
    }
    this.outbound.close(closeFrame(code, reason, false), code);
    this.inbound.close(closeFrame(code, reason, true));
    // Or the client would not be read any more, and its last evidence neither.
    if (!this.upstream.blocks(this.context.now(), 0)) return;
    this.inbound.forget();
    this.upstream.end();
  }

  /** Ends the connection at once. `at`: when that was decided, monotonic ms. */
  destroy(at = this.context.now()): void {
    this.ends.decide(at);
    this.ends.begin('sidecar', 1006);
    this.client.destroy();
    this.upstream.destroy();
  }

  /** Writes nothing more, where a side is not read because the other takes no more; so both are, to their ends. Says whether it was so. */
  readUnread(): boolean {
    if (!this.client.unheard && !this.upstream.unheard) return false;
    this.inbound.forget();
    this.upstream.end();
    this.client.end();
    return true;
  }

  received(peer: Peer, chunk: Buffer): void {
    const { counters } = this.context;
    if (peer === this.client) {
      this.bytesToUpstream += chunk.length;
      counters.bytesToUpstream += chunk.length;
      const now = this.context.now();
      this.inbound.push(chunk, now);
      if (this.inbound.closing) this.clientCloses(now);
      else this.parting.heard(now);
      return;
    }
    this.bytesToClient += chunk.length;
    counters.bytesToClient += chunk.length;
    this.outbound.push(chunk, this.context.now());
    if (!this.outbound.closing) return;
    const { closeCode } = this.outbound.scan;
    this.ends.begin('upstream', closeCode);
    if (this.parked) this.leaveUpstream(closeCode, '');
  }

  ended(peer: Peer): void {
    if (peer === this.upstream) {
      this.upstreamIsDone();
      return;
    }
    if (this.parks(1006)) return;
    this.ends.begin('client', 1006);
    this.inbound.releaseHeld();
    this.upstream.end();
    this.ends.startLinger(this);
    this.clientIsOver(false);
  }

  closed(peer: Peer): void {
    if (peer === this.upstream) {
      this.upstreamIsDone();
      this.upstream.end();
    } else {
      if (this.parks(1006)) return;
      this.ends.begin('client', 1006);
      // What the upstream has sent by now is counted, to its end; one that has not had our FIN learns from it that the client has gone.
      this.ends.startLinger(this, this.upstream.writable ? this.context.limits.patienceMs : undefined);
      this.upstream.end();
      this.clientIsOver(false);
      this.client.end();
    }
    if (!this.client.closed || !this.upstream.closed) return;
    this.ends.over();
    this.outbound.messages.drop();
    this.inbound.dropHeld();
  }

  drained(peer: Peer, ms: number): void {
    if (peer === this.client) this.context.counters.backpressureToClientMs += ms;
    else this.context.counters.backpressureToUpstreamMs += ms;
  }

  answerPing(payload: Buffer): void {
    this.upstream.write(maskedPong(payload));
  }

  clientLeaves(code: number): boolean {
    return code === GOING_AWAY && this.parks(code);
  }

  clientLeft(): void {
    this.parting.begin();
  }

  upstreamBroke(): void {
    this.broke('upstream', 'its bytes pass unread from here on');
    // A client that waits for the next message would get bytes from the middle of one.
    if (this.outbound.unheard) this.client.destroy();
  }

  clientBroke(): void {
    this.broke('client', 'nothing is added to its bytes from here on');
  }

  /** FIN or loss of the upstream. Without a Close frame the client is told to try again later, unless that would tear a frame. */
  private upstreamIsDone(): void {
    if (this.upstreamEnded) return;
    this.upstreamEnded = true;
    this.outbound.messages.drop();
    this.ends.begin('upstream', 1006);
    this.ends.startLinger(this);
    if (this.parked) this.upstream.end();
    else if (this.announcesLoss && this.outbound.atBoundary && !this.ends.clientOver)
      this.outbound.close(closeFrame(UPSTREAM_LOST, UPSTREAM_LOST_REASON, false), UPSTREAM_LOST);
    else if (this.outbound.unheard) this.client.destroy();
    else {
      // Its pong still comes: what the client has got is confirmed, though its upstream is gone.
      this.outbound.lastPing();
      this.parting.begin();
    }
    this.finishIfOver();
  }

  /** A Close frame of the client has come: nothing follows it, and it proves what it answers (SPEC D15). */
  private clientCloses(now: number): void {
    if (this.parked || this.ends.clientOver) return;
    const { outbound, inbound } = this;
    const { closeCode, closeThrough } = outbound.scan;
    if (answersClose(inbound.closeCode, closeCode)) this.tap.receivedThrough(closeThrough, now);
    this.ends.begin('client', inbound.closeCode);
    this.clientIsOver(!complains(inbound.closeCode, closeCode));
  }

  /** No further evidence can come. */
  private clientIsOver(orderly: boolean): void {
    if (this.ends.clientOver) return;
    this.heardThrough = this.outbound.messages.ordinal;
    this.ends.endClient(orderly);
    this.parting.over();
    this.finishIfOver();
  }

  private finishIfOver(): void {
    if (this.upstreamEnded && (this.ends.clientOver || this.parked)) this.ends.tell(this.outbound.messages.side);
  }

  /** Whether the client that has gone is expected back; then the upstream stays. */
  private parks(code: number): boolean {
    if (this.parked) return true;
    const { outbound } = this;
    if (!this.rejoinable || !this.tap.clientLost(code, this.context.now())) return false;
    if (code === GOING_AWAY && outbound.atBoundary) this.client.write(closeFrame(code, '', false));
    this.park();
    return true;
  }

  /** Lets go of a client that is still there. What it has said by now is evidence, and may not have been read yet (SPEC D14). */
  private letGo(): void {
    const { client, inbound } = this;
    this.outbound.mute();
    inbound.forget();
    client.leave((chunk) => inbound.push(chunk, this.context.now()));
    const owed = this.pings.abandoned();
    if (owed !== undefined) this.answerPing(owed);
  }

  /** Lets go of the client; what comes for it is only told, and the upstream's pings are answered from here. */
  private park(): void {
    this.parked = true;
    this.inbound.dropHeld();
    this.client.abandon();
    this.outbound.mute();
    const owed = this.pings.abandoned();
    if (owed !== undefined) this.answerPing(owed);
  }

  /** Ends a parked connection: nobody is there but the upstream. */
  private leaveUpstream(code: number, reason: string): void {
    // 1005 and 1006 stand for frames without a code, and may not be sent (RFC 6455 §7.4.1).
    this.upstream.write(closeFrame(code === 1005 || code === 1006 ? 1000 : code, reason, true));
    this.upstream.end();
    this.ends.startLinger(this);
    this.finishIfOver();
  }

  private broke(side: 'client' | 'upstream', consequence: string): void {
    this.context.counters.protocolErrors++;
    const error = new Error(`the ${side} broke the WebSocket framing rules; ${consequence}`);
    this.context.report({ stage: 'frames', error });
  }
}
