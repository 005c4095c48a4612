// The library's telemetry as a backend with an OpenTelemetry SDK sees it; and that without one nothing of the SDK is loaded.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  type HistogramMetricData,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TrackerOptions } from '../../src/embed/options.ts';
import { createEventTelemetry } from '../../src/embed/otel.ts';
import { setUp } from './harness.ts';

beforeEach(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterEach(() => context.disable());

function observed(options: TrackerOptions = {}) {
  const spans = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const telemetry = createEventTelemetry(tracerProvider.getTracer('test'), meterProvider.getMeter('test'));
  const points = async (name: string) => {
    exporter.reset();
    await reader.forceFlush();
    const found = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
    return (found.find((metric) => metric.descriptor.name === name)?.dataPoints ?? []).map(({ attributes, value }) => ({
      attributes,
      value,
    }));
  };
  return { ...setUp(options, telemetry), tracer: tracerProvider.getTracer('test'), spans, points };
}

describe('spans', () => {
  test('a confirmed event is one PRODUCER span from track to confirmation, under the span in which it was tracked', async () => {
    const { tracker, spans, tracer, pass } = observed();
    const parent = tracer.startSpan('agent run');
    context.with(trace.setSpan(context.active(), parent), () =>
      tracker.track({ id: 'e1', type: 'tool_executing', user: 'u1', priority: 'critical', run: 'r1', tool: 'search' }),
    );
    await pass(500);
    tracker.confirm('e1', { user: 'u1' });
    const [span] = spans.getFinishedSpans();
    expect([span!.name, span!.kind, span!.status.code]).toEqual([
      'send tool_executing',
      SpanKind.PRODUCER,
      SpanStatusCode.UNSET,
    ]);
    expect(span!.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
    expect(span!.duration).toEqual([0, 500_000_000]);
    expect(span!.attributes).toEqual({
      'messaging.system': 'websocket',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'tool_executing',
      'messaging.message.id': 'e1',
      'messaging.message.conversation_id': 'r1',
      'gen_ai.tool.name': 'search',
      'ackspan.delivery.priority': 'critical',
      'ackspan.delivery.outcome': 'confirmed',
      'ackspan.delivery.level': 'processed',
      'ackspan.delivery.attempts': 1,
    });
    expect(span!.events.map((event) => event.name)).toEqual(['ackspan.delivery.confirmed']);
  });

  test('an event that timed out after a failed and a sent retry: span ERROR with both attempts and no payload', async () => {
    let calls = 0;
    const { tracker, spans, pass } = observed({ retries: 2, timeoutMs: 5000, onRetry: async () => ++calls === 2 });
    tracker.track({ type: 'agent_thinking', data: { secret: 'never shown' } });
    await pass(5100);
    const [span] = spans.getFinishedSpans();
    expect(span!.status.code).toBe(SpanStatusCode.ERROR);
    expect(span!.attributes).toMatchObject({ 'error.type': 'timeout', 'ackspan.delivery.attempts': 3 });
    expect(
      span!.events.map(({ name, attributes }) => [
        name,
        attributes!['ackspan.attempt.kind'],
        attributes!['ackspan.attempt.number'],
        Math.round(attributes!['ackspan.attempt.delay'] as number),
        attributes!['ackspan.attempt.result'],
      ]),
    ).toEqual([
      ['ackspan.delivery.attempt', 'reemit', 2, 1, 'failed'],
      ['ackspan.delivery.attempt', 'reemit', 3, 2, 'sent'],
    ]);
    expect(JSON.stringify([span!.attributes, span!.events])).not.toContain('never shown');
  });

  test('a retry whose callback is still at work when the confirmation comes is in the span', async () => {
    const { tracker, spans, pass } = observed({ onRetry: () => new Promise(() => {}) });
    const id = tracker.track({ type: 't' });
    await pass(1100);
    tracker.confirm(id);
    const [span] = spans.getFinishedSpans();
    expect(span!.events.map((event) => event.name)).toEqual(['ackspan.delivery.attempt', 'ackspan.delivery.confirmed']);
  });
});

describe('metrics', () => {
  test('the sidecar’s names, by type and priority, never by user', async () => {
    const { tracker, points, pass } = observed({ onRetry: async () => false, retries: 1 });
    const a = tracker.track({ type: 'a', user: 'u1', priority: 'high' });
    tracker.track({ type: 'b', user: 'u2', timeoutMs: 2000 });
    tracker.track({ type: 'b', user: 'u2' });
    await pass(500);
    tracker.confirm(a);
    tracker.confirm(a);
    await pass(2000);
    expect(await points('ackspan.delivery.tracked')).toEqual([
      { attributes: { 'event.type': 'a', priority: 'high' }, value: 1 },
      { attributes: { 'event.type': 'b', priority: 'normal' }, value: 2 },
    ]);
    expect(await points('ackspan.delivery.pending')).toEqual([
      { attributes: { priority: 'high' }, value: 0 },
      { attributes: { priority: 'normal' }, value: 1 },
    ]);
    expect(await points('ackspan.delivery.attempts')).toEqual([
      { attributes: { kind: 'send', result: 'sent' }, value: 3 },
      { attributes: { kind: 'reemit', result: 'failed' }, value: 2 },
    ]);
    expect(await points('ackspan.confirmation.unmatched')).toEqual([{ attributes: { reason: 'duplicate' }, value: 1 }]);
    const durations = (await points('ackspan.delivery.duration')) as HistogramMetricData['dataPoints'];
    expect(
      durations.map(({ attributes, value }) => [attributes, value.count, value.buckets.boundaries.at(-1)]),
    ).toEqual([
      [{ 'event.type': 'a', priority: 'high', level: 'processed' }, 1, 60],
      [{ 'event.type': 'b', priority: 'normal', level: 'none', 'error.type': 'timeout' }, 1, 60],
    ]);
    expect(durations[0]!.value.sum).toBe(0.5);
  });

  test('an event that gave its place away is unverifiable, and not in the histogram that makes the rate', async () => {
    const { tracker, points, spans } = observed({ limits: { pending: 2 } });
    tracker.track({ id: 'low', type: 'a', priority: 'low' });
    for (let i = 0; i < 2; i++) tracker.track({ type: 'b', priority: 'critical' });
    expect(await points('ackspan.delivery.unverifiable')).toEqual([
      { attributes: { 'event.type': 'a', priority: 'low', reason: 'limit' }, value: 1 },
    ]);
    expect(await points('ackspan.delivery.duration')).toEqual([]);
    expect(spans.getFinishedSpans()[0]!.attributes).toMatchObject({
      'ackspan.delivery.outcome': 'unverifiable',
      'ackspan.delivery.unverifiable_reason': 'limit',
    });
  });

  test('a call that hangs is one failed attempt, counted when the next is due or the deadline comes', async () => {
    const { tracker, points, pass } = observed({ onRetry: () => new Promise(() => {}), retries: 2, timeoutMs: 5000 });
    tracker.track({ type: 't' });
    await pass(5100);
    expect(await points('ackspan.delivery.attempts')).toEqual([
      { attributes: { kind: 'send', result: 'sent' }, value: 1 },
      { attributes: { kind: 'reemit', result: 'failed' }, value: 2 },
    ]);
  });

  test('types past the limit share one label', async () => {
    const { tracker, points } = observed();
    for (let i = 0; i < 300; i++) tracker.track({ type: `type-${i}` });
    const labels = (await points('ackspan.delivery.tracked')).map(({ attributes, value }) => [
      attributes['event.type'],
      value,
    ]);
    expect(labels).toHaveLength(201);
    expect(labels.at(-1)).toEqual(['other', 100]);
    expect(tracker.pending()[0]?.type).toBe('type-299');
  });
});

test('the library loads @opentelemetry/api and nothing else that is not its own', () => {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [statement, target] of text.matchAll(/^(?:import|export)\s[^;]*?from '([^']+)'/gm)) {
      if (statement.startsWith('import type') || statement.startsWith('export type')) continue;
      if (target!.startsWith('.')) visit(resolve(dirname(file), target!));
      else packages.add(target!);
    }
  };
  visit(resolve(import.meta.dirname, '../../src/index.ts'));
  expect(seen.size).toBeGreaterThan(10);
  expect([...packages].sort()).toEqual(['@opentelemetry/api', 'node:buffer', 'node:fs']);
});
