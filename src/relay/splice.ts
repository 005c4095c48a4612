// relay: one live connection: joins two sockets byte for byte, and lets each direction read along.
//
//   upstream socket ──▶ Outbound (scan, tap, + barriers) ──▶ client socket
//   upstream socket ◀── Inbound (− our pongs, − confirmations) ◀── client socket
import type { Duplex } from 'node:stream';
import { BarrierCodec } from './barrier.ts';
import { READ_BYTES } from './direct.ts';
import type { Shared } from './directions.ts';
import { TapGuard } from './guard.ts';
import { UpstreamPings } from './heartbeat.ts';
import { Inbound, type InboundPort } from './inbound.ts';
import { closeFrame, maskedPong } from './inject.ts';
import { Lifetime, type Sides } from './lifetime.ts';
import { type Audience, Outbound, type OutboundPort } from './outbound.ts';
import { Peer, type PeerEvents } from './peer.ts';
import { Retiring } from './retiring.ts';
import type { SpliceHandle } from './splice-handle.ts';
import type { SplicedSockets } from './spliced-sockets.ts';
import type { RelayContext, Tap } from './tap.ts';

/** Unsent bytes up to which a ping is added. Behind more, pings come late and pile up. */
const PING_BACKLOG_BYTES = 4096;
/** Unsent bytes up to which an answer is added: more than back-pressure leaves a reader. */
const ANSWER_BACKLOG_BYTES = 256 * 1024;
/** Time after the upstream took bytes again for which pongs may lie behind other bytes, ms. */
const BLIND_MS = 1000;
const GOING_AWAY = 1001; // Of a page that went away, perhaps to be loaded again.

/** The class behind `SpliceHandle`. What is public beside that serves its parts. */
export class Splice implements SpliceHandle, Sides, OutboundPort, InboundPort, PeerEvents<Peer> {
  /** Bytes received from the upstream, and from the client. */
  bytesToClient = 0;
  bytesToUpstream = 0;
  /** The two sockets, to which the directions write. */
  client: Peer;
  readonly upstream: Peer;
  readonly outbound: Outbound;
  inbound: Inbound;
  #pings: UpstreamPings;
  readonly #tap: TapGuard;
  readonly context: RelayContext;
  #clientHead: Buffer | undefined;
  #upstreamHead: Buffer | undefined;
  /** When the client was read, if more of it may wait for the next turn; 0 = nothing waits. */
  #moreAt = 0;
  readonly #lifetime: Lifetime;
  readonly #retiring = new Retiring();

  /** Takes over the sockets. Nothing is read before `start`. */
  constructor(sockets: SplicedSockets, tap: Tap, context: RelayContext) {
    this.#clientHead = sockets.clientHead;
    this.#upstreamHead = sockets.upstreamHead;
    this.context = context;
    this.#tap = new TapGuard(tap, context);
    this.#lifetime = new Lifetime(this, this.#tap, context, sockets.announcesLoss === true);
    const shared = this.#shared(sockets);
    this.#pings = shared.pings;
    this.outbound = new Outbound(shared, this, sockets.ordinal);
    this.inbound = new Inbound(shared, this);
    this.client = new Peer(sockets.client, this, context.reading);
    this.upstream = new Peer(sockets.upstream, this);
    this.client.join(this.upstream);
    this.upstream.join(this.client);
  }

  get messagesToClient(): number {
    return this.outbound.messages.ordinal;
  }

  get traffic(): number {
    const { outbound, inbound } = this;
    // Only bytes tell that a long message moves, or what passes unread.
    const counts = !outbound.raw && !outbound.scan.within && inbound.severable;
    return counts ? outbound.messages.ordinal + inbound.messages.count : this.bytesToClient + this.bytesToUpstream;
  }

