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
import { createRunSpans, type RunSpanDeps, type TracedRun } from './run-spans.ts';
import { createSampling, type SamplingOptions } from './sampling.ts';
import { type SharedParts, shareParts } from './shared-parts.ts';
import { createEventEmitter, type EmitEvent, type EventMode, type LogEvent } from './span-events.ts';
import type { SpanIdGenerator, SpanIds } from './span-ids.ts';
import { createTraceparentParser, type Parent } from './traceparent.ts';

export interface SpanDeps {
  readonly tracer: Tracer;
  readonly sampling: SamplingOptions;
  readonly events: EventMode;
  /** Where log events go; needed for the modes `log` and `both`. */
  readonly logEvent?: LogEvent | undefined;
  /** Key of the HMAC behind `user.hash`; undefined = no such attribute. */
  readonly userHashKey: string | undefined;
  /** Ids of the tracer's spans. Left out: runs have no span, and spans end with a crash. */
  readonly ids?: SpanIdGenerator | undefined;
  /** Runs of agents; with `ids`. */
  readonly runs?: Pick<RunSpanDeps, 'ends' | 'silentAfterMs' | 'maxRuns'> | undefined;
  /** Called for each settled delivery with a span, so that its bucket can name the trace. */
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
  /**
   * Exports a child of the delivery's span, which is open, so that backends show it now. Returns
   * false if that was done before. `now`: monotonic ms.
   */
  showPending(delivery: Delivery, now: number): boolean;
  /** The span of the run that the delivery belongs to, where its events bring no trace. */
  runOf(delivery: Delivery): TracedRun | undefined;
  /** Ends runs that are over; `stop` ends every run. */
  tick(now: number): void;
  stop(): void;
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
  readonly run: TracedRun | undefined;
  /** Number of attempts of the record that are already span events. */
  attempts = 0;
  received = false;
  shown = false;
  constructor(span: Span, connection: TracedConnection | undefined, offset: number, run: TracedRun | undefined) {
    this.span = span;
    this.connection = connection;
    this.offset = offset;
    this.run = run;
  }
}

/**
 * Content of `delivery.span` before it has one, for a delivery of a run that has a span of its own.
 */
class Unchosen {
  readonly connection: TracedConnection | undefined;
  readonly run: TracedRun;
  constructor(connection: TracedConnection | undefined, run: TracedRun) {
    this.connection = connection;
    this.run = run;
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
  const start = createStarter(deps.tracer, deps.ids);
  const { ids, tracer } = deps;
  const runs = ids === undefined || deps.runs === undefined ? undefined : createRunSpans({ ...deps.runs, tracer, ids });

  /**
   * The delivery's span. One that was not chosen at the send is made now, with its real start and
   * everything so far.
   */
  function spanOf(delivery: Delivery): OpenSpan {
    const held = delivery.span;
    if (held instanceof OpenSpan) return held;
    if (held instanceof Unchosen) return start(delivery, held.run.parent, held.connection, held.run);
    return start(delivery, parentOf(delivery), held instanceof TracedConnection ? held : undefined, undefined);
  }

  const observer: Observer = {
    tracked(delivery) {
      const connection = connections.of(delivery.session);
      const own = parentOf(delivery);
      const run = own === undefined ? runs?.joined(delivery) : undefined;
      const parent = own ?? run?.parent;
      if (delivery.shownAs !== '' || sampling.chosen(parent)) start(delivery, parent, connection, run);
      else delivery.span = run === undefined ? connection : new Unchosen(connection, run);
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
      const { span: held } = delivery;
      if (held instanceof OpenSpan || held instanceof Unchosen) {
        if (held.run !== undefined) runs?.settled(held.run, delivery.settledAt);
      }
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
  };
  return {
    observer,
    connections,
    traceId: (delivery) => traceContext(delivery)?.traceId,
    traceContext,
    showPending(delivery, now) {
      const open = spanOf(delivery);
      if (open.shown) return false;
      open.shown = true;
      showPending({ tracer, ofType: typeAttributes(delivery) }, open, delivery, now);
      return true;
    },
    runOf: ({ session, run, traceparent }) =>
      traceparent === undefined && session.traceparent === '' ? runs?.of(session, run) : undefined,
    tick: (now) => runs?.tick(now),
    stop: () => runs?.stop(),
  };
}

type Start = (
  delivery: Delivery,
  parent: Parent | undefined,
  connection: TracedConnection | undefined,
  run: TracedRun | undefined,
) => OpenSpan;

/** Starts a delivery's span at its send, whenever that was, and leaves it in `delivery.span`. */
function createStarter(tracer: Tracer, ids: SpanIdGenerator | undefined): Start {
  const names: string[] = [];

  function nameOf(type: EventType): string {
    const known = names[type.index];
    if (known !== undefined) return known;
    const name = SPAN.sendPrefix + type.label;
    names[type.index] = name;
    return name;
  }

  return (delivery, parent, connection, run) => {
    const offset = wallOffset();
    const options = { kind: SpanKind.PRODUCER, startTime: hrTime(delivery.sentAt + offset) };
    const shown = delivery.shownAs === '' ? undefined : idsOf(delivery.shownAs);
    // A span that goes on has a parent only in the trace that it was shown in.
    const joined = shown !== undefined && parent?.traceId !== shown.traceId ? undefined : parent;
    const context = joined === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, joined);
    const begin = (): Span => tracer.startSpan(nameOf(delivery.type), options, context);
    const span = ids === undefined || shown === undefined ? begin() : ids.withIds(shown, begin);
    const open = new OpenSpan(span, connection, offset, run);
    run?.keep();
    delivery.span = open;
    return open;
  };
}

const SHOWN = /^([0-9a-f]{32})-([0-9a-f]{16})$/;

function idsOf(shownAs: string): SpanIds | undefined {
  const [, traceId, spanId] = SHOWN.exec(shownAs) ?? [];
  return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId };
}

/** Exports what is known of an open delivery so far, as a child of its span. */
function showPending(
  { tracer, ofType }: { readonly tracer: Tracer; readonly ofType: SharedParts },
  open: OpenSpan,
  delivery: Delivery,
  now: number,
): void {
  const { span, connection, offset } = open;
  const context = span.spanContext();
  delivery.shownAs = `${context.traceId}-${context.spanId}`;
  const options = { kind: SpanKind.INTERNAL, startTime: hrTime(delivery.sentAt + offset) };
  const child = tracer.startSpan(SPAN.deliveryPending, options, trace.setSpanContext(ROOT_CONTEXT, context));
  child.setAttributes(ownAttributes(delivery));
  shareParts(child, connection === undefined ? [ofType] : [ofType, connection.shared]);
  child.end(hrTime(now + offset));
}

function traceContext(delivery: Delivery): SpanContext | undefined {
  const held = delivery.span;
  if (held instanceof OpenSpan) return held.span.spanContext();
  if (held === undefined || held instanceof TracedConnection || held instanceof Unchosen) return undefined;
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
  // Attributes are set once, here: the SDK copies those given to startSpan three times.
  span.setAttributes(ownAttributes(delivery));
  shareParts(span, open.connection === undefined ? [ofType] : [ofType, open.connection.shared]);
  if (delivery.errorType !== '') span.setStatus(ERROR);
  span.end(hrTime(delivery.settledAt + offset));
}
