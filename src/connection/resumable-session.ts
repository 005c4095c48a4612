// connection: a session that outlives its connection: its present connection, its client's greeting, and its wait.
import type { Duplex } from 'node:stream';
import { type Goodbye, noteGoodbye } from '../delivery/goodbye.ts';
import type { Session } from '../delivery/session.ts';
import type { EndedBy } from '../relay/tap.ts';
import type { EndedCounters } from '../resume/counters.ts';
import { isFinal } from '../resume/final.ts';
import { type ClientMessage, readClientMessage, replayText, welcomeText } from '../resume/messages.ts';
import type { Registered } from '../resume/registry.ts';
import { patiently, type Wait } from '../time/patience.ts';
import { type Fence, tellMessage } from './fence.ts';
import type { Answered } from './heard.ts';
import type { ConnectionFacts } from './parts.ts';
import { REPLACED, REPLACED_REASON, type SessionConnection } from './session-connection.ts';
import type { Claim, Leaving, SessionDeps, SessionNumbers } from './session-deps.ts';

const GOING_AWAY = 1001; // RFC 6455 §7.4.1

export class ResumableSession implements Registered, Answered {
  readonly session: Session;
  user: string | undefined;
  serial = 0;
  used = 0;
  offset = 0;
  heard = 0;
  /** When a client claimed the session last, monotonic ms; negative = none did of this instance. */
  cameAt = -1;
  /** Holds evidence back while other instances may have the session; undefined = it counts. */
  fence: Fence | undefined = undefined;
  readonly #deps: SessionDeps;
  /** The connection that carries the session now, or carried it last. */
  #connection: SessionConnection | undefined = undefined;
  /** Number of the latest claim, and of the connection's. The newer of two wins (R10). */
  #claims = 0;
  #connectionClaim = 0;
  /** Ordinal through which the client has the messages. Set from its claim to its greeting. */
  #handed: number | undefined = undefined;
  #wait: Wait | undefined = undefined;
  /** When the last client went, monotonic ms: nothing of it was read later. 0 = none did. */
  #goneAt = 0;
  #held = 0;

  constructor(session: Session, deps: SessionDeps) {
    this.session = session;
    this.user = session.user;
    this.#deps = deps;
  }

  /** Restores a session of an earlier process, which waits for its client. */
  static restored(session: Session, user: string | undefined, numbers: SessionNumbers, deps: SessionDeps) {
    const { serial, used, heard } = numbers;
    const restored = new ResumableSession(session, deps);
    Object.assign(restored, { user, serial, used, heard });
    restored.#await(deps.ttlMs);
    return restored;
  }

  get id(): string {
    return this.session.key;
  }

  /** The connection that carries the session, or did last; undefined = none of this process. */
  get connection(): SessionConnection | undefined {
    return this.#connection;
  }

  /** The fence of evidence that comes now; undefined = it counts. */
  get evidenceFence(): Fence | undefined {
    if (this.fence === undefined) this.#deps.doubt?.(this);
    return this.fence;
  }

  /** Whether the session waits for its client. */
  get waits(): boolean {
    return this.#wait !== undefined;
  }

  /** Whether a client has claimed the session, and has not got it yet. */
  get expected(): boolean {
    return this.#claims > this.#connectionClaim;
  }

  /** Whether the client has messages that the session never had. */
  lacks(last: number): boolean {
    return last > this.session.lastOrdinal;
  }

