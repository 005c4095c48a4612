// connection: one connection from upgrade to end: its clients, one after the other, and its session.

import { tellStep } from '../channels/channels.ts';
import type { Delivery } from '../delivery/record.ts';
import type { Session } from '../delivery/session.ts';
import type { AttemptResult, Capability } from '../delivery/words.ts';
import { createSplice, type SpliceHandle } from '../relay/splice-handle.ts';
import type { SplicedSockets } from '../relay/spliced-sockets.ts';
import type { EndedBy } from '../relay/tap.ts';
import type { Ageing } from './ageing.ts';
import { EventPath } from './event-path.ts';
import type { ConnectionDeps, ConnectionFacts } from './parts.ts';
import { Resends } from './resending.ts';
import type { ResumableSession } from './resumable-session.ts';
import type { SessionConnection } from './session-connection.ts';
import type { Silent } from './silence.ts';

/**
 * The state of a connection's client:
 *
 *     none ──start──▶ here ──lost, and expected back──▶ away
 *                     │ ▲ ◀──────────rejoin──────────── │
 *                     │ └─rejoin (a newer one takes its place)
 *     none ◀──ended───┴──────────────ended──────────────┘
 *
 * `here` counts as an open connection, `away` as a parked one. A client that has gone for good is
 * `here` until both sockets are closed.
 */
type Client = 'none' | 'here' | 'away';

const NOTHING_SENT = { client: { backlog: 0 }, bytesToClient: 0 };

export class Connection implements SessionConnection, Silent, Ageing {
  /** The facts about the client that is here, or was here last. */
  facts: ConnectionFacts;
  readonly session: Session;
  /**
   * The session as one that outlives its connection; undefined = the client has not opted in.
   * Another connection may carry the session by now.
   */
  readonly resumable: ResumableSession | undefined;
  /** Gives the session its user. Set while the user is unknown and an event may still name it. */
  adopt: ((user: string) => void) | undefined = undefined;
  readonly #deps: ConnectionDeps;
  readonly #path: EventPath;
  #splice: SpliceHandle | undefined = undefined;
  /** Waits for the place that this connection yields. */
  #gone: (() => void) | undefined = undefined;
  #client: Client = 'none';
  /** Undefined until a message is sent again. */
  #resends: Resends | undefined = undefined;
  /** Highest capability that was told to the observer. */
  #capability: Capability = 'none';

  constructor(facts: ConnectionFacts, session: Session, deps: ConnectionDeps, resumable?: ResumableSession) {
    this.facts = facts;
    this.session = session;
    this.resumable = resumable;
    this.#deps = deps;
    this.#path = new EventPath(this, deps);
  }

  get id(): string {
    return this.facts.id;
  }

  get messages(): number {
    return this.#path.messages;
  }

  /**
   * Whether another connection carries the session, so that the end of this one means nothing to
   * the session.
   */
  get superseded(): boolean {
    return this.resumable !== undefined && this.resumable.connection !== this;
  }

  get attended(): boolean {
    return this.#client === 'here';
  }

  get rejoinable(): boolean {
    return this.#splice?.rejoinable === true;
  }

