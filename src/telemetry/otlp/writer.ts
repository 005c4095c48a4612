// telemetry: writes ended spans as OTLP protobuf the moment they end, as the SDK's serializer would.
import type { Attributes, AttributeValue, HrTime, Link } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { ProtobufBuffer } from '../protobuf/buffer.ts';
import { type SharedParts, sharedPartsOf } from '../spans/shared-parts.ts';

/** opentelemetry-proto, trace/v1/trace.proto: SpanFlags. */
const FLAG_HAS_IS_REMOTE = 0x100;
const FLAG_IS_REMOTE = 0x200;

/**
 * Field tags (number << 3 | wire type) of the messages that a span consists of, by proto file and
 * message.
 */
const SPAN_TAG = {
  traceId: 0x0a,
  spanId: 0x12,
  traceState: 0x1a,
  parentSpanId: 0x22,
  name: 0x2a,
  kind: 0x30,
  start: 0x39,
  end: 0x41,
  attributes: 0x4a,
  droppedAttributes: 0x50,
  events: 0x5a,
  droppedEvents: 0x60,
  links: 0x6a,
  droppedLinks: 0x70,
  status: 0x7a,
} as const;
const FLAGS_TAG_OF_SPAN = [0x85, 0x01] as const;
const EVENT_TAG = { time: 0x09, name: 0x12, attributes: 0x1a, droppedAttributes: 0x20 } as const;
const LINK_TAG = {
  traceId: 0x0a,
  spanId: 0x12,
  traceState: 0x1a,
  attributes: 0x22,
  droppedAttributes: 0x28,
  flags: 0x35,
} as const;
const STATUS_TAG = { message: 0x12, code: 0x18 } as const;
const KEY_VALUE_TAG = { key: 0x0a, value: 0x12 } as const;
const ANY_TAG = { string: 0x0a, bool: 0x10, int: 0x18, double: 0x21, array: 0x2a } as const;
const ARRAY_TAG = { values: 0x0a } as const;

/**
 * The memory of an attribute key: the last value seen twice in a row, already written. Most values
 * repeat from span to span.
 */
interface KnownKey {
  value: AttributeValue | undefined;
  /** The whole KeyValue behind its tag and length; undefined until `value` came twice. */
  bytes: Uint8Array | undefined;
}

/** Attribute keys that are remembered at most. Our own are about twenty. */
const KNOWN_KEYS_LIMIT = 256;

/** Appends spans to a buffer as repeated `ScopeSpans.spans` (field 2). */
export class SpanWriter {
  readonly #out: ProtobufBuffer;
  readonly #known = new Map<string, KnownKey>();

  constructor(out: ProtobufBuffer) {
    this.#out = out;
  }

  /** Appends one span with its tag and length. */
  append(span: ReadableSpan): void {
    const out = this.#out;
    out.byte(0x12);
    const start = out.open(2);
    const context = span.spanContext();
    out.hex(SPAN_TAG.traceId, context.traceId, 16);
    out.hex(SPAN_TAG.spanId, context.spanId, 8);
    if (context.traceState !== undefined) out.string(SPAN_TAG.traceState, context.traceState.serialize());
    const parent = span.parentSpanContext;
    if (parent !== undefined) out.hex(SPAN_TAG.parentSpanId, parent.spanId, 8);
    out.string(SPAN_TAG.name, span.name);
    out.uint(SPAN_TAG.kind, span.kind + 1);
    this.#time(SPAN_TAG.start, span.startTime);
    this.#time(SPAN_TAG.end, span.endTime);
    this.attributes(SPAN_TAG.attributes, span.attributes);
    const shared = sharedPartsOf(span);
    if (shared !== undefined) for (const parts of shared) this.#shared(parts);
    if (span.droppedAttributesCount > 0) out.uint(SPAN_TAG.droppedAttributes, span.droppedAttributesCount);
    for (const event of span.events) {
      out.byte(SPAN_TAG.events);
      const at = out.open(1);
      this.#time(EVENT_TAG.time, event.time);
      out.string(EVENT_TAG.name, event.name);
      if (event.attributes !== undefined) this.attributes(EVENT_TAG.attributes, event.attributes);
      if (event.droppedAttributesCount) out.uint(EVENT_TAG.droppedAttributes, event.droppedAttributesCount);
      out.close(at, 1);
    }
    if (span.droppedEventsCount > 0) out.uint(SPAN_TAG.droppedEvents, span.droppedEventsCount);
    for (const link of span.links) this.#link(link);
    if (span.droppedLinksCount > 0) out.uint(SPAN_TAG.droppedLinks, span.droppedLinksCount);
    this.#status(span);
    out.byte(FLAGS_TAG_OF_SPAN[0]);
    out.byte(FLAGS_TAG_OF_SPAN[1]);
    out.fixed32(flagsOf(context.traceFlags, parent?.isRemote));
    out.close(start, 2);
  }

