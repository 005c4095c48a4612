// The one place where steps of a delivery become span events or log events: OpenTelemetry is moving from the first to the second.
import type { Attributes, HrTime, Span } from '@opentelemetry/api';

/** Span events, log events that carry the span's context (OTEP 4430), or both. */
export type EventMode = 'span' | 'log' | 'both';

/** Writes one named event of a span as a log record. Implemented over the Logs API. */
export type LogEvent = (name: string, time: HrTime, attributes: Attributes | undefined, span: Span) => void;

/** Records that something happened to the delivery of `span` at `time`. */
export type EmitEvent = (span: Span, name: string, attributes: Attributes | undefined, time: HrTime) => void;

/** The function through which every event goes. Without a `log`, mode `log` and `both` fall back to span events: nothing is lost. */
export function createEventEmitter(mode: EventMode, log: LogEvent | undefined): EmitEvent {
  const asSpanEvent: EmitEvent = (span, name, attributes, time) => {
    span.addEvent(name, attributes, time);
  };
  if (mode === 'span' || log === undefined) return asSpanEvent;
  const asLogEvent: EmitEvent = (span, name, attributes, time) => log(name, time, attributes, span);
  if (mode === 'log') return asLogEvent;
  return (span, name, attributes, time) => {
    asSpanEvent(span, name, attributes, time);
    asLogEvent(span, name, attributes, time);
  };
}

/** Milliseconds since the epoch as OpenTelemetry's [seconds, nanoseconds]: unambiguous, where a number may be read as relative. */
export function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  const nanos = Math.round((ms - seconds * 1000) * 1e6);
  return nanos < 1e9 ? [seconds, nanos] : [seconds + 1, 0];
}