  /**
   * Starts relaying, and sends the first barrier, whose pong shows what the client can confirm
   * (SPEC E6).
   */
  start(sockets: SplicedSockets): void {
    this.session.link = this;
    this.#tellOpened(false);
    const facts = { ...sockets, ordinal: this.messages, announcesLoss: this.resumable !== undefined };
    const splice = createSplice(facts, this.#path, this.#deps.relay);
    this.#splice = splice;
    this.#client = 'here';
    this.#path.attend(splice, this.facts.openedAt);
    const now = this.#deps.relay.now();
    this.#greet(false, now);
    splice.start();
    // The upstream's first messages may have carried a barrier.
    if (!this.#path.asked) this.probe(now);
  }

  /**
   * Puts a new client in the place of the one that is away or still seems to be here. Answers false
   * if that cannot be done.
   */
  rejoin(
    facts: ConnectionFacts,
    client: SplicedSockets['client'],
    head: Buffer,
    code: number,
    reason: string,
  ): boolean {
    const splice = this.#splice;
    if (splice === undefined || !splice.rejoinable) return false;
    const { observer, parked, relay } = this.#deps;
    splice.rejoin(client, code, reason);
    const now = relay.now();
    if (this.attended) {
      this.#tellReplaced(code, reason);
      observer.closed(this, { by: 'sidecar', code, reason, at: now });
    } else parked.count--;
    this.#client = 'here';
    this.facts = facts;
    this.#capability = 'none';
    this.#path.attend(splice, facts.openedAt);
    this.session.link = this;
    this.#tellOpened(true);
    this.tellCapability();
    this.#greet(true, now);
    splice.startClient(head);
    this.probe(now);
    return true;
  }

  /** Ends this connection, because another one carries the session from here on. */
  replaceBy(code: number, reason: string): void {
    this.#tellReplaced(code, reason);
    this.#path.endBarriers();
    this.#splice?.close(code, reason);
  }

  /** Notes for `EventPath` that the client has gone and is expected back. */
  leftAlone(code: number, now: number): void {
    const { observer, parked } = this.#deps;
    tellStep('parked', () => ({ connection: this.id, session: this.session.key, code, at: now }));
    observer.closed(this, { by: 'client', code, reason: '', at: now });
    parked.count++;
    this.#client = 'away';
  }

  /** Tells for `EventPath` that the client can give no further evidence. */
  tellClosing(by: EndedBy, code: number, now: number): void {
    tellStep('closing', () => ({ connection: this.id, session: this.session.key, by, code, at: now }));
  }

  /** Notes for `EventPath` that both sockets are closed. A client may come behind `decidedAt`. */
  ended(by: EndedBy, code: number, decidedAt: number, reason: string): void {
    const { observer, parked } = this.#deps;
    const at = Math.max(decidedAt, this.facts.openedAt);
    const { attended } = this;
    this.#splice = undefined;
    this.#client = 'none';
    tellStep('closed', () => ({ connection: this.id, session: this.session.key, by, code, reason, at }));
    if (attended) observer.closed(this, { by, code, reason, at });
    else parked.count--;
    this.#gone?.();
  }

  /** Tells the observer if the client has shown that it can confirm more. */
  tellCapability(): void {
    const to = this.session.capability;
    if (to === this.#capability) return;
    const from = this.#capability;
    this.#capability = to;
    if (this.session.resumable) this.#deps.journal?.shown(this.session);
    tellStep('capability', () => ({ connection: this.id, from, to }));
    this.#deps.observer.capability(this, from, to);
  }

  probe(now: number): AttemptResult {
    return this.#path.probe(now);
  }

  resend(delivery: Delivery, now: number): AttemptResult {
    this.#resends ??= new Resends(this.#deps.resendBudget);
    return this.#resends.resend(this, delivery, this.resumable !== undefined, now);
  }

  get closedBehind(): number | undefined {
    return this.#splice?.closedBehind;
  }

  blind(now: number): boolean {
    return this.resumable?.fence !== undefined || this.#splice?.blind(now) === true;
  }

  /** Sends a message of ours or again. The client has opted in, or a rule allows it. */
  sendMessage(data: Uint8Array, binary?: boolean): void {
    this.#deps.journal?.handOver(this.session);
    this.#splice?.sendMessage(Buffer.from(data.buffer, data.byteOffset, data.byteLength), binary);
  }

  /** Whether the client reads what it is sent. */
  get flowing(): boolean {
    return this.#splice?.flowing === true;
  }

  /** Whether an answer may be sent: no text of ours waits behind a message; the client reads. */
  get answerable(): boolean {
    return this.#splice?.answerable === true;
  }

  get heard(): number {
    return this.#splice?.bytesToUpstream ?? 0;
  }

  get taken(): number {
    const { client, bytesToClient } = this.#splice ?? NOTHING_SENT;
    return client.backlog === 0 ? -1 : bytesToClient - client.backlog;
  }

  get traffic(): number {
    return this.#splice?.traffic ?? 0;
  }

  get answers(): boolean {
    return this.#capability !== 'none';
  }

  get asked(): boolean {
    return this.#path.asked;
  }

  /**
   * Ends both sides with a Close frame of ours. Deliveries that are still open after their last
   * chance end with `why`.
   */
  close(code: number, reason: string, why: 'disconnected' | 'shutdown' = 'disconnected'): void {
    this.#path.why = why;
    this.#splice?.close(code, reason, true);
  }

  yieldPlace(code: number, reason: string, gone: () => void): void {
    this.#gone = gone;
    this.close(code, reason);
  }

  /**
   * Has the client come again: one that has opted in keeps its session and its upstream
   * connection, and every other connection ends. False: not at this moment.
   */
  retire(code: number, reason: string): boolean {
    const { resumable } = this;
    if (resumable === undefined || resumable.waitsFor(1006) === 0) {
      this.close(code, reason);
      return true;
    }
    return !this.superseded && this.#splice?.retire(code, reason) === true;
  }

  /** Cuts the client off, as if its network had failed. `at`: the decision, monotonic ms. */
  drop(at: number): void {
    this.#splice?.dropClient(at);
  }

  destroy(at: number): void {
    this.#splice?.destroy(at);
  }

  #tellOpened(rejoined: boolean): void {
    const { id, session, facts } = this;
    tellStep('opened', () => ({
      ...{ connection: id, session: session.key, path: facts.path, rejoined, at: facts.openedAt },
    }));
    this.#deps.observer.opened(this);
  }

  #tellReplaced(code: number, reason: string): void {
    tellStep('replaced', () => ({ connection: this.id, session: this.session.key, code, reason }));
  }

  /** A bug in the greeting costs the client its session, not its connection (SPEC D8). */
  #greet(rejoined: boolean, now: number): void {
    try {
      const { resumable } = this;
      if (resumable === undefined) return;
      const replays = resumable.greet(rejoined, now);
      tellStep('resumed', () => ({
        ...{ connection: this.id, session: this.session.key, recovered: replays !== undefined, replays: replays ?? 0 },
      }));
    } catch (error) {
      this.#deps.relay.report({ stage: 'resume', error });
    }
  }
}
