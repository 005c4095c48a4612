// Relay: one live connection. Joins two sockets, byte for byte, and lets each direction read along; handles back-pressure and every way to end.
//
//   upstream socket ──▶ Outbound (scan, tap, + barriers) ──▶ client socket
//   upstream socket ◀── Inbound (− our pongs, − confirmations) ◀── client socket
import type { Duplex } from 'node:stream';
import { Barriers } from './barrier.ts';
import type { Deflate } from './extensions.ts';
import { TapGuard } from './guard.ts';
import { UpstreamPings } from './heartbeat.ts';
import { Inbound, type InboundPort } from './inbound.ts';
import { closeFrame } from './inject.ts';
import { Outbound, type OutboundPort } from './outbound.ts';
import { Peer, type PeerEvents } from './peer.ts';
import type { EndedBy, RelayContext, Tap } from './tap.ts';

/** A ping does not join more unsent bytes than this: it could not arrive soon, and many would pile up. */
const PING_BACKLOG_BYTES = 4096;
/** RFC 6455 registry, "Try Again Later": the upstream went away without a word. */
const UPSTREAM_LOST = 1013;
const UPSTREAM_LOST_REASON = 'upstream closed without a close frame';

/** Two sockets after a 101, and what was read of each beyond the handshake. */
export interface SplicedSockets {
  readonly client: Duplex;
  readonly upstream: Duplex;
  readonly clientHead?: Buffer | undefined;
  readonly upstreamHead?: Buffer | undefined;
  /** permessage-deflate as accepted in the 101; undefined = not negotiated. */
  readonly deflate: Deflate | undefined;
  /** The 101 accepted an extension that the relay cannot read: bytes pass unread. */
  readonly opaque?: boolean;
}

/** Use from outside: `start`, `ping`, `sendText`, `close`, `destroy`, the counts. The rest serves its parts. */
export class Splice implements OutboundPort, InboundPort, PeerEvents {
  /** Bytes received from the upstream, and from the client. */
  bytesToClient = 0;
  bytesToUpstream = 0;
  private readonly client: Peer;
  private readonly upstream: Peer;
  private readonly outbound: Outbound;
  private readonly inbound: Inbound;
  private readonly tap: TapGuard;
  private readonly context: RelayContext;
  private clientHead: Buffer | undefined;
  private upstreamHead: Buffer | undefined;
  private upstreamEnded = false;
  /** Who ended the connection first, and with which code. */
  private endedBy: EndedBy | undefined = undefined;
  private code = 1006;
  private told = false;
  private linger: NodeJS.Timeout | undefined = undefined;

  /** Takes over the sockets; nothing is read before `start`. */
  constructor(sockets: SplicedSockets, tap: Tap, context: RelayContext) {
    this.clientHead = sockets.clientHead;
    this.upstreamHead = sockets.upstreamHead;
    this.context = context;
    this.tap = new TapGuard(tap, context);
    const barriers = new Barriers();
    const pings = new UpstreamPings();
    this.outbound = new Outbound(sockets.deflate, barriers, pings, this.tap, context, this);
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
    if (!this.client.writable || this.client.backlog > PING_BACKLOG_BYTES) return 'blocked';
    return this.outbound.ping() ? 'sent' : 'blocked';
  }

  /** Sends a text frame of ours to the client, now or between the next two messages; only for clients that have opted in. */
  sendText(data: Buffer): void {
    this.outbound.sendText(data);
  }

  /** Ends the connection from here: Close frames to both sides at their next frame boundaries; destroyed after `lingerMs`. */
  close(code: number, reason: string): void {
    this.endsBy('sidecar', code);
    this.startLinger();
    this.outbound.close(closeFrame(code, reason, false));
    this.inbound.close(closeFrame(code, reason, true));
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.endsBy('sidecar', 1006);
    this.client.destroy();
    this.upstream.destroy();
  }

