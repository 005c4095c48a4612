// connection: the life of an event in code: relay, decode, track, keep, write, confirm, settle. Read this first.
import type { MessageReader } from '../decode/protocol.ts';
import type { Goodbye } from '../delivery/goodbye.ts';
import { type Delivery, type EventFacts, isSettled } from '../delivery/record.ts';
import type { Session } from '../delivery/session.ts';
import type { AttemptResult } from '../delivery/words.ts';
import type { SpliceHandle } from '../relay/splice-handle.ts';
import type { EndedBy, Leave, SkipReason, Tap, Unseen, WriteFirst } from '../relay/tap.ts';
import { BarrierSender } from './barrier-sender.ts';
import type { Connection } from './connection.ts';
import { copiesInside, copiesOf } from './copies.ts';
import { tellReceived, tellWords } from './fence.ts';
import { journalMessage } from './journalling.ts';
import { keepMessage } from './keeping.ts';
import { MessageNotes } from './message-notes.ts';
import { number } from './numbering.ts';
import type { ConnectionDeps, UnreadReason } from './parts.ts';
import type { ResumableSession } from './resumable-session.ts';

/** RFC 6455 §7.1.5: the code of an end without a Close frame. */
const NO_CLOSE_FRAME = 1006;

/**
 * The relay's tap on one connection: what its messages and the answers to them mean for the
 * deliveries of its session.
 */
export class EventPath implements Tap {
  /** Data messages for the client so far, on earlier connections of the session, too. */
  messages: number;
  /**
   * How open deliveries end when the client goes. `shutdown`: the sidecar sends the client away to
   * stop.
   */
  why: 'disconnected' | 'shutdown' = 'disconnected';
  readonly #connection: Connection;
  readonly #session: Session;
  readonly #resumable: ResumableSession | undefined;
  readonly #deps: ConnectionDeps;
  /** Reader of the messages of both sides, in the protocol of this connection. */
  readonly #reader: MessageReader;
  #notes: MessageNotes;
  #splice: SpliceHandle | undefined = undefined;
  #barriers: BarrierSender | undefined = undefined;
  /** Whether the client gives no more evidence and gets no more messages; its Close frame. */
  #over: Goodbye | boolean = false;

  constructor(connection: Connection, deps: ConnectionDeps) {
    const { session, resumable, facts } = connection;
    this.#connection = connection;
    this.#session = session;
    this.#resumable = resumable;
    this.#deps = deps;
    this.#reader = deps.decoder.open(facts);
    this.#notes = new MessageNotes(deps.messages, facts.seq);
    this.messages = session.lastOrdinal;
  }

  /**
   * Begins with a new client. Barriers on their way to an earlier client prove nothing any more.
   * `openedAt` is monotonic ms.
   */
  attend(splice: SpliceHandle, openedAt: number): void {
    this.endBarriers();
    this.#notes = new MessageNotes(this.#deps.messages, this.#connection.facts.seq);
    this.#splice = splice;
    this.#barriers = new BarrierSender(this.#session, splice, this.#deps, openedAt);
  }

  /** Whether a barrier is on its way to a client that can still answer. */
  get asked(): boolean {
    return this.#barriers?.over === false && this.#barriers.outstanding;
  }

  probe(now: number): AttemptResult {
    return this.#barriers?.probe(now) ?? 'failed';
  }

  /** Sends no more barriers to the client. */
  endBarriers(): void {
    this.#barriers?.end();
  }

