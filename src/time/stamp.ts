// time: moments on a span, and how a span keeps its true length when the wall clock is set meanwhile (SPEC D18).

/** OpenTelemetry's form of a time: whole seconds since the epoch, and nanoseconds. */
export type Stamp = [seconds: number, nanos: number];

const NANOS = 1e9;

/**
 * Milliseconds since the epoch as OpenTelemetry's [seconds, nanoseconds]: unambiguous, where a
 * number may be read as relative.
 */
export function hrTime(ms: number): Stamp {
  const seconds = Math.floor(ms / 1000);
  return carried(seconds, Math.round((ms - seconds * 1000) * 1e6));
}

/** The times that a span of OpenTelemetry's SDK holds while it is open (`ReadableSpan`). */
interface Stamped {
  readonly startTime?: unknown;
  readonly events?: unknown;
}

/**
 * Moves the start and the events of an open span from one offset between the clocks (ms, see
 * `wallOffset`) to another. Returns the offset for everything that is still to be written on the
 * span: `to`, or `from` where the span does not let its times be changed. Start, events and end
 * then have one offset, and so their true distances.
 */
export function restamp(span: object, from: number, to: number): number {
  if (from === to) return to;
  const { startTime, events } = span as Stamped;
  if (!isStamp(startTime) || !Array.isArray(events)) return from;
  // A span that refuses keeps its start, and its end must fit that start.
  if (!Reflect.set(span, 'startTime', moved(startTime, to - from))) return from;
  for (const event of events as { time: unknown }[])
    if (isStamp(event.time)) Reflect.set(event, 'time', moved(event.time, to - from));
  return to;
}

/** Makes a new stamp, because events and end of a span may share one. */
function moved([seconds, nanos]: Stamp, ms: number): Stamp {
  const whole = Math.floor(ms / 1000);
  return carried(seconds + whole, nanos + Math.round((ms - whole * 1000) * 1e6));
}

function carried(seconds: number, nanos: number): Stamp {
  return nanos < NANOS ? [seconds, nanos] : [seconds + 1, nanos - NANOS];
}

function isStamp(time: unknown): time is Stamp {
  return Array.isArray(time) && time.length === 2;
}