  received(peer: Peer, chunk: Buffer): void {
    const { counters } = this.context;
    if (peer === this.client) {
      this.bytesToUpstream += chunk.length;
      counters.bytesToUpstream += chunk.length;
      this.inbound.push(chunk, this.context.now());
      if (this.inbound.closing && this.endedBy === undefined) this.endsBy('client', this.inbound.closeCode);
      return;
    }
    this.bytesToClient += chunk.length;
    counters.bytesToClient += chunk.length;
    if (!this.client.writable) return;
    this.outbound.push(chunk, this.context.now());
    if (this.outbound.closing && this.endedBy === undefined) this.endsBy('upstream', this.outbound.closeCode);
  }

  ended(peer: Peer): void {
    if (peer === this.upstream) {
      this.upstreamIsDone();
      return;
    }
    this.endsBy('client', 1006);
    this.inbound.end();
    this.upstream.end();
    this.startLinger();
    this.evidenceOver();
  }

  closed(peer: Peer): void {
    if (peer === this.upstream) {
      this.upstreamIsDone();
      this.upstream.end();
    } else {
      this.endsBy('client', 1006);
      this.evidenceOver();
      // An upstream that has had our FIN is about to end by itself, and cleanly.
      if (this.upstream.writable) this.upstream.destroy();
      else this.startLinger();
      this.client.end();
    }
    if (!this.client.closed || !this.upstream.closed) return;
    clearTimeout(this.linger);
    this.inbound.drop();
  }

  drained(peer: Peer, ms: number): void {
    if (peer === this.client) this.context.counters.backpressureToClientMs += ms;
    else this.context.counters.backpressureToUpstreamMs += ms;
  }

  now(): number {
    return this.context.now();
  }

  toClient(bytes: Buffer): void {
    this.client.write(bytes);
  }

  toUpstream(bytes: Buffer): void {
    this.upstream.write(bytes);
  }

  corkClient(): void {
    this.client.cork();
  }

  uncorkClient(): void {
    this.client.uncork();
  }

  corkUpstream(): void {
    this.upstream.cork();
  }

  uncorkUpstream(): void {
    this.upstream.uncork();
  }

  clientStreamClosed(): void {
    this.client.end();
  }

  upstreamStreamClosed(): void {
    this.upstream.end();
  }

  upstreamBroke(): void {
    this.broke('upstream');
  }

  clientBroke(): void {
    this.broke('client');
  }

  /** FIN or loss of the upstream. Without a Close frame the client is told to try again later, unless that would tear a frame. */
  private upstreamIsDone(): void {
    if (this.upstreamEnded) return;
    this.upstreamEnded = true;
    this.endsBy('upstream', 1006);
    this.startLinger();
    if (this.outbound.closing || this.outbound.raw || this.inbound.closing) this.client.end();
    else if (this.outbound.atBoundary) this.outbound.close(closeFrame(UPSTREAM_LOST, UPSTREAM_LOST_REASON, false));
    else this.client.destroy();
  }

  private endsBy(by: EndedBy, code: number): void {
    if (this.endedBy !== undefined) return;
    this.endedBy = by;
    this.code = code;
  }

  private broke(side: 'client' | 'upstream'): void {
    this.context.counters.protocolErrors++;
    const error = new Error(`the ${side} broke the WebSocket framing rules; its bytes pass unread from here on`);
    this.context.report({ stage: 'frames', error });
  }

  private startLinger(): void {
    this.linger ??= setTimeout(lingerOver, this.context.limits.lingerMs, this).unref();
  }

  /** The client can prove nothing more. What waits for the side reader is still told first. */
  private evidenceOver(): void {
    if (this.told) return;
    this.told = true;
    const { side } = this.outbound.messages;
    if (side?.busy) side.onIdle = () => this.tellClosed();
    else this.tellClosed();
  }

  private tellClosed(): void {
    this.outbound.messages.side?.close();
    this.tap.closed(this.endedBy!, this.code, this.context.now());
  }
}

function lingerOver(splice: Splice): void {
  splice.destroy();
}
