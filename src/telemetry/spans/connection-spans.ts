// telemetry: the span of each connection, exported when it was chosen or when an exported span links to it.
import { createHmac } from 'node:crypto';
import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Session } from '../../delivery/session.ts';
import { wallOffset } from '../../time/clock.ts';
import { hrTime, restamp } from '../../time/stamp.ts';
import { ATTR, SPAN } from '../names/names.ts';
import { createSharedParts, type SharedParts } from './shared-parts.ts';
import { type Parent, parseTraceparent } from './traceparent.ts';

/** The facts of a connection on its span. */
export interface ConnectionFacts {
  readonly id: string;
  /** The host that the client connected to, without port, as in the Host header. */
  readonly serverAddress: string;
  readonly serverPort: number;
  /** Monotonic ms. */
  readonly openedAt: number;
  /** Path of the upgrade request, without its query. */
  readonly path?: string | undefined;
  /** Family of the client's User-Agent. */
  readonly agent?: string | undefined;
  /** Address of the client, where spans may have it. */
  readonly peer?: string | undefined;
}

interface End {
  readonly attributes: Attributes;
  readonly failed: boolean;
  /** Monotonic ms. */
  readonly at: number;
}

/**
 * A connection as its deliveries' spans refer to it, also after it closed. Its span is made when it
 * is first needed.
 */
export class TracedConnection {
  /** Attributes that every span of the connection carries. */
  readonly attributes: Attributes = {};
  /** Attributes that only the connection's own span carries. */
  readonly own: Attributes = { [ATTR.protocolName]: 'websocket' };
  /** Set when the connection is to be shown while it is open, as soon as its span is kept. */
  showFrom: number | undefined = undefined;
  readonly #tracer: Tracer;
  readonly #parent: Parent | undefined;
  readonly #openedAt: number;
  #kept: boolean;
  #span: Span | undefined;
  #shared: SharedParts | undefined;
  #end: End | undefined;
  /** Offset from the monotonic clock to the start that is on the span. */
  #offset = 0;

  constructor(tracer: Tracer, facts: ConnectionFacts, parent: Parent | undefined, chosen: boolean) {
    this.#tracer = tracer;
    this.#parent = parent;
    this.#openedAt = facts.openedAt;
    this.#kept = chosen;
    this.attributes[ATTR.serverAddress] = facts.serverAddress;
    this.attributes[ATTR.serverPort] = facts.serverPort;
    this.attributes[ATTR.connectionId] = facts.id;
  }

  /**
   * The attributes of every span of the connection, and the link to the connection's own span.
   * Taking them keeps that span.
   */
  get shared(): SharedParts {
    this.#shared ??= createSharedParts(this.attributes, { context: this.#started.spanContext() });
    if (!this.#kept) {
      this.#kept = true;
      this.#export();
      if (this.showFrom !== undefined) this.show(this.showFrom);
    }
    return this.#shared;
  }

