// One connection from upgrade to last outcome: relay → decode → track → confirm → settle. Read this first.
import type { Decoder } from './decode/decoder.ts';
import { Barrier } from './delivery/barrier.ts';
import type { Link } from './delivery/ports.ts';
import { isSettled } from './delivery/record.ts';
import { Owner, Session } from './delivery/session.ts';
import type { Tracker } from './delivery/tracker.ts';
import type { AttemptResult, Capability } from './delivery/words.ts';
import { Splice } from './relay/splice.ts';
import type { EndedBy, RelayContext, SkipReason, Tap } from './relay/tap.ts';
import type { Upgraded } from './relay/upgrade.ts';

/** What a connection tells those who count and trace connections. */
export interface ConnectionObserver {
  opened(connection: Connection): void;
  /** The client has shown that it can confirm more (or anything at all). */
  capability(connection: Connection, from: Capability, to: Capability): void;
  /** `code` is that of the first Close frame; 1006 = there was none. `now` is ms since the epoch. */
  closed(connection: Connection, by: EndedBy, code: number, now: number): void;
}

export interface ConnectionDeps {
  readonly tracker: Tracker;
  readonly decoder: Decoder;
  readonly relay: RelayContext;
  readonly observer: ConnectionObserver;
  /** Messages that were relayed and not read, by reason. */
  readonly skipped: Record<SkipReason, number>;
}

/** What is kept of the upgrade request. The query is dropped: it may hold tokens (SPEC D11). */
export interface ConnectionFacts {
  readonly id: string;
  /** Order of opening, unique in this process. */
  readonly seq: number;
  readonly remote: string;
  readonly path: string;
  /** Host header without port; '' when there was none. */
  readonly host: string;
  /** ms since the epoch. */
  readonly openedAt: number;
}

/** The relay's tap and the core's link in one: joins a pair of sockets to a session and its deliveries. */
export class Connection implements Tap, Link {
  readonly facts: ConnectionFacts;
  readonly session: Session;
  readonly #deps: ConnectionDeps;
  readonly #barrier = new Barrier();
  #splice: Splice | undefined = undefined;
  /** Highest capability that was told to the observer. */
  #capability: Capability = 'none';
  #probedAt = 0;
  #probeResult: AttemptResult = 'blocked';
  /** Data messages relayed to the client. */
  messages = 0;

  constructor(facts: ConnectionFacts, session: Session, deps: ConnectionDeps) {
    this.facts = facts;
    this.session = session;
    this.#deps = deps;
  }

  get id(): string {
    return this.facts.id;
  }

  /** Starts relaying, and sends the first barrier: its pong shows what the client can confirm (SPEC E6). */
  start(upgraded: Upgraded): void {
    this.session.link = this;
    this.#deps.observer.opened(this);
    this.#splice = new Splice(upgraded, this, this.#deps.relay);
    this.#splice.start();
    this.probe(this.#deps.relay.now());
  }

  /** An event message is about to be written to the client (or, when compressed, has been). */
  upstreamText(buf: Buffer, start: number, end: number, ordinal: number, now: number): void {
    this.messages = ordinal;
    const facts = this.#deps.decoder.event(buf, start, end);
    if (facts === undefined) return;
    const { session } = this;
    const delivery = this.#deps.tracker.track(session, facts, ordinal, now);
    if (delivery === undefined || isSettled(delivery)) return;
    this.#barrier.note(delivery);
    // Read on the side: its bytes have gone out, and with them the chance to join a barrier to them.
    if (session.undecoded > 0 && this.#barrier.wanted) this.#sendBarrier();
  }

  upstreamSkipped(reason: SkipReason, ordinal: number): void {
    this.messages = ordinal;
    this.#deps.skipped[reason]++;
  }

  undecoded(delta: 1 | -1): void {
    this.session.undecoded += delta;
    if (this.session.undecoded === 0) this.#deps.tracker.decoded(this.session);
  }

  barrierAt(through: number): boolean {
    if (!this.#barrier.wanted) return false;
    this.#barrier.sent(through);
    return true;
  }

  receivedThrough(through: number, now: number): void {
    this.#barrier.answered(through);
    this.#deps.tracker.received(this.session, through, now);
    this.#tellCapability();
    if (this.#barrier.wanted) this.#sendBarrier();
  }

  clientText(buf: Buffer, start: number, end: number, now: number): boolean {
    const confirmation = this.#deps.decoder.confirmation(buf, start, end);
    if (confirmation === undefined) return false;
    const { eventId, rejected, error } = confirmation;
    this.#deps.tracker.processed(this.session, eventId, rejected, error, now);
    this.#barrier.answered(this.session.receivedThrough);
    this.#tellCapability();
    return true;
  }

  closed(by: EndedBy, code: number, now: number): void {
    this.#splice = undefined;
    this.#deps.tracker.disconnected(this.session, now);
    this.#deps.observer.closed(this, by, code, now);
  }

  /** Attempts of one tick share one ping. */
  probe(now: number): AttemptResult {
    if (now !== this.#probedAt) {
      this.#probedAt = now;
      this.#probeResult = this.#sendBarrier();
    }
    return this.#probeResult;
  }

  /** Ends both sides with a Close frame of ours. */
  close(code: number, reason: string): void {
    this.#splice?.close(code, reason);
  }

  destroy(): void {
    this.#splice?.destroy();
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

let connections = 0;

/** Takes over two upgraded sockets. Keeps strings of the request, never its objects. */
export function openConnection(upgraded: Upgraded, deps: ConnectionDeps): Connection {
  const { request } = upgraded;
  const header = (name: string): string => {
    const at = request.rawHeaders.findIndex((each, i) => i % 2 === 0 && each.toLowerCase() === name);
    return at < 0 ? '' : (request.rawHeaders[at + 1] ?? '');
  };
  const facts: ConnectionFacts = {
    id: request.id,
    seq: ++connections,
    remote: request.remoteAddress,
    path: request.url.split('?', 1)[0] ?? '/',
    host: header('host').replace(/:\d+$/, ''),
    openedAt: deps.relay.now(),
  };
  // The client's own trace only: one that we made up would be a parent that nobody records.
  const session = new Session(request.id, new Owner(undefined), header('traceparent'));
  const connection = new Connection(facts, session, deps);
  connection.start(upgraded);
  return connection;
}
