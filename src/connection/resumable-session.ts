// connection: a session that outlives its connection: which connection it goes on over, what its client is told, and for how long it waits for that client.
import type { Duplex } from 'node:stream';
import type { Journal } from '../delivery/journal.ts';
import type { Session } from '../delivery/session.ts';
import type { Tracker } from '../delivery/tracker.ts';
import type { EndedBy } from '../relay/tap.ts';
import type { EndedCounters, SessionCounters } from '../resume/counters.ts';
import { isFinal } from '../resume/final.ts';
import { readClientMessage, replayText, welcomeText } from '../resume/messages.ts';
import type { Registered, Registry } from '../resume/registry.ts';
import { patiently, type Wait } from '../time/patience.ts';
import type { Answered, Answers } from './heard.ts';
import type { ConnectionFacts } from './parts.ts';
import type { SessionConnection } from './session-connection.ts';

/** What all sessions of a process share. */
export interface SessionDeps {
  readonly registry: Registry<ResumableSession>;
  readonly tracker: Tracker;
  readonly counters: SessionCounters;
  readonly answers: Answers;
  /** Those that wait for their client, in the order in which they began to. */
  readonly waiting: Set<ResumableSession>;
  /** How long a session without a connection waits for its client, ms. */
  readonly ttlMs: number;
  /** The same after a Close frame with 1001: a page that reloads is back in a moment, one that was closed never is, ms. */
  readonly reloadMs: number;
  /** How long its path may be silent before a client gives it up, ms; 0 = for ever. */
  readonly silenceMs: number;
  readonly now: () => number;
  /** Told of sessions; left out where nothing outlives the process. */
  readonly journal?: Journal | undefined;
  /** Whether the next process goes on with the sessions of this one, which is about to stop. Default: never. */
  readonly handsOver?: () => boolean;
  /** The session is over; told once. */
  ended(session: Session): void;
}

/** A client may go on with a session: what it said, and which of its session's claims it is. */
export interface Claim {
  readonly resumable: ResumableSession;
  /** Ordinal of the last message that its application was given. */
  readonly last: number;
  readonly number: number;
}

/** What a session has counted: its welcomes and its client's words. */
export type SessionNumbers = Pick<ResumableSession, 'serial' | 'used' | 'heard'>;

/** Close code towards a client whose session goes on elsewhere (RFC 6455 §7.4.2: 4000–4999 are for applications). */
export const REPLACED = 4409;
export const REPLACED_REASON = 'replaced by a newer connection';
/** RFC 6455 §7.4.1, "going away". */
const GOING_AWAY = 1001;

export class ResumableSession implements Registered, Answered {
  readonly session: Session;
  user: string | undefined;
  serial = 0;
  used = 0;
  offset = 0;
  heard = 0;
  readonly #deps: SessionDeps;
  /** What the client needs of the session goes over this connection, or went over it last. */
  #connection: SessionConnection | undefined = undefined;
  /** Number of the latest claim, and of the claim that the connection came with: of two that overlap the newer wins (R10). */
  #claims = 0;
  #connectionClaim = 0;
  /** Up to where a client that goes on with the session has it; until it is greeted. */
  #handed: number | undefined = undefined;
  #wait: Wait | undefined = undefined;

  constructor(session: Session, deps: SessionDeps) {
    this.session = session;
    this.user = session.user;
    this.#deps = deps;
  }

  /** One of an earlier process: no connection has carried it in this one, and it waits for its client. */
  static restored(
    session: Session,
    user: string | undefined,
    { serial, used, heard }: SessionNumbers,
    deps: SessionDeps,
  ): ResumableSession {
    const restored = new ResumableSession(session, deps);
    Object.assign(restored, { user, serial, used, heard });
    restored.#await(deps.ttlMs);
    return restored;
  }

  get id(): string {
    return this.session.key;
  }

  /** The connection that carries the session now, or did last; undefined = an earlier process's did, or it has not begun. */
  get connection(): SessionConnection | undefined {
    return this.#connection;
  }

  /** Whether it waits for its client. */
  get waits(): boolean {
    return this.#wait !== undefined;
  }

  /** Whether its client, which has everything up to `last`, has more than an earlier process wrote down: nobody can say what else that had. */
  lacks(last: number): boolean {
    return this.#connection === undefined && last > this.session.lastOrdinal;
  }