  /**
   * Takes in an event message, before its bytes are written to the client. A compressed one has
   * been written already.
   */
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
      this.upstreamSkipped('binary', ordinal, now, bytes);
      return;
    }
    if (!this.#count(ordinal)) return;
    const session = this.#session;
    const resumable = this.#resumable;
    const reader = this.#reader;
    const { tracker, journal } = this.#deps;
    // An opted-in client confirms whole messages by ordinal, so that a message is one delivery.
    const facts = reader.event(buf, start, end, bytes, resumable === undefined, binary);
    for (const id of reader.leftOut) tracker.confirmations.passed(session, id);
    tracker.obscured.note(session, copiesInside(reader, facts, bytes > end - start), now);
    if (this.#connection.adopt !== undefined) this.#learn(facts);
    // A message that is read on the side was sent a while ago.
    const at = session.undecoded > 0 ? this.#deps.relay.now() : now;
    const delivery = facts === undefined ? undefined : tracker.track(session, facts, ordinal, now, at);
    const open = delivery !== undefined && !isSettled(delivery);
    if (open && (resumable !== undefined || delivery.type.policy.resend === true)) {
      delivery.binary = binary;
      keepMessage(tracker.retention, delivery, buf, start, end, bytes, reader.more);
    }
    if (journal !== undefined) journalMessage(journal, session, delivery, ordinal);
    if (open) this.#follow(delivery, at);
    else this.#barriers?.pass();
    this.#notes.sent(!binary, facts?.type.name, bytes, now, ordinal, delivery?.seq ?? 0);
    this.#notes.read(buf, start, end);
    if (reader.more) this.#trackRest(ordinal, now, at);
    if (resumable !== undefined && !this.#over && this.#splice !== undefined)
      number(this.#connection, this.#splice, buf, start, end, bytes, ordinal, binary);
  }

  /**
   * Bytes of a message that the relay is to collect, for messages that may be sent again; 0 = none.
   */
  wants(): number {
    return this.#resumable !== undefined || this.#deps.resends === true ? this.#deps.tracker.retention.longest : 0;
  }

  /** Takes in a message that cannot be read. Its receipt can still be proven (SPEC D21). */
  upstreamSkipped(reason: SkipReason, ordinal: number, now: number, bytes: number, unseen?: Unseen): void {
    if (!this.#count(ordinal)) return;
    const session = this.#session;
    const copies = copiesOf(reason, bytes, this.#deps.relay.limits.messageBytes, unseen);
    this.#deps.tracker.obscured.note(session, copies, now);
    const facts = this.#deps.decoder.unreadable(reason === 'binary' ? 'binary' : 'text');
    if (facts === undefined) {
      this.#deps.unread[reason satisfies UnreadReason]++;
      if (session.resumable) this.#deps.journal?.counted(session, ordinal);
    }
    const at = session.undecoded > 0 ? this.#deps.relay.now() : now;
    const { tracked } = this.#deps.tracker;
    if (facts === undefined || !this.#track(facts, ordinal, now, at)) this.#barriers?.pass();
    const delivery = this.#deps.tracker.tracked > tracked ? tracked + 1 : 0;
    this.#notes.sent(reason !== 'binary', facts?.type.name, bytes, now, ordinal, delivery);
    // An arriving client that misses this message would number all later ones wrongly. It has to
    // come again.
    if (this.#resumable === undefined || !this.#connection.attended) return;
    if (this.#splice?.audience === 'arriving') this.#splice.turnAway();
  }

  writing(): void {
    if (this.#resumable !== undefined) this.#deps.journal?.handOver(this.#session);
  }

  undecoded(delta: 1 | -1): void {
    this.#session.undecoded += delta;
    if (this.#session.undecoded === 0) this.#deps.tracker.decoded(this.#session, this.#deps.relay.now());
  }

  writeFirst(ordinal: number): WriteFirst {
    return this.#barriers?.writeFirst(ordinal) ?? 'nothing';
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

  wordsDue(now: number): boolean {
    return this.#resumable !== undefined && this.#barriers?.wordsDue(now) === true;
  }

  receivedThrough(through: number, now: number): void {
    // The client may still answer, but the session's ordinals belong to another connection by now.
    if (this.#connection.superseded) return;
    tellReceived(this.#deps.tracker, this.#session, through, now, this.#resumable?.evidenceFence);
    this.#connection.tellCapability();
    this.#barriers?.answered(through);
  }

  get begins(): Uint8Array {
    return this.#reader.begins;
  }

  clientMessage(isText: boolean, bytes: number, now: number): void {
    this.#notes.heard(isText, bytes, now);
  }

  clientText(buf: Buffer, start: number, end: number, now: number, binary: boolean, replaced: boolean): boolean {
    if (binary && this.#reader.readsBinary !== true) return false;
    this.#notes.read(buf, start, end);
    const ours = !binary && this.#resumable?.clientText(this.#connection, buf, start, end, now, replaced) === true;
    const said = ours ? undefined : this.#reader.confirmation(buf, start, end, binary);
    if (!ours && said === undefined) return false;
    tellWords(this.#deps.tracker, this.#session, said, now, this.#resumable?.evidenceFence);
    this.#barriers?.answered(this.#session.receivedThrough);
    this.#connection.tellCapability();
    if (said?.forward === true) return false;
    this.#notes.consumed();
    return true;
  }

  clientLost(code: number, now: number, asked: boolean): boolean {
    const goodbye = asked || code !== NO_CLOSE_FRAME ? this.#goodbye(!asked, !asked, this.messages, now) : undefined;
    if (this.#connection.superseded || this.#resumable?.lost(code, goodbye, now) !== true) return false;
    this.endBarriers();
    this.#deps.tracker.disconnected(this.#session, now);
    this.#connection.leftAlone(code, now);
    return true;
  }

  clientOver(by: EndedBy, code: number, leave: Leave, now: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection.tellClosing(by, code, now);
    this.endBarriers();
    if (this.#connection.superseded) return;
    const own = by === 'client' && leave !== 'told';
    const through = this.#splice?.writtenThrough ?? this.messages;
    const closed = leave !== 'vanished' || (!own && code !== NO_CLOSE_FRAME);
    const goodbye = closed ? this.#goodbye(leave === 'orderly', own, through, now) : undefined;
    this.#over = goodbye ?? true;
    // While its session waits, a client that was sent no Close frame can come back to speak.
    this.#resumable?.closed(by, code, leave === 'vanished' ? undefined : goodbye, now);
    this.#deps.tracker.disconnected(this.#session, now, this.why, goodbye);
  }

  closed(by: EndedBy, code: number, now: number, reason: string): void {
    this.#splice = undefined;
    try {
      this.clientOver(by, code, 'vanished', now);
    } finally {
      // A bug above must not keep the connection's place, because places are limited (SPEC D8).
      this.#connection.ended(by, code, now, reason);
    }
  }

  #goodbye(orderly: boolean, own: boolean, through: number, now: number): Goodbye {
    return { orderly, own, since: now - this.#deps.relay.limits.patienceMs, through };
  }

  /** A delivery has begun: sees to its barrier, or ends it, because its client has gone. */
  #follow(delivery: Delivery, now: number): void {
    const { resumable } = this.#session;
    const { tracker } = this.#deps;
    if (resumable && this.#over) return;
    const reached = delivery.ordinal <= (this.#splice?.writtenThrough ?? Number.POSITIVE_INFINITY);
    if (!reached && !resumable) tracker.unsent(delivery, this.why, now);
    else if (this.#over) tracker.lost(delivery, this.why, now, this.#over === true ? undefined : this.#over);
    else if (reached) this.#barriers?.note(delivery);
  }

  /**
   * Tracks the other events of a message that holds several. Each is a delivery of that ordinal,
   * and the message is kept for none of them.
   */
  #trackRest(ordinal: number, now: number, at: number): void {
    const reader = this.#reader;
    for (let facts = reader.next(); facts !== undefined; facts = reader.next()) {
      if (this.#connection.adopt !== undefined) this.#learn(facts);
      this.#track(facts, ordinal, now, at);
    }
  }

  /** Tracks an event. Answers whether a delivery has begun and waits for something. */
  #track(facts: EventFacts, ordinal: number, now: number, at: number): boolean {
    const { tracker, journal } = this.#deps;
    const delivery = tracker.track(this.#session, facts, ordinal, now, at);
    if (journal !== undefined) journalMessage(journal, this.#session, delivery, ordinal);
    if (delivery === undefined || isSettled(delivery)) return false;
    this.#follow(delivery, at);
    return true;
  }

  #learn(facts: EventFacts | undefined): void {
    if (facts?.user !== undefined) this.#connection.adopt?.(facts.user);
    if (this.#session.user !== undefined) this.#connection.adopt = undefined;
  }

  /** Counts a message. Answers false if another connection counts the session's messages by now. */
  #count(ordinal: number): boolean {
    const { superseded } = this.#connection;
    if (superseded) this.#deps.unread.superseded++;
    else this.messages = this.#session.lastOrdinal = ordinal;
    return !superseded;
  }
}
