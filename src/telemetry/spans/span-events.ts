// telemetry: the one place where steps of a delivery become span events or log events: OpenTelemetry is moving from the first to the second.
import type { Attributes, HrTime, Span } from '@opentelemetry/api';
import { wallOf } from '../../time/clock.ts';
import { hrTime } from '../../time/stamp.ts';

/** Span events, log events that carry the span's context (OTEP 4430), or both. */
export type EventMode = 'span' | 'log' | 'both';

/** Writes one named event of a span as a log record. Implemented over the Logs API. */
export type LogEvent = (name: string, time: HrTime, attributes: Attributes | undefined, span: Span) => void;

/** Records that something happened to the delivery of `span` at `at` (monotonic ms). `offset` is that of the span's times (SPEC D18). */
export type EmitEvent = (
  span: Span,
  name: string,
  attributes: Attributes | undefined,
  at: number,
  offset: number,
) => void;

/** The function through which every event goes. Without a `log`, mode `log` and `both` fall back to span events: nothing is lost. */
export function createEventEmitter(mode: EventMode, log: LogEvent | undefined): EmitEvent {
  const asSpanEvent: EmitEvent = (span, name, attributes, at, offset) => {
    span.addEvent(name, attributes, hrTime(at + offset));
  };
  if (mode === 'span' || log === undefined) return asSpanEvent;
  // A log record leaves now, and is not moved when the clock is set later: its time is by the clock as it stands.
  const asLogEvent: EmitEvent = (span, name, attributes, at) => log(name, hrTime(wallOf(at)), attributes, span);
  if (mode === 'log') return asLogEvent;
  return (span, name, attributes, at, offset) => {
    asSpanEvent(span, name, attributes, at, offset);
    asLogEvent(span, name, attributes, at, offset);
  };
}