  start(): void {
    const { client, upstream } = this;
    const [clientHead, upstreamHead] = [this.#clientHead, this.#upstreamHead];
    this.#clientHead = this.#upstreamHead = undefined;
    if (upstreamHead !== undefined && upstreamHead.length > 0) this.received(upstream, upstreamHead);
    if (clientHead !== undefined && clientHead.length > 0) this.received(client, clientHead);
    client.start();
    upstream.start();
  }

  ping(): 'sent' | 'blocked' {
    return this.flowing && this.outbound.ping() ? 'sent' : 'blocked';
  }

  sendMessage(data: Buffer, binary?: boolean): void {
    this.outbound.sendMessage(data, binary);
  }

  get writtenThrough(): number {
    const { heardThrough } = this.#lifetime;
    return this.outbound.closing ? Math.min(heardThrough, this.outbound.scan.closeThrough) : heardThrough;
  }

  blind(now: number): boolean {
    return this.#moreAt >= now || this.context.reading?.held === true || this.upstream.blocks(now, BLIND_MS);
  }

  get closedBehind(): number | undefined {
    const { closing, closeWaits } = this.outbound;
    const closed = this.#retiring.underWay || (closing && !closeWaits);
    return closed && this.client.backlog === 0 ? this.writtenThrough : undefined;
  }

  get answerable(): boolean {
    return !this.outbound.textWaits && this.client.backlog <= ANSWER_BACKLOG_BYTES;
  }

  get flowing(): boolean {
    return this.client.writable && this.client.backlog <= PING_BACKLOG_BYTES;
  }

  announce(buf: Buffer, start: number, end: number, data: Buffer): boolean {
    return this.outbound.announce(buf, start, end, data);
  }

  dropClient(at: number): void {
    // The connection of a client that is expected back does not end.
    if (!this.rejoinable) this.#lifetime.decide(at);
    this.client.destroy();
  }

  turnAway(): void {
    this.client.end(true);
  }

  retire(code: number, reason: string): boolean {
    const { outbound, context, upstream } = this;
    const [retiring, { patienceMs }] = [this.#retiring, context.limits];
    const blind = (): boolean => upstream.blocks(context.now(), patienceMs);
    // A client that is away, or was asked before, is no audience.
    if (outbound.audience !== 'present' || !outbound.atBoundary || !this.rejoinable || blind()) return false;
    outbound.lastPing();
    this.client.write(closeFrame(code, reason, false));
    const asked = { closeCode: code, closeReason: reason, through: outbound.messages.ordinal, patienceMs, blind };
    retiring.begin(asked, (at) => this.dropClient(at));
    outbound.mute();
    return true;
  }

  get rejoinable(): boolean {
    const { phase, alive } = this.#lifetime;
    if (!alive || this.outbound.closing || this.outbound.raw) return false;
    return phase === 'parked' || this.inbound.severable;
  }

  get audience(): Audience {
    return this.outbound.audience;
  }

  rejoin(client: Duplex, code: number, reason: string): void {
    const { outbound } = this;
    if (this.#lifetime.phase === 'joined') {
      if (!this.#retiring.over() && outbound.atBoundary) this.client.write(closeFrame(code, reason, false));
      this.#letGo();
    }
    this.#lifetime.rejoins();
    const shared = this.#shared();
    this.#pings = shared.pings;
    outbound.rejoin(shared.barriers, shared.pings);
    this.inbound = new Inbound(shared, this);
    this.client = new Peer(client, this, this.context.reading);
    this.client.join(this.upstream);
    this.upstream.join(this.client);
  }

  startClient(head: Buffer): void {
    this.client.start();
    if (head.length > 0) this.received(this.client, head);
  }

  close(code: number, reason: string, heedsUpstream = false): void {
    this.#lifetime.close(code, reason, heedsUpstream);
  }

  destroy(at = this.context.now()): void {
    this.#lifetime.destroy(at);
  }

  received(peer: Peer, chunk: Buffer): void {
    const { counters } = this.context;
    if (peer === this.client) {
      this.bytesToUpstream += chunk.length;
      counters.bytesToUpstream += chunk.length;
      const now = this.context.now();
      this.#moreAt = chunk.length === READ_BYTES ? now : 0;
      this.inbound.push(chunk, now);
      if (this.inbound.closing) this.#lifetime.clientCloses(now);
      else this.#lifetime.heard(now);
      return;
    }
    this.bytesToClient += chunk.length;
    counters.bytesToClient += chunk.length;
    this.outbound.push(chunk, this.context.now());
    const { closing, scan } = this.outbound;
    if (closing) this.#lifetime.upstreamCloses(scan.closeCode, scan.closeReason);
  }

  ended(peer: Peer): void {
    if (peer === this.upstream) this.#lifetime.upstreamOver();
    else if (!this.#parks(1006)) this.#lifetime.clientEnds();
  }

  closed(peer: Peer): void {
    if (peer === this.upstream) this.#lifetime.upstreamGone();
    else if (this.#parks(1006)) return;
    else this.#lifetime.clientGone();
    if (!this.client.closed || !this.upstream.closed) return;
    this.#lifetime.release();
    this.#retiring.over();
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
    const through = this.#retiring.provenBy(this.inbound.said);
    // The client was not asked to come again, or has closed by itself at the same time.
    if (through < 0) return code === GOING_AWAY && this.#parks(code);
    this.#tap.receivedThrough(through, this.context.now());
    return this.#parks(1006);
  }

  clientLeft(): void {
    this.#lifetime.partFromClient();
  }

  upstreamBroke(): void {
    this.#broke('upstream', 'its bytes pass unread from here on');
    // A client that waits for the next message would get bytes from the middle of one.
    if (this.outbound.audience !== 'present') this.turnAway();
  }

  clientBroke(): void {
    this.#broke('client', 'nothing is added to its bytes from here on');
  }

  /** Whether the client that has gone is expected back, so that the upstream stays. */
  #parks(code: number): boolean {
    if (this.#lifetime.phase === 'parked') return true;
    // A client that closes by itself at the same time comes again of its own accord.
    const asked = this.#retiring.underWay && code === 1006;
    if (!this.rejoinable || !this.#tap.clientLost(code, this.context.now(), asked)) return false;
    const told = this.#retiring.over();
    // A client that was asked to come again has its Close frame.
    if (code === GOING_AWAY && !told && this.outbound.atBoundary) this.client.write(closeFrame(code, '', false));
    this.#park();
    return true;
  }

  /** Lets go of a client that is still there, whose words so far are evidence (D14). */
  #letGo(): void {
    const { client, inbound } = this;
    this.outbound.mute();
    inbound.forget();
    inbound.messages.replaced = true;
    const read = (chunk: Buffer) => inbound.push(chunk, this.context.now());
    // The client may end inside a frame.
    client.leave(read, () => inbound.dropHeld());
    const owed = this.#pings.abandoned();
    if (owed !== undefined) this.answerPing(owed);
  }

  /** Lets go of the client. Messages are only told now, and the upstream's pings answered here. */
  #park(): void {
    this.#lifetime.parks();
    this.inbound.dropHeld();
    this.client.abandon();
    this.outbound.mute();
    const owed = this.#pings.abandoned();
    if (owed !== undefined) this.answerPing(owed);
  }

  /** Parts that the directions share. Without `sockets`: for a returned client, uncompressed. */
  #shared({ deflate, opaque = false }: Partial<SplicedSockets> = {}): Shared {
    const { context } = this;
    const tap = this.#tap;
    return { deflate, opaque, barriers: new BarrierCodec(), pings: new UpstreamPings(), tap, context };
  }

  #broke(side: 'client' | 'upstream', consequence: string): void {
    this.context.counters.protocolErrors++;
    const text = `the ${side} broke the WebSocket framing rules; ${consequence}`;
    this.context.report({ stage: 'frames', error: new Error(text) });
  }
}
