// telemetry: reads `traceparent` (W3C Trace Context level 1): a remote parent, or nothing when the header is not valid.
import type { SpanContext } from '@opentelemetry/api';

/** A parent as the sampler and the tracer need it: a remote one, or the span of a run. */
export interface Parent extends SpanContext {
  readonly isRemote: boolean;
  /**
   * The low 52 of the trace id's 56 random bits as a fraction in [0, 1): equal for every instance
   * that sees the trace.
   */
  readonly fraction: number;
}

const FORMAT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/;
const TWO_TO_52 = 2 ** 52;

/**
 * Parses a `traceparent` value; undefined when it is absent or invalid, as the specification asks
 * (§3.2.2). A later version may have more fields behind the flags; version 00 may not.
 */
export function parseTraceparent(text: string | undefined): Parent | undefined {
  if (text === undefined || text.length < 55 || !FORMAT.test(text)) return undefined;
  if (text.length > 55 && text.startsWith('00')) return undefined;
  return {
    traceId: text.slice(3, 35),
    spanId: text.slice(36, 52),
    traceFlags: Number.parseInt(text.slice(53, 55), 16) & 1,
    isRemote: true,
    // 13 of the last 14 digits: as many as a double holds exactly.
    fraction: Number.parseInt(text.slice(21, 34), 16) / TWO_TO_52,
  };
}

/**
 * A parser that remembers its last answer: the events of one agent run usually carry the same
 * parent.
 */
export function createTraceparentParser(): (text: string | undefined) => Parent | undefined {
  let lastText: string | undefined;
  let last: Parent | undefined;
  return (text) => {
    if (text === lastText) return last;
    lastText = text;
    last = parseTraceparent(text);
    return last;
  };
}