  /**
   * Exports a child of the span, which is open. Returns false where the span itself will not be
   * exported.
   */
  show(now: number): boolean {
    if (!this.#kept) {
      this.showFrom = now;
      return false;
    }
    this.showFrom = undefined;
    if (this.#end !== undefined) return false;
    const context = trace.setSpanContext(ROOT_CONTEXT, this.#started.spanContext());
    const startTime = hrTime(this.#openedAt + this.#offset);
    const attributes = { ...this.attributes, ...this.own };
    const options = { kind: SpanKind.INTERNAL, startTime, attributes };
    this.#tracer.startSpan(SPAN.connectionOpen, options, context).end(hrTime(now + this.#offset));
    return true;
  }

  /**
   * The span as a `traceparent` (W3C Trace Context §3.2); the sampled flag tells whether it was
   * chosen to be exported.
   */
  get traceparent(): string {
    const { traceId, spanId } = this.#started.spanContext();
    return `00-${traceId}-${spanId}-0${this.#kept ? 1 : 0}`;
  }

  close(attributes: Attributes, failed: boolean, at: number): void {
    this.#end = { attributes, failed, at };
    this.#export();
  }

  get #started(): Span {
    const { attributes } = this;
    if (this.#span !== undefined) return this.#span;
    this.#offset = wallOffset();
    this.#span = this.#tracer.startSpan(
      SPAN.connection,
      {
        kind: SpanKind.SERVER,
        startTime: hrTime(this.#openedAt + this.#offset),
        attributes: { ...attributes, ...this.own },
      },
      this.#parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, this.#parent),
    );
    return this.#span;
  }

  /**
   * Ends the span when there is an end and a reason to export it. A span that is never ended is not
   * exported.
   */
  #export(): void {
    if (this.#end === undefined || !this.#kept) return;
    const { attributes, failed, at } = this.#end;
    const span = this.#started;
    // The user may have become known after the span was started.
    span.setAttributes({ ...this.attributes, ...this.own, ...attributes });
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
    this.#offset = restamp(span, this.#offset, wallOffset());
    span.end(hrTime(at + this.#offset));
  }
}

/** Opens and closes connection spans. */
export interface ConnectionSpans {
  /**
   * Returns the span of a handshake without a trace of its own, as a `traceparent` for the backend.
   * The span goes on when a connection with that id is opened; otherwise `refused` ends it.
   */
  begin(facts: ConnectionFacts): string;
  /**
   * `status` is the HTTP status that the client got; 0 = the client left before. `now` is monotonic
   * ms.
   */
  refused(id: string, status: number, now: number): void;
  opened(session: Session, facts: ConnectionFacts): void;
  /**
   * `by` names the side that ended the connection. `code` is the close code, 1006 = no close frame.
   * `reason` is the text of that frame. `now` is monotonic ms.
   */
  closed(session: Session, end: { code: number; by: string; reason?: string }, now: number): void;
  /**
   * Shows connections that were opened by `due` (monotonic ms) and are still open, each once, at
   * most `most`. Returns how many.
   */
  show(due: number, now: number, most: number): number;
  of(session: Session): TracedConnection | undefined;
}

/**
 * Digits of `user.hash`: 128 bits, enough to tell users apart, too few to be worth inverting
 * without the key.
 */
const USER_HASH_DIGITS = 32;

/**
 * Connection spans on `tracer`. `chosen` decides as for deliveries, by the parent's sampled flag
 * and trace id; `userHashKey` is the operator's key for `user.hash` (raw user ids never leave).
 */
export function createConnectionSpans(
  tracer: Tracer,
  chosen: (parent: Parent | undefined) => boolean,
  userHashKey: string | undefined,
): ConnectionSpans {
  const open = new Map<Session, TracedConnection>();
  /** Handshakes whose backend was given our context, by connection id. */
  const begun = new Map<string, TracedConnection>();
  /** Open connections that have not been shown, in the order of their opening. */
  const young = new Map<TracedConnection, number>();
  return {
    begin(facts) {
      const connection = new TracedConnection(tracer, facts, undefined, chosen(undefined));
      begun.set(facts.id, connection);
      return connection.traceparent;
    },
    refused(id, status, now) {
      const connection = begun.get(id);
      if (connection === undefined) return;
      begun.delete(id);
      connection.close(status === 0 ? {} : { [ATTR.httpStatus]: status }, status >= 500, now);
    },
    opened(session, facts) {
      let connection = begun.get(facts.id);
      begun.delete(facts.id);
      if (connection === undefined) {
        const parent = parseTraceparent(session.traceparent);
        connection = new TracedConnection(tracer, facts, parent, chosen(parent));
      }
      const userHash = hashUser(session.user, userHashKey);
      if (userHash !== undefined) connection.attributes[ATTR.userHash] = userHash;
      if (facts.path !== undefined) connection.own[ATTR.urlPath] = facts.path;
      if (facts.agent !== undefined) connection.own[ATTR.userAgent] = facts.agent;
      if (facts.peer !== undefined) connection.own[ATTR.peerAddress] = facts.peer;
      open.set(session, connection);
      young.set(connection, facts.openedAt);
    },
    closed(session, { code, by, reason = '' }, now) {
      const connection = open.get(session);
      if (connection === undefined) return;
      open.delete(session);
      young.delete(connection);
      const attributes = {
        [ATTR.connectionCapability]: session.capability,
        [ATTR.connectionCloseCode]: code,
        [ATTR.connectionClosedBy]: by,
        ...(reason !== '' && { [ATTR.connectionCloseReason]: reason }),
      };
      connection.close(attributes, false, now);
    },
    show(due, now, most) {
      let shown = 0;
      for (const [connection, openedAt] of young) {
        if (openedAt > due || shown >= most) break;
        young.delete(connection);
        if (connection.show(now)) shown++;
      }
      return shown;
    },
    of: (session) => open.get(session),
  };
}

function hashUser(user: string | undefined, key: string | undefined): string | undefined {
  if (user === undefined || key === undefined) return undefined;
  return createHmac('sha256', key).update(user).digest('hex').slice(0, USER_HASH_DIGITS);
}
