// telemetry: one real OpenTelemetry span per delivery, open from the send to the outcome.
import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { EventType } from '../../delivery/policy.ts';
import type { Observer } from '../../delivery/ports.ts';
import type { Attempt, Delivery } from '../../delivery/record.ts';
import type { Level } from '../../delivery/words.ts';
import { wallOffset } from '../../time/clock.ts';
import { hrTime, restamp } from '../../time/stamp.ts';
import { ATTR, SPAN, SPAN_EVENT } from '../names/names.ts';
import { type ConnectionSpans, createConnectionSpans, TracedConnection } from './connection-spans.ts';
import { createTypeAttributes, ownAttributes } from './delivery-attributes.ts';
import { createSampling, type SamplingOptions } from './sampling.ts';
import { type SharedParts, shareParts } from './shared-parts.ts';
import { createEventEmitter, type EmitEvent, type EventMode, type LogEvent } from './span-events.ts';
import { createTraceparentParser, type Parent } from './traceparent.ts';

/** The dependencies of spans. */
export interface SpanDeps {
  readonly tracer: Tracer;
  readonly sampling: SamplingOptions;
  readonly events: EventMode;
  /** Where log events go; needed for the modes `log` and `both`. */
  readonly logEvent?: LogEvent | undefined;
  /** Key of the HMAC behind `user.hash`; undefined = no such attribute. */
  readonly userHashKey: string | undefined;
  /** Called for each settled delivery that has a span, so that its histogram bucket can point at the trace. */
  exemplar?(delivery: Delivery, traceId: string, spanId: string): void;
}

/** Spans of deliveries and of the connections that carry them. */
export interface Spans {
  readonly observer: Observer;
  readonly connections: ConnectionSpans;
  /** Trace id of the delivery's span, if it has one. */
  traceId(delivery: Delivery): string | undefined;
  /** Context of the delivery's span, if it has one. */
  traceContext(delivery: Delivery): SpanContext | undefined;
}

/**
 * The content of `delivery.span` while the span is open. Before, for a delivery that was not
 * chosen: its TracedConnection, to link to should the delivery need a span after all. After the
 * outcome: the SpanContext, or nothing.
 */
class OpenSpan {
  readonly span: Span;
  readonly connection: TracedConnection | undefined;
  /** Offset from the monotonic clock to the times that are on the span. */
  readonly offset: number;
  /** Number of attempts of the record that are already span events. */
  attempts = 0;
  received = false;
  constructor(span: Span, connection: TracedConnection | undefined, offset: number) {
    this.span = span;
    this.connection = connection;
    this.offset = offset;
  }
}

const CONFIRMED: Readonly<Record<Level, Attributes>> = {
  received: { [ATTR.level]: 'received' },
  processed: { [ATTR.level]: 'processed' },
};
const ERROR = { code: SpanStatusCode.ERROR };

/** Observes deliveries and turns them into spans on `deps.tracer`. */
export function createSpans(deps: SpanDeps): Spans {
  const sampling = createSampling(deps.sampling);
  const emit = createEventEmitter(deps.events, deps.logEvent);
  const connections = createConnectionSpans(deps.tracer, sampling.chosen, deps.userHashKey);
  const parentOf = createParentFinder();
  const typeAttributes = createTypeAttributes();
  const start = createStarter(deps.tracer);

  /**
   * The delivery's span. One that was not chosen at the send is made now, with its real start and
   * everything so far.
   */
  function spanOf(delivery: Delivery): OpenSpan {
    const held = delivery.span;
    if (held instanceof OpenSpan) return held;
    return start(delivery, parentOf(delivery), held instanceof TracedConnection ? held : undefined);
  }

  const observer: Observer = {
    tracked(delivery) {
      const parent = parentOf(delivery);
      const connection = connections.of(delivery.session);
      if (sampling.chosen(parent)) start(delivery, parent, connection);
      else delivery.span = connection;
    },
    attempted(delivery) {
      const open = spanOf(delivery);
      catchUp(emit, open, delivery, open.offset);
    },
    received(delivery) {
      const held = delivery.span;
      if (held instanceof OpenSpan && !held.received) catchUp(emit, held, delivery, held.offset);
    },
    settled(delivery) {
      if (!(delivery.span instanceof OpenSpan) && !sampling.worthKeeping(delivery)) {
        delivery.span = undefined;
        return;
      }
      const open = spanOf(delivery);
      finish(emit, open, delivery, typeAttributes(delivery));
      const context = open.span.spanContext();
      delivery.span = context;
      deps.exemplar?.(delivery, context.traceId, context.spanId);
    },
    handedOver(delivery) {
      // The span of the delivery is the other process's, with the same start.
      delivery.span = undefined;
    },
    upgraded() {},
    unmatched() {},
    shed() {},
  };
  return { observer, connections, traceId: (delivery) => traceContext(delivery)?.traceId, traceContext };
}