  /** Claims the session for a client that has used its token, and has the messages up to `last`. */
  claim(last: number): Claim {
    this.#deps.journal?.tokens(this.session, this.serial, this.used);
    // The upstream's answer may take longer than the time that is left.
    if (this.waits) this.#await(this.#deps.ttlMs);
    this.cameAt = this.#deps.now();
    return { resumable: this, last, number: ++this.#claims };
  }

  /** Waits on, however long, while the client is at the door, until the result is called. */
  hold(): () => void {
    this.#held++;
    return () => this.#held--;
  }

  /** Whether a connection with a newer claim carries the session. */
  outrun({ number }: Claim): boolean {
    return number <= this.#connectionClaim;
  }

  /** Notes the session's first connection, which is about to start. */
  begin(connection: SessionConnection): void {
    this.#connection = connection;
  }

  /** Goes on over `connection`, perhaps the one before. The greeting comes next. */
  goOn(connection: SessionConnection, { last, number }: Claim): void {
    const before = this.#connection;
    this.#stopWaiting();
    this.#connectionClaim = number;
    this.#handed = last;
    noteGoodbye(this.session, undefined, this.#deps.journal);
    this.#connection = connection;
    if (before !== connection) before?.replaceBy(REPLACED, REPLACED_REASON);
  }

  /** Joins a client to the upstream connection that it had. */
  rejoin(facts: ConnectionFacts, client: Duplex, head: Buffer): void {
    this.#connection?.rejoin(facts, client, head, REPLACED, REPLACED_REASON);
  }

  /** Greets the client and sends what it missed. Returns how much; undefined = a new session. */
  greet(rejoined: boolean, now: number): number | undefined {
    const { registry, tracker, answers, silenceMs, journal } = this.#deps;
    const { session, heard } = this;
    const [connection, handed] = [this.#connection!, this.#handed];
    this.#handed = undefined;
    // The new client may know nothing of serials.
    answers.forget(this);
    const facts = { session: session.key, token: registry.token(this, now), next: connection.messages + 1 };
    if (session.resumable) journal?.tokens(session, this.serial, this.used);
    const recovered = handed !== undefined;
    connection.sendMessage(welcomeText({ ...facts, recovered, rejoined, heard, silence: silenceMs }));
    if (handed === undefined) return undefined;
    const missed = tracker.resumed(session, connection, handed, now);
    // What the application was handed is evidence, which may have shown more of the client.
    if (session.resumable) journal?.shown(session);
    for (const { ordinal, payload, binary } of missed) {
      if (payload === undefined) continue;
      connection.sendMessage(replayText(ordinal));
      connection.sendMessage(payload, binary);
    }
    return missed.length;
  }

  /** Takes in a text of the client of `from`; of an earlier one (`gone`) no serial. True: ours. */
  clientText(from: SessionConnection, buf: Buffer, start: number, end: number, now: number, gone: boolean): boolean {
    const message = readClientMessage(buf, start, end);
    if (message === undefined) return false;
    if (from !== this.#connection) return true;
    const fence = this.evidenceFence;
    if (fence === undefined) this.#take(message, now, gone);
    else {
      fence.hold(() => this.#take(message, now, gone));
      // The path is there, and nothing was taken in yet.
      if (message.serial > 0 && !gone) this.#deps.answers.owe(this);
    }
    return true;
  }

  #take(message: ClientMessage, now: number, gone: boolean): void {
    tellMessage(this.#deps.tracker, this.session, message, now);
    if (message.serial > 0 && !gone) this.#takeIn(message.serial);
  }

  /** The client is gone without a word: true = it is expected back. */
  lost(code: number, goodbye: Goodbye | undefined, now: number): boolean {
    const ms = this.waitsFor(code);
    if (ms === 0) return false;
    this.#goneAt = now;
    noteGoodbye(this.session, goodbye, this.#deps.journal);
    this.#await(ms);
    return true;
  }

  /** How long it waits for a client that goes with that Close code (1006: none), ms. */
  waitsFor(code: number): number {
    const { reloadMs, ttlMs } = this.#deps;
    return this.session.resumable ? (code === GOING_AWAY ? reloadMs : ttlMs) : 0;
  }

  /** The upstream is gone, and the client too (at `now`), unless it had been before. */
  closed(by: EndedBy, code: number, goodbye: Goodbye | undefined, now: number): void {
    const { reloadMs, ttlMs } = this.#deps;
    // The upstream went while the client was away, who comes back all the same.
    if (this.waits) return;
    this.#goneAt = now;
    // A client that was away by then was not closed upon.
    if (this.#connection?.attended === true) noteGoodbye(this.session, goodbye, this.#deps.journal);
    // The page went away: to be loaded again, or for good.
    const goesAway = by === 'client' && code === GOING_AWAY;
    // While others may have the session, nothing of it ends here.
    if (this.fence !== undefined && by !== 'sidecar') this.#await(ttlMs);
    else if (by === 'sidecar' && this.#staysBehind) this.#stopWaiting();
    else if (by === 'sidecar') this.#forget('stopped');
    else if (!this.session.resumable || isFinal(code) || (goesAway && reloadMs === 0)) this.#forget('closed');
    else this.#await(goesAway ? reloadMs : ttlMs);
  }

  /** Ends the session while it waits, whatever its client would still say. */
  expire(how: 'expired' | 'evicted' | 'incomplete', at = this.#deps.now()): void {
    this.openFence();
    this.#deps.tracker.ended(this.session, at, 'disconnected');
    this.#forget(how);
    this.#connection?.close(GOING_AWAY, 'the client did not come back');
  }

  /**
   * Ends the waiting session, or leaves it to the next process, because the sidecar stops: that was
   * decided at `from`. The end is dated then, or when the client went, where that was later (D14).
   */
  stop(code: number, reason: string, from: number): void {
    if (this.#staysBehind) this.#stopWaiting();
    else {
      this.openFence();
      this.#deps.tracker.ended(this.session, Math.max(from, this.#goneAt), 'shutdown');
      this.#forget('stopped');
    }
    this.#connection?.close(code, reason, 'shutdown');
  }

  /** Evidence that was held back counts from here on. */
  openFence(): void {
    const { fence } = this;
    this.fence = undefined;
    fence?.open();
  }

  /** Leaves what is in flight to another instance, without outcome. */
  leave(code: number, reason: string, { told, elsewhere, why }: Leaving): void {
    const { registry, tracker, counters, ended, now } = this.#deps;
    const [session, before] = [this.session, this.#connection];
    this.#stopWaiting();
    if (!registry.remove(this)) return;
    told();
    session.resumable = false;
    session.link = undefined;
    for (const delivery of session.inFlight()) if (elsewhere(delivery)) tracker.handOver(delivery);
    this.openFence();
    // The client could answer until now, and no longer.
    const goodbye = { orderly: true, own: false, since: 0, through: session.lastOrdinal };
    for (const each of session.inFlight()) tracker.lost(each, why, now(), before && goodbye);
    this.#connection = undefined;
    before?.replaceBy(code, reason);
    counters.ended.moved++;
    ended(session);
  }

  /** Whether the next process goes on with the session. */
  get #staysBehind(): boolean {
    return this.session.resumable && this.#deps.handsOver?.(this.session) === true;
  }

  /** Takes in an SDK message with a serial, which wants an answer. */
  #takeIn(serial: number): void {
    if (serial > this.heard) {
      this.heard = serial;
      if (this.session.resumable) this.#deps.journal?.heard(this.session, serial);
    }
    this.#deps.answers.owe(this);
  }

  /** Makes the session end. Its caller or its connection ends what is in flight. */
  #forget(how: keyof EndedCounters): void {
    const { registry, counters, journal, ended } = this.#deps;
    this.#stopWaiting();
    this.session.resumable = false;
    if (!registry.remove(this)) return;
    this.openFence();
    counters.ended[how]++;
    journal?.ended(this.session);
    ended(this.session);
  }

  #await(ms: number): void {
    const { waiting, counters } = this.#deps;
    this.#stopWaiting();
    waiting.add(this);
    this.#wait = patiently(ms, (t) => (this.#held || this.evidenceFence ? this.#await(ms) : this.expire('expired', t)));
    counters.waiting = waiting.size;
  }

  #stopWaiting(): void {
    const { waiting, counters } = this.#deps;
    this.#wait?.cancel();
    this.#wait = undefined;
    waiting.delete(this);
    counters.waiting = waiting.size;
  }
}
