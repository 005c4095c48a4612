// The span of each connection: open from upgrade to close, so that the spans of its deliveries can link to it.
import { createHmac } from 'node:crypto';
import { type Attributes, ROOT_CONTEXT, type Span, SpanKind, type Tracer, trace } from '@opentelemetry/api';
import type { Session } from '../delivery/session.ts';
import { wallOffset } from '../time/clock.ts';
import { hrTime, restamp } from '../time/stamp.ts';
import { ATTR, SPAN } from './names.ts';
import { createSharedParts, type SharedParts } from './shared-parts.ts';
import { parseTraceparent } from './traceparent.ts';

/** What a connection's span says about it. */
export interface ConnectionFacts {
  readonly id: string;
  /** Where the client connected to: host without port, as in the Host header. */
  readonly serverAddress: string;
  readonly serverPort: number;
  /** Monotonic ms. */
  readonly openedAt: number;
}

/** A connection as its deliveries' spans refer to it, also after it closed. */
export class TracedConnection {
  readonly span: Span;
  /** What every span of the connection says about it, and the link to the connection's own span. */
  readonly shared: SharedParts;
  /** From the monotonic clock to the start that is on the span. */
  readonly offset: number;
  constructor(span: Span, attributes: Attributes, offset: number) {
    this.span = span;
    this.offset = offset;
    this.shared = createSharedParts(attributes, { context: span.spanContext() });
  }
}

/** Opens and closes connection spans. */
export interface ConnectionSpans {
  opened(session: Session, facts: ConnectionFacts): void;
  /** `by` names who ended it; `code` is the close code, 1006 = no close frame. `now` is monotonic ms. */
  closed(session: Session, code: number, by: string, now: number): void;
  of(session: Session): TracedConnection | undefined;
}

/** Digits of `user.hash`: 128 bits, enough to tell users apart, too few to be worth inverting without the key. */
const USER_HASH_DIGITS = 32;

/** Connection spans on `tracer`; `userHashKey` is the operator's key for `user.hash` (raw user ids never leave). */
export function createConnectionSpans(tracer: Tracer, userHashKey: string | undefined): ConnectionSpans {
  const open = new Map<Session, TracedConnection>();
  return {
    opened(session, facts) {
      const parent = parseTraceparent(session.traceparent);
      const userHash = hashUser(session.user, userHashKey);
      const attributes: Attributes = {
        [ATTR.serverAddress]: facts.serverAddress,
        [ATTR.serverPort]: facts.serverPort,
        [ATTR.connectionId]: facts.id,
      };
      if (userHash !== undefined) attributes[ATTR.userHash] = userHash;
      const offset = wallOffset();
      const span = tracer.startSpan(
        SPAN.connection,
        {
          kind: SpanKind.SERVER,
          startTime: hrTime(facts.openedAt + offset),
          attributes: { ...attributes, [ATTR.protocolName]: 'websocket' },
        },
        parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent),
      );
      open.set(session, new TracedConnection(span, attributes, offset));
    },
    closed(session, code, by, now) {
      const connection = open.get(session);
      if (connection === undefined) return;
      open.delete(session);
      connection.span.setAttributes({
        [ATTR.connectionCapability]: session.capability,
        [ATTR.connectionCloseCode]: code,
        [ATTR.connectionClosedBy]: by,
      });
      const offset = restamp(connection.span, connection.offset, wallOffset());
      connection.span.end(hrTime(now + offset));
    },
    of: (session) => open.get(session),
  };
}

function hashUser(user: string | undefined, key: string | undefined): string | undefined {
  if (user === undefined || key === undefined) return undefined;
  return createHmac('sha256', key).update(user).digest('hex').slice(0, USER_HASH_DIGITS);
}
