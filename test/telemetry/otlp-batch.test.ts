// Our protobuf is the SDK's: random spans, written by both, decode to the same thing.
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createOtlpBatchBuilder } from '../../src/telemetry/otlp/batch.ts';
import { createSharedParts, createSharingProcessor, shareParts } from '../../src/telemetry/spans/shared-parts.ts';
import { anyText } from '../support/any-text.ts';
import { decodeTraces } from '../support/otlp-decode.ts';
import { propertyOptions } from '../support/seed.ts';

const value = fc.oneof(
  anyText({ maxLength: 300 }),
  fc.constantFrom('websocket', 'é', '💥', ''),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noInteger: true }),
  fc.boolean(),
  fc.array(fc.string({ maxLength: 60 }), { maxLength: 5 }),
  fc.array(fc.integer(), { maxLength: 60 }),
);
const attributes = fc.dictionary(fc.constantFrom('a', 'b', 'messaging.system', 'ключ', 'x'.repeat(200)), value);
const hrTime = fc.tuple(fc.integer({ min: 0, max: 4_000_000_000 }), fc.integer({ min: 0, max: 999_999_999 }));
const spec = fc.record({
  name: anyText({ minLength: 1, maxLength: 200 }),
  kind: fc.constantFrom(SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.PRODUCER),
  attributes,
  start: hrTime,
  end: hrTime,
  events: fc.array(fc.record({ name: fc.string({ minLength: 1 }), attributes, time: hrTime }), { maxLength: 3 }),
  links: fc.array(fc.record({ attributes, isRemote: fc.boolean() }), { maxLength: 2 }),
  parent: fc.boolean(),
  status: fc.option(fc.record({ message: fc.string() }, { requiredKeys: [] })),
});

const CONTEXT = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };

function setUp(shares: boolean) {
  const memory = new InMemorySpanExporter();
  const builder = createOtlpBatchBuilder();
  const encoder = {
    onStart() {},
    onEnd: builder.add,
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'ackspan', many: ['a', 'b'], long: 'y'.repeat(500) }),
    sampler: new AlwaysOnSampler(),
    spanProcessors: [
      encoder,
      ...(shares ? [createSharingProcessor()] : []),
      new SimpleSpanProcessor({ exporter: memory }),
    ],
    spanLimits: { eventCountLimit: 2, attributeCountLimit: 4 },
  });
  return { memory, builder, tracer: provider.getTracer('ackspan', '1.2.3') };
}

test('random spans decode to what the SDK serialises', () => {
  fc.assert(
    fc.property(fc.array(spec, { minLength: 1, maxLength: 30 }), (specs) => {
      const { memory, builder, tracer } = setUp(false);
      for (const each of specs) {
        const context = each.parent ? trace.setSpanContext(ROOT_CONTEXT, { ...CONTEXT, isRemote: true }) : ROOT_CONTEXT;
        const links = each.links.map((link) => ({
          context: { ...CONTEXT, isRemote: link.isRemote },
          attributes: link.attributes,
        }));
        const { name, kind, start: startTime } = each;
        const span = tracer.startSpan(name, { kind, startTime, links, attributes: each.attributes }, context);
        for (const event of each.events) span.addEvent(event.name, event.attributes, event.time);
        if (each.status !== null) span.setStatus({ code: SpanStatusCode.ERROR, ...each.status });
        span.end(each.end);
      }
      expect(builder.count).toBe(specs.length);
      const ours = decodeTraces(Buffer.from(builder.take().body), false);
      const theirs = decodeTraces(
        Buffer.from(ProtobufTraceSerializer.serializeRequest(memory.getFinishedSpans())!),
        false,
      );
      expect(ours).toEqual(theirs);
      expect(builder.count).toBe(0);
    }),
    propertyOptions(100),
  );
});

test('shared parts are written for every span, whether its processor or the encoder adds them', () => {
  const { memory, builder, tracer } = setUp(true);
  const parts = [
    createSharedParts({ 'server.address': 'chat.example', 'server.port': 443 }, { context: CONTEXT }),
    createSharedParts({ long: 'z'.repeat(300) }),
  ];
  for (let i = 0; i < 3; i++) {
    const span = tracer.startSpan('send x', { startTime: [1, i] }, ROOT_CONTEXT);
    shareParts(span, parts);
    span.end([2, i]);
  }
  const theirs = decodeTraces(Buffer.from(ProtobufTraceSerializer.serializeRequest(memory.getFinishedSpans())!), false);
  expect(theirs).toHaveLength(3);
  for (const span of theirs) {
    expect(span.attributes).toEqual({ 'server.address': 'chat.example', 'server.port': 443, long: 'z'.repeat(300) });
    expect(span.links).toEqual([{ traceId: CONTEXT.traceId, spanId: CONTEXT.spanId }]);
  }
  expect(decodeTraces(Buffer.from(builder.take().body), false)).toEqual(theirs);

  const alone = setUp(false);
  for (let i = 0; i < 3; i++) {
    const span = alone.tracer.startSpan('send x', { startTime: [1, i] }, ROOT_CONTEXT);
    shareParts(span, parts);
    span.end([2, i]);
  }
  const ours = decodeTraces(Buffer.from(alone.builder.take().body), false);
  const withoutIds = (spans: typeof ours) => spans.map(({ traceId: _, spanId: __, ...rest }) => rest);
  expect(withoutIds(ours)).toEqual(withoutIds(theirs));
});

test('a batch after a large one, and one span larger than the buffer, are whole', () => {
  const { builder, tracer } = setUp(false);
  for (const size of [10, 100_000, 3, 20_000]) {
    tracer.startSpan('big', { attributes: { text: 'é'.repeat(size) } }, ROOT_CONTEXT).end();
    const [span] = decodeTraces(Buffer.from(builder.take().body), false);
    expect(span?.attributes.text).toBe('é'.repeat(size));
  }
});
