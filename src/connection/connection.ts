// connection: one connection from upgrade to last outcome: relay → decode → track → confirm → settle. Read this first.

import type { MessageReader } from '../decode/protocol.ts';
import type { Link } from '../delivery/ports.ts';
import { type Delivery, type EventFacts, isSettled } from '../delivery/record.ts';
import type { Session } from '../delivery/session.ts';
import type { AttemptResult, Capability } from '../delivery/words.ts';
import { Splice } from '../relay/splice.ts';
import type { SplicedSockets } from '../relay/spliced-sockets.ts';
import type { Ahead, EndedBy, SkipReason, Tap } from '../relay/tap.ts';
import { BarrierSender } from './barrier-sender.ts';
import { journalMessage } from './journalling.ts';
import { keepMessage } from './keeping.ts';
import { number } from './numbering.ts';
import type { ConnectionDeps, ConnectionFacts, UnreadReason } from './parts.ts';

/** The relay's tap and the core's link in one: joins a pair of sockets to a session and its deliveries. */
export class Connection implements Tap, Link {
  /** Of the client that is there now, or was there last. */
  facts: ConnectionFacts;
  readonly session: Session;
  /** Data messages relayed to the client, those of the session's earlier connections included. */
  messages: number;
  /** Another connection carries the session: this one's end means nothing to it. */
  superseded = false;
  /** Set while nobody knows the user and the first event that names one may tell. */
  adopt: ((user: string) => void) | undefined = undefined;
  readonly #deps: ConnectionDeps;
  /** Reads the messages of both sides, in the protocol of this connection. */
  readonly #reader: MessageReader;
  #barriers: BarrierSender | undefined = undefined;
  #splice: Splice | undefined = undefined;
  /** Highest capability that was told to the observer. */
  #capability: Capability = 'none';
  /** No further evidence can come: what is told from here on reaches nobody. */
  #gone = false;
  /** What open deliveries end with when the client goes: `shutdown` where the sidecar sends it away for that. */
  #why: 'disconnected' | 'shutdown' = 'disconnected';

  constructor(facts: ConnectionFacts, session: Session, deps: ConnectionDeps) {
    this.facts = facts;
    this.session = session;
    this.messages = session.lastOrdinal;
    this.#deps = deps;
    this.#reader = deps.decoder.open(facts);
  }

  get id(): string {
    return this.facts.id;
  }

  /** Whether a client is there. */
  get attended(): boolean {
    return this.#splice?.isParked === false;
  }

  /** Whether there is an upstream connection that a new client can join. */
  get rejoinable(): boolean {
    return this.#splice?.rejoinable === true;
  }

