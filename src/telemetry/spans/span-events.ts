// telemetry: the one place where steps of a delivery become span events or log events (OTEP 4430).
// biome-ignore-all lint/complexity/useMaxParams: emitters are called for every span event, without an object.
import type { Attributes, HrTime, Span } from '@opentelemetry/api';
import { wallOf } from '../../time/clock.ts';
import { hrTime } from '../../time/stamp.ts';

/** Span events, log events that carry the span's context (OTEP 4430), or both. */
export type EventMode = 'span' | 'log' | 'both';

/** Writes one named event of a span as a log record. Implemented over the Logs API. */
export type LogEvent = (name: string, time: HrTime, attributes: Attributes | undefined, span: Span) => void;

/**
 * Records a step of the delivery of `span` at `at` (monotonic ms). `offset` is that of the span's
 * times (SPEC D18).
 */
export type EmitEvent = (
  span: Span,
  name: string,
  attributes: Attributes | undefined,
  at: number,
  offset: number,
) => void;

/**
 * The function that every event goes through. OpenTelemetry is moving from span events to log
 * events. Without a `log`, the modes `log` and `both` fall back to span events, so that nothing is
 * lost.
 */
export function createEventEmitter(mode: EventMode, log: LogEvent | undefined): EmitEvent {
  const asSpanEvent: EmitEvent = (span, name, attributes, at, offset) => {
    span.addEvent(name, attributes, hrTime(at + offset));
  };
  if (mode === 'span' || log === undefined) return asSpanEvent;
  // A log record leaves now, and is not moved when the clock is set later. Its time is by the clock
  // as it stands.
  const asLogEvent: EmitEvent = (span, name, attributes, at) => log(name, hrTime(wallOf(at)), attributes, span);
  if (mode === 'log') return asLogEvent;
  return (span, name, attributes, at, offset) => {
    asSpanEvent(span, name, attributes, at, offset);
    asLogEvent(span, name, attributes, at, offset);
  };
}