  /** A client may go on with it: its token was used. */
  claim(last: number): Claim {
    this.#deps.journal?.tokens(this.session, this.serial, this.used);
    // Its client is on the way: the upstream's answer may take longer than what is left of the time.
    if (this.waits) this.#await(this.#deps.ttlMs);
    return { resumable: this, last, number: ++this.#claims };
  }

  /** Whether a newer claim has been made good already. */
  outrun({ number }: Claim): boolean {
    return number <= this.#connectionClaim;
  }

  /** Its first connection is about to start. */
  begin(connection: SessionConnection): void {
    this.#connection = connection;
  }

  /** It goes on over that connection, perhaps the one that it had; the client is greeted next. */
  goOn(connection: SessionConnection, { last, number }: Claim): void {
    const before = this.#connection;
    this.#stopWaiting();
    this.#connectionClaim = number;
    this.#handed = last;
    this.#connection = connection;
    if (before !== connection) before?.replaceBy(REPLACED, REPLACED_REASON);
  }

  /** Joins a client to the upstream connection that it had. */
  rejoin(facts: ConnectionFacts, client: Duplex, head: Buffer): void {
    this.#connection?.rejoin(facts, client, head, REPLACED, REPLACED_REASON);
  }

  /** Says the first words to the client that is there now: the welcome, and what it has missed. `rejoined`: over the same upstream connection. */
  greet(rejoined: boolean, now: number): void {
    const { registry, tracker, answers, silenceMs, journal } = this.#deps;
    const { session, heard } = this;
    const connection = this.#connection!;
    const handed = this.#handed;
    this.#handed = undefined;
    // The client that is there now may be one that knows nothing of serials.
    answers.forget(this);
    const facts = { session: session.key, token: registry.token(this, now), next: connection.messages + 1 };
    if (session.resumable) journal?.tokens(session, this.serial, this.used);
    const recovered = handed !== undefined;
    connection.sendText(welcomeText({ ...facts, recovered, rejoined, heard, silence: silenceMs }));
    if (handed === undefined) return;
    const missed = tracker.resumed(session, connection, handed, now);
    // What its application was handed is evidence.
    if (session.resumable) journal?.shown(session);
    for (const { ordinal, payload } of missed) {
      if (payload === undefined) continue;
      connection.sendText(replayText(ordinal));
      connection.sendText(payload);
    }
  }

  /** A text frame of the client of `from`: true = it was meant for us. */
  clientText(from: SessionConnection, buf: Buffer, start: number, end: number, now: number): boolean {
    const message = readClientMessage(buf, start, end);
    if (message === undefined) return false;
    if (from !== this.#connection) return true;
    const { session } = this;
    const { tracker } = this.#deps;
    if (message.kind === 'confirm') tracker.processedThrough(session, message.through, message.also, now);
    else if (message.kind === 'reject') tracker.rejected(session, message.n, message.reason, now);
    else if (message.kind === 'invalid') tracker.processedThrough(session, Number.MAX_SAFE_INTEGER, [], now);
    if (message.serial > 0) this.#takeIn(message.serial);
    return true;
  }

  /** The client is gone without a word: true = it is expected back. */
  lost(code: number): boolean {
    const { reloadMs, ttlMs } = this.#deps;
    const ms = code === GOING_AWAY ? reloadMs : ttlMs;
    if (!this.session.resumable || ms === 0) return false;
    this.#await(ms);
    return true;
  }

  /** The upstream is gone, and the client too, unless it had been before. */
  closed(by: EndedBy, code: number): void {
    const { reloadMs, ttlMs } = this.#deps;
    // The upstream went while the client was away: the client comes back all the same.
    if (this.waits) return;
    // The page went away: to be loaded again, or for good.
    const goodbye = by === 'client' && code === GOING_AWAY;
    if (by === 'sidecar' && this.#staysBehind) this.#stopWaiting();
    else if (by === 'sidecar') this.#forget('stopped');
    else if (!this.session.resumable || isFinal(code) || (goodbye && reloadMs === 0)) this.#forget('closed');
    else this.#await(goodbye ? reloadMs : ttlMs);
  }

  /** Its time is up, or it has to give way: whatever its client would still say, it is over. */
  expire(how: 'expired' | 'evicted' | 'incomplete'): void {
    const { tracker, now } = this.#deps;
    tracker.ended(this.session, now());
    this.#forget(how);
    this.#connection?.close(GOING_AWAY, 'the client did not come back');
  }

  /** Ends it while it waits, or leaves it to the next process: the sidecar stops. */
  stop(code: number, reason: string): void {
    const { tracker, now } = this.#deps;
    if (this.#staysBehind) this.#stopWaiting();
    else {
      tracker.ended(this.session, now(), 'shutdown');
      this.#forget('stopped');
    }
    this.#connection?.close(code, reason, 'shutdown');
  }

  /** Another instance goes on with it: nothing that it has in flight gets an outcome here. `told`: the journal knows. */
  leave(code: number, reason: string, told: () => void): void {
    const { registry, tracker, counters, ended } = this.#deps;
    const { session } = this;
    const before = this.#connection;
    this.#stopWaiting();
    if (!registry.remove(this)) return;
    told();
    session.resumable = false;
    session.link = undefined;
    for (const delivery of session.inFlight()) tracker.handOver(delivery);
    this.#connection = undefined;
    before?.replaceBy(code, reason);
    counters.ended.moved++;
    ended(session);
  }

  /** Gives up the upstream connection that is kept while the client is away; false = there is none. The session goes on waiting. */
  yieldUpstream(): boolean {
    const connection = this.#connection;
    if (connection === undefined || connection.attended || !connection.rejoinable) return false;
    connection.close(GOING_AWAY, 'the place is needed');
    return true;
  }

  /** The next process goes on with it. */
  get #staysBehind(): boolean {
    return this.session.resumable && this.#deps.handsOver?.() === true;
  }

  /** A word of its client that wants to be answered has been taken in. */
  #takeIn(serial: number): void {
    const { answers, journal } = this.#deps;
    if (serial > this.heard) {
      this.heard = serial;
      if (this.session.resumable) journal?.heard(this.session, serial);
    }
    answers.owe(this);
  }

  /** Nobody will resume it. What it has in flight is ended by the caller, or by its connection, which knows why. */
  #forget(how: keyof EndedCounters): void {
    const { registry, counters, journal, ended } = this.#deps;
    this.#stopWaiting();
    this.session.resumable = false;
    if (!registry.remove(this)) return;
    counters.ended[how]++;
    journal?.ended(this.session);
    ended(this.session);
  }

  #await(ms: number): void {
    const { waiting, counters } = this.#deps;
    this.#stopWaiting();
    waiting.add(this);
    this.#wait = patiently(ms, () => this.expire('expired'));
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
