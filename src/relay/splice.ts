// Relay: one live connection. Joins two sockets, byte for byte, and lets each direction read along; handles back-pressure and every way to end.
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
import { Peer, type PeerEvents } from './peer.ts';
import type { SplicedSockets } from './spliced-sockets.ts';
import type { RelayContext, Tap } from './tap.ts';

/** A ping does not join more unsent bytes than this: it could not arrive soon, and many would pile up. */
const PING_BACKLOG_BYTES = 4096;
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
  readonly outbound: Outbound;
  private inbound: Inbound;
  /** No client is there, but one is expected back. */
  private parked = false;
  private pings: UpstreamPings;
  private readonly tap: TapGuard;
  private readonly context: RelayContext;
  private clientHead: Buffer | undefined;
  private upstreamHead: Buffer | undefined;
  private upstreamEnded = false;
  private readonly ends: Ends;

  /** Takes over the sockets; nothing is read before `start`. */
  constructor(sockets: SplicedSockets, tap: Tap, context: RelayContext) {
    this.clientHead = sockets.clientHead;
    this.upstreamHead = sockets.upstreamHead;
    this.context = context;
    this.tap = new TapGuard(tap, context);
    this.ends = new Ends(this.tap, context);
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

  /** The client takes what it is sent. */
  get flowing(): boolean {
    return this.client.writable && this.client.backlog <= PING_BACKLOG_BYTES;
  }

  /** Sends a text frame of ours right before the message that the tap is being told of (`Outbound.announce`). */
  announce(buf: Buffer, start: number, end: number, data: Buffer): boolean {
    return this.outbound.announce(buf, start, end, data);
  }

  /** Cuts the client off, as if its network had failed. */
  dropClient(): void {
    this.client.destroy();
  }

  /** No client is there; `rejoin` brings one. */
  get isParked(): boolean {
    return this.parked;
  }

  /** Whether `rejoin` can be called: nothing of a client is half-way to the upstream, and neither side is going. */
  get rejoinable(): boolean {
    const { ends, outbound, inbound } = this;
    if (ends.told || ends.by !== undefined || this.upstreamEnded || outbound.closing || outbound.raw) return false;
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
      this.park();
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
    this.outbound.close(closeFrame(code, reason, false));
    this.inbound.close(closeFrame(code, reason, true));
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.ends.begin('sidecar', 1006);
    this.client.destroy();
    this.upstream.destroy();
  }

  received(peer: Peer, chunk: Buffer): void {
    const { counters } = this.context;
    if (peer === this.client) {
      this.bytesToUpstream += chunk.length;
      counters.bytesToUpstream += chunk.length;
      this.inbound.push(chunk, this.context.now());
      if (this.inbound.closing && !this.parked) this.ends.begin('client', this.inbound.closeCode);
      return;
    }
    this.bytesToClient += chunk.length;
    counters.bytesToClient += chunk.length;
    if (!this.client.writable && !this.parked) return;
    this.outbound.push(chunk, this.context.now());
    if (!this.outbound.closing) return;
    this.ends.begin('upstream', this.outbound.closeCode);
    if (this.parked) this.leaveUpstream(this.outbound.closeCode, '');
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
    this.ends.tell(this.outbound.messages.side);
  }

  closed(peer: Peer): void {
    if (peer === this.upstream) {
      this.upstreamIsDone();
      this.upstream.end();
    } else {
      if (this.parks(1006)) return;
      this.ends.begin('client', 1006);
      this.ends.tell(this.outbound.messages.side);
      // An upstream that has had our FIN is about to end by itself, and cleanly.
      if (this.upstream.writable) this.upstream.destroy();
      else this.ends.startLinger(this);
      this.client.end();
    }
    if (!this.client.closed || !this.upstream.closed) return;
    this.ends.over();
    this.inbound.dropHeld();
  }

  drained(peer: Peer, ms: number): void {
    if (peer === this.client) this.context.counters.backpressureToClientMs += ms;
    else this.context.counters.backpressureToUpstreamMs += ms;
  }

  now(): number {
    return this.context.now();
  }

  answerPing(payload: Buffer): void {
    this.upstream.write(maskedPong(payload));
  }

  clientLeaves(code: number): boolean {
    return code === GOING_AWAY && this.parks(code);
  }

  upstreamBroke(): void {
    this.broke('upstream');
    // A client that waits for the next message would get bytes from the middle of one.
    if (this.outbound.unheard) this.client.destroy();
  }

  clientBroke(): void {
    this.broke('client');
  }

  /** FIN or loss of the upstream. Without a Close frame the client is told to try again later, unless that would tear a frame. */
  private upstreamIsDone(): void {
    if (this.upstreamEnded) return;
    this.upstreamEnded = true;
    this.ends.begin('upstream', 1006);
    this.ends.startLinger(this);
    if (this.parked) {
      this.upstream.end();
      this.ends.tell(this.outbound.messages.side);
    } else if (this.outbound.closing || this.outbound.raw || this.inbound.closing) this.client.end();
    else if (this.outbound.atBoundary) {
      // Its pong still comes: what the client has got is confirmed, though its upstream is gone.
      this.outbound.ping();
      this.outbound.close(closeFrame(UPSTREAM_LOST, UPSTREAM_LOST_REASON, false));
    } else this.client.destroy();
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
    this.ends.tell(this.outbound.messages.side);
  }

  private broke(side: 'client' | 'upstream'): void {
    this.context.counters.protocolErrors++;
    const error = new Error(`the ${side} broke the WebSocket framing rules; its bytes pass unread from here on`);
    this.context.report({ stage: 'frames', error });
  }
}
