// One connection from upgrade to last outcome: relay → decode → track → confirm → settle. Read this first.
import type { ConnectionDeps, ConnectionFacts } from './connection.ts';
import { Barrier } from './delivery/barrier.ts';
import type { Link } from './delivery/ports.ts';
import { type Delivery, isSettled } from './delivery/record.ts';
import type { Session } from './delivery/session.ts';
import type { AttemptResult, Capability } from './delivery/words.ts';
import { Splice } from './relay/splice.ts';
import type { SplicedSockets } from './relay/spliced-sockets.ts';
import type { Ahead, EndedBy, SkipReason, Tap } from './relay/tap.ts';
import { type Task, whenTurnEnds } from './turn-end.ts';

/** An answer does not join more unsent bytes than this: more than back-pressure leaves to a client that reads. */
const ANSWER_BACKLOG_BYTES = 256 * 1024;

/** The relay's tap and the core's link in one: joins a pair of sockets to a session and its deliveries. */
export class Connection implements Tap, Link, Task {
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
  #barrier = new Barrier();
  #splice: Splice | undefined = undefined;
  /** Highest capability that was told to the observer. */
  #capability: Capability = 'none';
  #probedAt = 0;
  #probeResult: AttemptResult = 'blocked';

  constructor(facts: ConnectionFacts, session: Session, deps: ConnectionDeps) {
    this.facts = facts;
    this.session = session;
    this.messages = session.lastOrdinal;
    this.#deps = deps;
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
    this.session.link = this;
    this.#deps.observer.opened(this);
    const splice = new Splice({ ...sockets, ordinal: this.messages }, this, this.#deps.relay);
    this.#splice = splice;
    const now = this.#deps.relay.now();
    this.#greet(false, now);
    splice.start();
    this.probe(now);
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
    this.facts = facts;
    this.#capability = 'none';
    this.#barrier = new Barrier();
    this.session.link = this;
    this.#deps.observer.opened(this);
    this.#tellCapability();
    this.#greet(true, now);
    splice.startClient(head);
    this.probe(now);
    return true;
  }

  /** An event message is about to be written to the client (or, when compressed, has been). */
  upstreamText(buf: Buffer, start: number, end: number, ordinal: number, now: number): void {
    if (this.superseded) return;
    this.#count(ordinal);
    const { session } = this;
    const { tracker, decoder } = this.#deps;
    const facts = decoder.event(buf, start, end);
    if (this.adopt !== undefined && facts?.user !== undefined) this.#learn(facts.user);
    const delivery = facts === undefined ? undefined : tracker.track(session, facts, ordinal, now);
    if (delivery !== undefined && !isSettled(delivery)) {
      if (session.optedIn || delivery.type.policy.resend === true) {
        tracker.retention.keep(delivery, end - start, copier(buf, start, end));
      }
      this.#barrier.note(delivery);
      // Read on the side: its bytes have gone out, and with them the chance to join a barrier to them.
      if (session.undecoded > 0 && this.#barrier.wanted) this.#sendBarrier();
    } else this.#barrier.pass();
    if (session.optedIn) this.#number(buf, start, end, ordinal);
  }

  upstreamSkipped(reason: SkipReason, ordinal: number): void {
    if (this.superseded) return;
    this.#count(ordinal);
    this.#barrier.pass();
    this.#deps.skipped[reason]++;
    // Its bytes are not at hand, and the client would number everything after it wrongly: it has to come again.
    if (this.session.optedIn && this.#splice?.unheard && this.attended) this.#splice.dropClient();
  }

  undecoded(delta: 1 | -1): void {
    this.session.undecoded += delta;
    if (this.session.undecoded === 0) this.#deps.tracker.decoded(this.session);
  }

  ahead(ordinal: number): Ahead {
    const next = this.superseded || this.session.optedIn ? undefined : this.#barrier.next;
    if (next === undefined) return 'wait';
    if (next === 'nothing') return 'message';
    this.#barrier.sent(ordinal);
    return 'barrier';
  }

  barrierAt(through: number): boolean {
    if (this.superseded || !this.#barrier.wanted) return false;
    this.#barrier.sent(through);
    return true;
  }

  receivedThrough(through: number, now: number): void {
    // Its client may still answer; the session's numbers are the other connection's by now.
    if (this.superseded) return;
    this.#barrier.answered(through);
    this.#deps.tracker.received(this.session, through, now);
    this.#tellCapability();
    if (this.#barrier.wanted) whenTurnEnds(this);
  }

  /** Sends the barrier that a pong made possible, unless a write has carried it by now: often the next event was there already. */
  atTurnEnd(): void {
    try {
      if (!this.superseded && this.#barrier.wanted) this.#sendBarrier();
    } catch (error) {
      this.#deps.relay.report({ stage: 'tap', error });
    }
  }

  clientText(buf: Buffer, start: number, end: number, now: number): boolean {
    const { decoder, optedIn, tracker } = this.#deps;
    const { session } = this;
    if (!session.optedIn || !optedIn.clientText(this, buf, start, end, now)) {
      const confirmation = decoder.confirmation(buf, start, end);
      if (confirmation === undefined) return false;
      tracker.processed(session, confirmation.eventId, confirmation.rejected, confirmation.error, now);
    }
    this.#barrier.answered(session.receivedThrough);
    this.#tellCapability();
    return true;
  }

  clientLost(code: number, now: number): boolean {
    if (!this.session.optedIn || this.superseded || !this.#deps.optedIn.lost(this, code)) return false;
    this.#deps.tracker.disconnected(this.session, now);
    this.#deps.observer.closed(this, 'client', code, now);
    return true;
  }

  closed(by: EndedBy, code: number, now: number): void {
    const wasAttended = this.attended;
    this.#splice = undefined;
    try {
      if (this.session.optedIn) this.#deps.optedIn.closed(this, by, code);
      if (!this.superseded) this.#deps.tracker.disconnected(this.session, now);
    } finally {
      // Connections are limited: a place that is not given back is one that somebody is refused (SPEC D8).
      if (wasAttended) this.#deps.observer.closed(this, by, code, now);
    }
  }

  /** Attempts of one tick share one ping. */
  probe(now: number): AttemptResult {
    if (now !== this.#probedAt) {
      this.#probedAt = now;
      this.#probeResult = this.#sendBarrier();
    }
    return this.#probeResult;
  }

  resend(delivery: Delivery, now: number): AttemptResult {
    return this.#deps.optedIn.resend(this, delivery, now);
  }

  #learn(user: string): void {
    this.adopt?.(user);
    if (this.session.user !== undefined) this.adopt = undefined;
  }

  /** A frame of ours, for clients that have opted in and events whose rule allows it. */
  sendText(data: Uint8Array): void {
    this.#splice?.sendText(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }

  /** Whether the client reads what it is sent. */
  get flowing(): boolean {
    return this.#splice?.flowing === true;
  }

  /** Whether an answer to the client may be sent: none waits behind a message, and its backlog is one that back-pressure allows. */
  get answerable(): boolean {
    const splice = this.#splice;
    return splice !== undefined && !splice.outbound.textWaits && splice.client.backlog <= ANSWER_BACKLOG_BYTES;
  }

  /** Ends both sides with a Close frame of ours. */
  close(code: number, reason: string): void {
    this.#splice?.close(code, reason);
  }

  destroy(): void {
    this.#splice?.destroy();
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

  /** Sees to it that the client gives the message its right number, or comes again to get it. */
  #number(buf: Buffer, start: number, end: number, ordinal: number): void {
    const splice = this.#splice;
    if (splice === undefined || splice.isParked) return;
    const { optedIn } = this.#deps;
    if (splice.unheard) {
      optedIn.missed(this, buf, start, end, ordinal);
      return;
    }
    const notice = optedIn.notice(buf, start, end, ordinal);
    if (notice !== undefined && !splice.announce(buf, start, end, notice)) splice.dropClient();
  }

  #count(ordinal: number): void {
    this.messages = ordinal;
    this.session.lastOrdinal = ordinal;
  }

  #sendBarrier(): AttemptResult {
    const splice = this.#splice;
    if (splice === undefined) return 'failed';
    const result = splice.ping();
    if (result === 'sent') this.#barrier.sent(splice.messagesToClient);
    return result;
  }

  #tellCapability(): void {
    const to = this.session.capability;
    if (to === this.#capability) return;
    const from = this.#capability;
    this.#capability = to;
    this.#deps.observer.capability(this, from, to);
  }
}

/** Apart from its caller, which would otherwise pay for the closure with every event. */
const copier = (buf: Buffer, start: number, end: number) => () => Buffer.from(buf.subarray(start, end));
