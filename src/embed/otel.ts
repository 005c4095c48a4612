// embed: one OpenTelemetry span per event, and the sidecar's metrics, through the API only; a no-op without an SDK.
import {
  type Attributes,
  context,
  type Meter,
  type MetricOptions,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
} from '@opentelemetry/api';
import type { EventType } from '../delivery/policy.ts';
import type { Delivery } from '../delivery/record.ts';
import type { AttemptKind, AttemptResult, ShedReason, UnmatchedReason } from '../delivery/words.ts';
import { ATTR, DELIVERY_BOUNDS, LABEL, METRICS, type MetricRow, SPAN, SPAN_EVENT } from '../telemetry/names/names.ts';
import { wallOffset } from '../time/clock.ts';
import { hrTime, restamp } from '../time/stamp.ts';
import type { Retry, Sending } from './sending.ts';

/** Offset from the monotonic clock to the times that are on an open span (SPEC D18). */
const offsets = new WeakMap<Span, number>();

/** The telemetry of a tracker. */
export interface EventTelemetry {
  tracked(delivery: Delivery): void;
  retried(delivery: Delivery, retry: Retry): void;
  settled(delivery: Delivery): void;
  unmatched(reason: UnmatchedReason): void;
  shed(reason: ShedReason, type: EventType): void;
}

/**
 * Spans and metrics under the names of `telemetry/names/names.ts`. The span's parent is the context
 * in which `track` is called.
 */
export function createEventTelemetry(tracer: Tracer, meter: Meter): EventTelemetry {
  const count = createCounts(meter);
  return {
    tracked(delivery) {
      const { label } = delivery.type;
      const offset = wallOffset();
      const startTime = hrTime(delivery.sentAt + offset);
      const span = tracer.startSpan(
        SPAN.sendPrefix + label,
        { kind: SpanKind.PRODUCER, startTime, attributes: firstAttributes(delivery) },
        context.active(),
      );
      offsets.set(span, offset);
      delivery.span = span;
      count.tracked(delivery);
    },
    retried(delivery, retry) {
      const result = retry.result as AttemptResult;
      count.attempt('reemit', result);
      // The span of a settled event has ended, with this retry in it.
      if (delivery.span !== undefined) noteRetry(delivery.span as Span, retry, result, delivery);
    },
    settled(delivery) {
      endSpan(delivery);
      count.settled(delivery);
    },
    unmatched: count.unmatched,
    shed: count.shed,
  };
}

function createCounts(meter: Meter) {
  const duration = meter.createHistogram(METRICS.deliveryDuration.name, {
    ...described(METRICS.deliveryDuration),
    advice: { explicitBucketBoundaries: [...DELIVERY_BOUNDS] },
  });
  const tracked = meter.createCounter(METRICS.tracked.name, described(METRICS.tracked));
  const pending = meter.createUpDownCounter(METRICS.pending.name, described(METRICS.pending));
  const unverifiable = meter.createCounter(METRICS.unverifiable.name, described(METRICS.unverifiable));
  const attempts = meter.createCounter(METRICS.attempts.name, described(METRICS.attempts));
  const unmatched = meter.createCounter(METRICS.unmatched.name, described(METRICS.unmatched));
  const shed = meter.createCounter(METRICS.shed.name, described(METRICS.shed));
  const attempt = (kind: AttemptKind, result: AttemptResult) =>
    attempts.add(1, { [LABEL.kind]: kind, [LABEL.result]: result });
  return {
    attempt,
    tracked({ type }: Delivery): void {
      const { priority } = type.policy;
      tracked.add(1, { [LABEL.eventType]: type.label, [LABEL.priority]: priority });
      pending.add(1, { [LABEL.priority]: priority });
      attempt('send', 'sent');
    },
    settled({ type, level, errorType, unverified, settledAt, sentAt }: Delivery): void {
      const { priority } = type.policy;
      pending.add(-1, { [LABEL.priority]: priority });
      const labels: Attributes = { [LABEL.eventType]: type.label, [LABEL.priority]: priority };
      if (unverified !== '') {
        // An unverifiable event would count as confirmed in the histogram.
        unverifiable.add(1, { ...labels, [LABEL.reason]: unverified });
        return;
      }
      labels[LABEL.level] = level === '' ? 'none' : level;
      if (errorType !== '') labels[LABEL.errorType] = errorType;
      duration.record((settledAt - sentAt) / 1000, labels);
    },
    unmatched: (reason: UnmatchedReason): void => unmatched.add(1, { [LABEL.reason]: reason }),
    shed: (reason: ShedReason, type: EventType): void =>
      shed.add(1, { [LABEL.reason]: reason, [LABEL.priority]: type.policy.priority }),
  };
}

function described({ unit, description }: MetricRow): MetricOptions {
  return { unit, description };
}

function firstAttributes(delivery: Delivery): Attributes {
  const attributes: Attributes = {
    [ATTR.messagingSystem]: 'websocket',
    [ATTR.operationName]: 'send',
    [ATTR.operationType]: 'send',
    [ATTR.destination]: delivery.type.name,
    [ATTR.messageId]: delivery.eventId ?? delivery.id,
    [ATTR.priority]: delivery.type.policy.priority,
  };
  if (delivery.run !== undefined) attributes[ATTR.conversationId] = delivery.run;
  if (delivery.tool !== undefined) attributes[ATTR.toolName] = delivery.tool;
  if (delivery.toolCall !== undefined) attributes[ATTR.toolCallId] = delivery.toolCall;
  return attributes;
}

function noteRetry(span: Span, retry: Retry, result: AttemptResult, delivery: Delivery): void {
  const before = (delivery.session as Sending).retries[retry.number - 3]?.at ?? delivery.sentAt;
  span.addEvent(
    SPAN_EVENT.attempt,
    {
      [ATTR.attemptKind]: 'reemit',
      [ATTR.attemptNumber]: retry.number,
      [ATTR.attemptDelay]: (retry.at - before) / 1000,
      [ATTR.attemptResult]: result,
    },
    hrTime(retry.at + offsets.get(span)!),
  );
}

function endSpan(delivery: Delivery): void {
  const span = delivery.span as Span | undefined;
  if (span === undefined) return;
  delivery.span = undefined;
  const offset = restamp(span, offsets.get(span)!, wallOffset());
  offsets.set(span, offset);
  const time = hrTime(delivery.settledAt + offset);
  const { level, errorType, unverified } = delivery;
  if (delivery.status === 'confirmed') {
    span.addEvent(SPAN_EVENT.confirmed, { [ATTR.level]: level === '' ? 'processed' : level }, time);
  }
  span.setAttributes({ [ATTR.outcome]: delivery.status, [ATTR.attempts]: delivery.attempts });
  if (level !== '') span.setAttribute(ATTR.level, level);
  if (unverified !== '') span.setAttribute(ATTR.unverified, unverified);
  if (errorType !== '') {
    span.setAttribute(ATTR.errorType, errorType);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end(time);
}
