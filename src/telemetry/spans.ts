// One real OpenTelemetry span per delivery, open from the send to the outcome: how telemetry observes the core.
import {
  type Attributes,
  type HrTime,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { EventType } from '../delivery/policy.ts';
import type { Observer } from '../delivery/ports.ts';
import type { Attempt, Delivery } from '../delivery/record.ts';
import type { Level } from '../delivery/words.ts';
import { type ConnectionSpans, createConnectionSpans, TracedConnection } from './connection-spans.ts';
import { createTypeAttributes, ownAttributes } from './delivery-attributes.ts';
import { ATTR, SPAN, SPAN_EVENT } from './names.ts';
import { createSampling, type SamplingOptions } from './sampling.ts';
import { type SharedParts, shareParts } from './shared-parts.ts';
import { createEventEmitter, type EmitEvent, type EventMode, hrTime, type LogEvent } from './span-events.ts';
import { createTraceparentParser, type Parent } from './traceparent.ts';

/** What spans need. */
export interface SpanDeps {
  readonly tracer: Tracer;
  readonly sampling: SamplingOptions;
  readonly events: EventMode;
  /** Where log events go; needed for the modes `log` and `both`. */
  readonly logEvent?: LogEvent | undefined;
  /** Key of the HMAC behind `user.hash`; undefined = no such attribute. */
  readonly userHashKey: string | undefined;
  /** Told of each settled delivery that has a span, so that its histogram bucket can point at the trace. */
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
 * What `delivery.span` holds while the span is open. Before, for a delivery that was not chosen: its TracedConnection,
 * to link to should it need a span after all. After the outcome: the SpanContext, or nothing.
 */
class OpenSpan {
  readonly span: Span;
  readonly connection: TracedConnection | undefined;
  /** Attempts of the record that are already span events. */
  attempts = 0;
  received = false;
  constructor(span: Span, connection: TracedConnection | undefined) {
    this.span = span;
    this.connection = connection;
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

  /** The delivery's span; made now, with its real start and everything so far, when it was not chosen at the send. */
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
      catchUp(emit, spanOf(delivery), delivery, undefined);
    },
    received(delivery, now) {
      const held = delivery.span;
      if (held instanceof OpenSpan && !held.received) catchUp(emit, held, delivery, hrTime(now));
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
    const options = { kind: SpanKind.PRODUCER, startTime: hrTime(delivery.sentAt) };
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const open = new OpenSpan(tracer.startSpan(nameOf(delivery.type), options, context), connection);
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

/** Emits the steps of the record that are not events yet, in order of time. `receivedTime` spares a conversion where it is known. */
function catchUp(emit: EmitEvent, open: OpenSpan, delivery: Delivery, receivedTime: HrTime | undefined): void {
  const log = delivery.attemptLog;
  const count = log === undefined ? 0 : log.length;
  while (log !== undefined && open.attempts < count) {
    const attempt = log[open.attempts]!;
    if (!open.received && delivery.receivedAt !== 0 && delivery.receivedAt < attempt.at)
      emitReceived(emit, open, delivery);
    open.attempts++;
    emit(open.span, SPAN_EVENT.attempt, attemptAttributes(attempt), hrTime(attempt.at));
  }
  if (!open.received && delivery.receivedAt !== 0) emitReceived(emit, open, delivery, receivedTime);
}

function emitReceived(emit: EmitEvent, open: OpenSpan, delivery: Delivery, time = hrTime(delivery.receivedAt)): void {
  open.received = true;
  emit(open.span, SPAN_EVENT.received, undefined, time);
}

function attemptAttributes(attempt: Attempt): Attributes {
  return {
    [ATTR.attemptKind]: attempt.kind,
    [ATTR.attemptNumber]: attempt.number,
    [ATTR.attemptDelay]: attempt.delay / 1000,
    [ATTR.attemptResult]: attempt.result,
  };
}

/** Adds what is left to say and ends the span at the outcome. */
function finish(emit: EmitEvent, open: OpenSpan, delivery: Delivery, ofType: SharedParts): void {
  const { span } = open;
  const time = hrTime(delivery.settledAt);
  catchUp(emit, open, delivery, undefined);
  if (delivery.status === 'confirmed') {
    emit(span, SPAN_EVENT.confirmed, CONFIRMED[delivery.level === '' ? 'received' : delivery.level], time);
  }
  // Set once, here, and not at the start: the SDK copies attributes given to startSpan three times.
  span.setAttributes(ownAttributes(delivery));
  shareParts(span, open.connection === undefined ? [ofType] : [ofType, open.connection.shared]);
  if (delivery.errorType !== '') span.setStatus(ERROR);
  span.end(time);
}