  #shared(parts: SharedParts): void {
    if (parts.encoded !== undefined) {
      this.#out.copy(parts.encoded);
      return;
    }
    const from = this.#out.position;
    this.attributes(SPAN_TAG.attributes, parts.attributes);
    if (parts.link !== undefined) this.#link(parts.link);
    parts.encoded = this.#out.slice(from);
  }

  #time(tag: number, time: HrTime): void {
    this.#out.byte(tag);
    this.#out.nanos(time[0], time[1]);
  }

  #status({ status }: ReadableSpan): void {
    if (status.code === 0) return;
    const out = this.#out;
    out.byte(SPAN_TAG.status);
    const start = out.open(1);
    if (status.message !== undefined) out.string(STATUS_TAG.message, status.message);
    out.uint(STATUS_TAG.code, status.code);
    out.close(start, 1);
  }

  #link(link: Link): void {
    const out = this.#out;
    const { context } = link;
    out.byte(SPAN_TAG.links);
    const start = out.open(1);
    out.hex(LINK_TAG.traceId, context.traceId, 16);
    out.hex(LINK_TAG.spanId, context.spanId, 8);
    if (context.traceState !== undefined) out.string(LINK_TAG.traceState, context.traceState.serialize());
    if (link.attributes !== undefined) this.attributes(LINK_TAG.attributes, link.attributes);
    if (link.droppedAttributesCount) out.uint(LINK_TAG.droppedAttributes, link.droppedAttributesCount);
    out.byte(LINK_TAG.flags);
    out.fixed32(flagsOf(context.traceFlags, context.isRemote));
    out.close(start, 1);
  }

  /** Appends a repeated KeyValue field. */
  attributes(tag: number, attributes: Attributes): void {
    for (const key in attributes) this.#attribute(tag, key, attributes[key]);
  }

  #attribute(tag: number, key: string, value: AttributeValue | undefined): void {
    if (value === undefined || value === null) return;
    const out = this.#out;
    const known = this.#known.get(key);
    if (known?.value === value && known.bytes !== undefined) {
      out.byte(tag);
      out.copy(known.bytes);
      return;
    }
    out.byte(tag);
    const from = out.position;
    const start = out.open(1);
    out.string(KEY_VALUE_TAG.key, key);
    out.byte(KEY_VALUE_TAG.value);
    const inner = out.open(1);
    this.#any(value);
    out.close(inner, 1);
    out.close(start, 1);
    if (known === undefined) {
      if (this.#known.size < KNOWN_KEYS_LIMIT) this.#known.set(key, { value, bytes: undefined });
      return;
    }
    known.bytes = known.value === value ? out.slice(from) : undefined;
    known.value = value;
  }

  #any(value: AttributeValue | null | undefined): void {
    const out = this.#out;
    switch (typeof value) {
      case 'string':
        out.string(ANY_TAG.string, value);
        return;
      case 'number':
        if (Number.isSafeInteger(value)) out.int(ANY_TAG.int, value);
        else out.double(ANY_TAG.double, value);
        return;
      case 'boolean':
        out.uint(ANY_TAG.bool, value ? 1 : 0);
        return;
      default:
        if (Array.isArray(value)) this.#array(value);
    }
  }

  #array(values: readonly (AttributeValue | null | undefined)[]): void {
    const out = this.#out;
    out.byte(ANY_TAG.array);
    const start = out.open(1);
    for (const each of values) {
      out.byte(ARRAY_TAG.values);
      const at = out.open(1);
      this.#any(each);
      out.close(at, 1);
    }
    out.close(start, 1);
  }
}

function flagsOf(traceFlags: number, isRemote: boolean | undefined): number {
  return (traceFlags & 0xff) | FLAG_HAS_IS_REMOTE | (isRemote === true ? FLAG_IS_REMOTE : 0);
}