type Start = (delivery: Delivery, parent: Parent | undefined, connection: TracedConnection | undefined) => OpenSpan;

/** Starts a delivery's span at its send, whenever that was, and leaves it in `delivery.span`. */
function createStarter(tracer: Tracer): Start {
  const names: string[] = [];

  function nameOf(type: EventType): string {
    const known = names[type.index];
    if (known !== undefined) return known;
    const name = SPAN.sendPrefix + type.label;
    names[type.index] = name;
    return name;
  }

  return (delivery, parent, connection) => {
    const offset = wallOffset();
    const options = { kind: SpanKind.PRODUCER, startTime: hrTime(delivery.sentAt + offset) };
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const open = new OpenSpan(tracer.startSpan(nameOf(delivery.type), options, context), connection, offset);
    delivery.span = open;
    return open;
  };
}

function traceContext(delivery: Delivery): SpanContext | undefined {
  const held = delivery.span;
  if (held instanceof OpenSpan) return held.span.spanContext();
  if (held === undefined || held instanceof TracedConnection) return undefined;
  return held as SpanContext;
}

/** Parent of a delivery: the event's own traceparent, else the upgrade request's. */
function createParentFinder(): (delivery: Delivery) => Parent | undefined {
  const parseEvent = createTraceparentParser();
  const parseSession = createTraceparentParser();
  return ({ traceparent, session }) =>
    (traceparent === undefined ? undefined : parseEvent(traceparent)) ?? parseSession(session.traceparent);
}

/** Emits the steps of the record that are not events yet, in order of time. */
function catchUp(emit: EmitEvent, open: OpenSpan, delivery: Delivery, offset: number): void {
  const log = delivery.attemptLog;
  const count = log === undefined ? 0 : log.length;
  while (log !== undefined && open.attempts < count) {
    const attempt = log[open.attempts]!;
    if (!open.received && delivery.receivedAt !== 0 && delivery.receivedAt < attempt.at)
      emitReceived(emit, open, delivery, offset);
    open.attempts++;
    emit(open.span, SPAN_EVENT.attempt, attemptAttributes(attempt), attempt.at, offset);
  }
  if (!open.received && delivery.receivedAt !== 0) emitReceived(emit, open, delivery, offset);
}

function emitReceived(emit: EmitEvent, open: OpenSpan, delivery: Delivery, offset: number): void {
  open.received = true;
  emit(open.span, SPAN_EVENT.received, undefined, delivery.receivedAt, offset);
}

function attemptAttributes(attempt: Attempt): Attributes {
  return {
    [ATTR.attemptKind]: attempt.kind,
    [ATTR.attemptNumber]: attempt.number,
    [ATTR.attemptDelay]: attempt.delay / 1000,
    [ATTR.attemptResult]: attempt.result,
  };
}

/** Adds the last attributes and ends the span at the outcome. */
function finish(emit: EmitEvent, open: OpenSpan, delivery: Delivery, ofType: SharedParts): void {
  const { span } = open;
  const offset = restamp(span, open.offset, wallOffset());
  catchUp(emit, open, delivery, offset);
  if (delivery.status === 'confirmed') {
    const level = delivery.level === '' ? 'received' : delivery.level;
    emit(span, SPAN_EVENT.confirmed, CONFIRMED[level], delivery.settledAt, offset);
  }
  // Attributes are set once, here, and not at the start: the SDK copies attributes given to
  // startSpan three times.
  span.setAttributes(ownAttributes(delivery));
  shareParts(span, open.connection === undefined ? [ofType] : [ofType, open.connection.shared]);
  if (delivery.errorType !== '') span.setStatus(ERROR);
  span.end(hrTime(delivery.settledAt + offset));
}