  /** Starts relaying, and sends the first barrier: its pong shows what the client can confirm (SPEC E6). */
  start(sockets: SplicedSockets): void {
    const { session } = this;
    session.link = this;
    this.#deps.observer.opened(this);
    const facts = { ...sockets, ordinal: this.messages, announcesLoss: session.optedIn };
    this.#splice = new Splice(facts, this, this.#deps.relay);
    this.#barriers = new BarrierSender(session, this.#splice, this.#deps, this.facts.openedAt);
    const now = this.#deps.relay.now();
    this.#greet(false, now);
    this.#splice.start();
    // Unless the upstream's first words have carried one.
    if (!this.#barriers.outstanding) this.probe(now);
  }

  /** Puts a new client in the place of the one that went (or still seems to be there). False: it cannot be done. */
  rejoin(
    facts: ConnectionFacts,
    client: SplicedSockets['client'],
    head: Buffer,
    code: number,
    reason: string,
  ): boolean {
    const splice = this.#splice;
    const replaces = this.attended;
    if (splice === undefined || !splice.rejoinable) return false;
    splice.rejoin(client, code, reason);
    const now = this.#deps.relay.now();
    if (replaces) this.#deps.observer.closed(this, 'sidecar', code, now);
    else this.#deps.parked.count--;
    this.facts = facts;
    this.#capability = 'none';
    this.#endBarriers();
    this.#barriers = new BarrierSender(this.session, splice, this.#deps, facts.openedAt);
    this.session.link = this;
    this.#deps.observer.opened(this);
    this.#tellCapability();
    this.#greet(true, now);
    splice.startClient(head);
    this.probe(now);
    return true;
  }

  /** Another connection carries the session from here on; this one ends. */
  replaceBy(code: number, reason: string): void {
    this.superseded = true;
    this.#endBarriers();
    this.close(code, reason);
  }

  /** An event message is about to be written to the client (or, when compressed, has been). */
  upstreamText(
    buf: Buffer,
    start: number,
    end: number,
    ordinal: number,
    now: number,
    bytes: number,
    binary: boolean,
  ): void {
    if (binary && this.#reader.readsBinary !== true) {
      this.upstreamSkipped('binary', ordinal, now);
      return;
    }
    if (!this.#count(ordinal)) return;
    const { session } = this;
    const { tracker } = this.#deps;
    const reader = this.#reader;
    // What an opted-in client says by ordinal is about the whole message, which is then one delivery.
    const facts = reader.event(buf, start, end, bytes, !session.optedIn, binary);
    for (const id of reader.leftOut) tracker.passed(session, id);
    if (facts?.id === undefined && bytes > end - start) session.obscured = true;
    if (this.adopt !== undefined) this.#learn(facts);
    // Read on the side: it was sent a while ago.
    const at = session.undecoded > 0 ? this.#deps.relay.now() : now;
    const delivery = facts === undefined ? undefined : tracker.track(session, facts, ordinal, now, at);
    const open = delivery !== undefined && !isSettled(delivery);
    // What is kept is sent again as text.
    if (open && !binary && (session.optedIn || (delivery.type.policy.resend === true && !reader.more)))
      keepMessage(tracker.retention, delivery, buf, start, end, bytes);
    if (this.#deps.journal !== undefined) journalMessage(this.#deps.journal, session, delivery, ordinal);
    if (open) this.#follow(delivery, at);
    else this.#barriers?.pass();
    if (reader.more) this.#trackRest(ordinal, now, at);
    if (session.optedIn && !this.#gone && this.#splice !== undefined)
      number(this.#deps.optedIn, this, this.#splice, buf, start, binary ? start : end, bytes, ordinal);
  }

  /** Whole messages are wanted where they may be sent again, and no longer than can be kept for that. */
  wants(): number {
    return this.session.optedIn || this.#deps.resends === true ? this.#deps.tracker.retention.longest : 0;
  }

  /** A message that cannot be read: its receipt can be proven all the same (SPEC D21). Its bytes are not at hand, so none are kept. */
  upstreamSkipped(reason: SkipReason, ordinal: number, now: number, unseen = reason !== 'binary'): void {
    if (!this.#count(ordinal)) return;
    const { session } = this;
    if (unseen) session.obscured = true;
    const facts = this.#deps.decoder.unreadable(reason === 'binary' ? 'binary' : 'text');
    if (facts === undefined) {
      this.#deps.unread[reason satisfies UnreadReason]++;
      if (session.resumable) this.#deps.journal?.counted(session, ordinal);
    }
    const at = session.undecoded > 0 ? this.#deps.relay.now() : now;
    if (facts === undefined || !this.#track(facts, ordinal, now, at)) this.#barriers?.pass();
    // The client would number everything after it wrongly: it has to come again.
    if (session.optedIn && this.#splice?.unheard && this.attended) this.#splice.dropClient();
  }

  writing(): void {
    if (this.session.optedIn) this.#deps.journal?.handOver();
  }

  undecoded(delta: 1 | -1): void {
    this.session.undecoded += delta;
    if (this.session.undecoded === 0) this.#deps.tracker.decoded(this.session);
  }

  ahead(ordinal: number): Ahead {
    return this.#barriers?.ahead(ordinal) ?? 'wait';
  }

  barrierAt(through: number): boolean {
    return this.#barriers?.at(through) === true;
  }

  lastBarrierAt(through: number): boolean {
    return this.#barriers?.lastAt(through) === true;
  }

  awaits(now: number): boolean {
    return this.#barriers?.awaits(now) === true;
  }

  receivedThrough(through: number, now: number): void {
    // Its client may still answer; the session's numbers are the other connection's by now.
    if (this.superseded) return;
    this.#deps.tracker.received(this.session, through, now);
    this.#tellCapability();
    this.#barriers?.answered(through);
  }

  get begins(): Uint8Array {
    return this.#reader.begins;
  }

  clientText(buf: Buffer, start: number, end: number, now: number): boolean {
    const { optedIn, tracker } = this.#deps;
    const { session } = this;
    let forward = false;
    if (!session.optedIn || !optedIn.clientText(this, buf, start, end, now)) {
      const confirmation = this.#reader.confirmation(buf, start, end);
      if (confirmation === undefined) return false;
      forward = confirmation.forward === true;
      tracker.processed(session, confirmation.eventId, confirmation.rejected, confirmation.error, now);
    }
    this.#barriers?.answered(session.receivedThrough);
    this.#tellCapability();
    return !forward;
  }

  clientLost(code: number, now: number): boolean {
    if (!this.session.optedIn || this.superseded || !this.#deps.optedIn.lost(this, code)) return false;
    this.#endBarriers();
    this.#deps.tracker.disconnected(this.session, now);
    this.#deps.observer.closed(this, 'client', code, now);
    this.#deps.parked.count++;
    return true;
  }

  clientOver(by: EndedBy, code: number, orderly: boolean, now: number): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#endBarriers();
    if (this.session.optedIn) this.#deps.optedIn.closed(this, by, code);
    if (this.superseded) return;
    // Whoever closes in good order has read what came before; what was under way to it by then had no chance to be answered.
    const leftSince = orderly ? now - this.#deps.relay.limits.patienceMs : Number.POSITIVE_INFINITY;
    this.#deps.tracker.disconnected(this.session, now, this.#why, leftSince);
  }

  closed(by: EndedBy, code: number, now: number): void {
    const wasAttended = this.attended;
    this.#splice = undefined;
    if (!wasAttended) this.#deps.parked.count--;
    try {
      this.clientOver(by, code, false, now);
    } finally {
      // Connections are limited: a place that is not given back is one that somebody is refused (SPEC D8).
      if (wasAttended) this.#deps.observer.closed(this, by, code, now);
    }
  }

  probe(now: number): AttemptResult {
    return this.#barriers?.probe(now) ?? 'failed';
  }

  resend(delivery: Delivery, now: number): AttemptResult {
    return this.#deps.optedIn.resend(this, delivery, now);
  }

  /** Whether bytes of the client may wait unread. */
  blind(now: number): boolean {
    return this.#splice?.blind(now) === true;
  }

  /** A frame of ours, for clients that have opted in and events whose rule allows it. */
  sendText(data: Uint8Array): void {
    this.#deps.journal?.handOver();
    this.#splice?.sendText(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }

  /** Whether the client reads what it is sent. */
  get flowing(): boolean {
    return this.#splice?.flowing === true;
  }

  /** Whether an answer to a word of the client may be sent: none waits behind a message, and its backlog is one of a client that reads. */
  get answerable(): boolean {
    return this.#splice?.answerable === true;
  }

  /** Bytes that have come from its clients. */
  get heard(): number {
    return this.#splice?.bytesToUpstream ?? 0;
  }

  /** Whether the client has ever shown that it answers. */
  get answers(): boolean {
    return this.#capability !== 'none';
  }

  /** A barrier is on its way to a client that can still answer. */
  get asked(): boolean {
    return this.#barriers?.over === false && this.#barriers.outstanding;
  }

  /** Ends both sides with a Close frame of ours. `why` is what its open deliveries end with when their last chance is over. */
  close(code: number, reason: string, why: 'disconnected' | 'shutdown' = 'disconnected'): void {
    this.#why = why;
    this.#splice?.close(code, reason);
  }

  /** Cuts the client off, as if its network had failed. `at`: when that was decided, monotonic ms. */
  drop(at: number): void {
    this.#splice?.dropClient(at);
  }

  destroy(at: number): void {
    this.#splice?.destroy(at);
  }

  /** A delivery has begun: sees to its barrier, or ends it, because its client has gone. */
  #follow(delivery: Delivery, now: number): void {
    const { session } = this;
    const { tracker } = this.#deps;
    if (session.resumable && this.#gone) return;
    const reached = this.#splice?.reaches(delivery.ordinal) !== false;
    if (!reached && !session.resumable) tracker.unsent(delivery, this.#why, now);
    else if (this.#gone) tracker.lost(delivery, this.#why, now);
    else if (reached) this.#barriers?.note(delivery);
  }

  /** The other events of a message that holds several: each is a delivery of that ordinal. The message is kept for none of them. */
  #trackRest(ordinal: number, now: number, at: number): void {
    const reader = this.#reader;
    for (let facts = reader.next(); facts !== undefined; facts = reader.next()) {
      if (this.adopt !== undefined) this.#learn(facts);
      this.#track(facts, ordinal, now, at);
    }
  }

  /** Whether a delivery has begun that waits for something. */
  #track(facts: EventFacts, ordinal: number, now: number, at: number): boolean {
    const delivery = this.#deps.tracker.track(this.session, facts, ordinal, now, at);
    if (this.#deps.journal !== undefined) journalMessage(this.#deps.journal, this.session, delivery, ordinal);
    if (delivery === undefined || isSettled(delivery)) return false;
    this.#follow(delivery, at);
    return true;
  }

  #learn(facts: EventFacts | undefined): void {
    if (facts?.user !== undefined) this.adopt?.(facts.user);
    if (this.session.user !== undefined) this.adopt = undefined;
  }

  /** A bug in there costs the client its session, not its connection (SPEC D8). */
  #greet(rejoined: boolean, now: number): void {
    if (!this.session.optedIn) return;
    try {
      this.#deps.optedIn.greet(this, rejoined, now);
    } catch (error) {
      this.#deps.relay.report({ stage: 'resume', error });
    }
  }

  /** False: the session's messages are counted by another connection. */
  #count(ordinal: number): boolean {
    if (this.superseded) this.#deps.unread.superseded++;
    else this.messages = this.session.lastOrdinal = ordinal;
    return !this.superseded;
  }

  #endBarriers(): void {
    if (this.#barriers !== undefined) this.#barriers.over = true;
  }

  #tellCapability(): void {
    const to = this.session.capability;
    if (to === this.#capability) return;
    const from = this.#capability;
    this.#capability = to;
    if (this.session.resumable) this.#deps.journal?.shown(this.session);
    this.#deps.observer.capability(this, from, to);
  }
}
