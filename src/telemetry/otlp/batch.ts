// telemetry: collects ended spans into OTLP requests (ExportTraceServiceRequest), one resource and one scope each.
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { ProtobufBuffer, varintSize } from '../protobuf/buffer.ts';
import { SpanWriter } from './writer.ts';

/** A request ready to send, and how many spans it holds. */
export interface EncodedBatch {
  readonly count: number;
  readonly body: Uint8Array;
}

/** A batch of ended spans, or log records, that grows until it is full. */
export interface BatchBuilder<Item, Batch> {
  /** Items since the last `take`. */
  readonly count: number;
  add(item: Item): void;
  /** Returns the batch so far and starts a new one. Only when `count` > 0. */
  take(): Batch;
}

/**
 * Builds protobuf requests. All spans must come from one tracer (one resource, one scope): ours is
 * the provider's only one.
 */
export function createOtlpBatchBuilder(): BatchBuilder<ReadableSpan, EncodedBatch> {
  const spans = new ProtobufBuffer();
  const writer = new SpanWriter(spans);
  let envelope: Envelope | undefined;
  let count = 0;
  return {
    get count() {
      return count;
    },
    add(span) {
      envelope ??= createEnvelope(span.resource, span.instrumentationScope);
      writer.append(span);
      count++;
    },
    take() {
      const batch = { count, body: envelope!(spans.take()) };
      count = 0;
      return batch;
    },
  };
}

/** Keeps items as objects, for exporters that do their own encoding. */
export function createPlainBatchBuilder<Item>(): BatchBuilder<Item, Item[]> {
  let items: Item[] = [];
  return {
    get count() {
      return items.length;
    },
    add(item) {
      items.push(item);
    },
    take() {
      const batch = items;
      items = [];
      return batch;
    },
  };
}

type Envelope = (spans: Buffer) => Uint8Array;

/**
 * Wraps encoded spans as resource_spans { resource, scope_spans { scope, spans… } }. Resource and
 * scope are encoded once.
 */
function createEnvelope(resource: Resource, scope: InstrumentationScope): Envelope {
  const resourceBytes = encodeResource(resource);
  const scopeBytes = encodeScope(scope);
  const schemaBytes = encodeSchema(scope);
  return (spans) => {
    const scopeSpansLength = scopeBytes.length + spans.length + schemaBytes.length;
    const resourceSpansLength = resourceBytes.length + 1 + varintSize(scopeSpansLength) + scopeSpansLength;
    const out = new ProtobufBuffer();
    out.uint(0x0a, resourceSpansLength);
    out.copy(resourceBytes);
    out.uint(0x12, scopeSpansLength);
    out.copy(scopeBytes);
    return Buffer.concat([out.take(), spans, schemaBytes]);
  };
}

/** ScopeSpans.schema_url (field 3). */
function encodeSchema({ schemaUrl }: InstrumentationScope): Uint8Array {
  const out = new ProtobufBuffer();
  if (schemaUrl !== undefined) out.string(0x1a, schemaUrl);
  return out.take();
}

/** The resource of a request (field 1, for every signal). */
export function encodeResource(resource: Resource): Uint8Array {
  const out = new ProtobufBuffer();
  out.byte(0x0a);
  const start = out.open(1);
  new SpanWriter(out).attributes(0x0a, resource.attributes);
  out.close(start, 1);
  return out.take();
}

/** The scope of a request (field 1, for every signal): name and version. */
export function encodeScope(scope: InstrumentationScope): Uint8Array {
  const out = new ProtobufBuffer();
  out.byte(0x0a);
  const start = out.open(1);
  out.string(0x0a, scope.name);
  if (scope.version !== undefined) out.string(0x12, scope.version);
  out.close(start, 1);
  return out.take();
}
