// The wall clock is set while the library has events open: what its statuses and its spans say.
import { metrics } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { describe, expect, test } from 'vitest';
import { createEventTelemetry } from '../../src/embed/otel.ts';
import { fakeClocks, STEPS } from '../support/clocks.ts';
import { setUp } from './harness.ts';

function observed() {
  const spans = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  const telemetry = createEventTelemetry(provider.getTracer('test'), metrics.getMeter('test'));
  return { ...setUp({ onRetry: async () => false, retries: 1, timeoutMs: 5000 }, telemetry), spans };
}

const msOf = ([seconds, nanos]: [number, number]) => seconds * 1000 + nanos / 1e6;

describe.each(STEPS)('[D18] a wall clock set %s', (_, step) => {
  test('is the one of every status that is read afterwards', async () => {
    const clocks = fakeClocks();
    const { tracker, now, pass } = observed();
    const at = now();
    const id = tracker.track({ type: 't' });
    tracker.markSent(id);
    let set = 0;
    const wall = (ms: number) => expect.closeTo(at + set + ms, -1);
    expect(tracker.status(id)).toMatchObject({ trackedAt: wall(0), sentAt: wall(0), settledAt: null });
    await pass(1200);
    clocks.step(step);
    set = step;
    const open = tracker.status(id)!;
    expect(open).toMatchObject({ trackedAt: wall(0), sentAt: wall(0), deadlineAt: wall(5000) });
    expect(open.deadlineAt - open.trackedAt).toBeCloseTo(5000, 2);
    expect(open.retries).toMatchObject([{ number: 2, at: wall(1000) }]);
    await pass(100);
    tracker.confirm(id);
    const settled = tracker.status(id)!;
    expect(settled.settledAt! - settled.trackedAt).toBeCloseTo(1300, 2);
    expect(settled.settledAt).toEqual(wall(1300));
  });

  test('leaves an open span its true length, at the time of its end', async () => {
    const clocks = fakeClocks();
    const { tracker, now, pass, spans } = observed();
    const at = now();
    const id = tracker.track({ type: 't' });
    await pass(1200);
    clocks.step(step);
    await pass(100);
    tracker.confirm(id);
    const [span] = spans.getFinishedSpans();
    expect(Math.abs(msOf(span!.startTime) - (at + step))).toBeLessThan(5);
    expect(msOf(span!.duration)).toBeCloseTo(1300, 2);
    expect(span!.events.map(({ name, time }) => [name, Math.round(msOf(time) - msOf(span!.startTime))])).toEqual([
      ['ackspan.delivery.attempt', 1000],
      ['ackspan.delivery.confirmed', 1300],
    ]);
  });
});

test('[D18] a span whose times cannot be changed keeps its start, and an end that fits it', async () => {
  const clocks = fakeClocks();
  const [starts, ends]: unknown[][] = [[], []];
  const tracer = new BasicTracerProvider().getTracer('test');
  const closed: typeof tracer = {
    startActiveSpan: () => expect.fail('not used'),
    startSpan(name, options, context) {
      starts!.push(options?.startTime);
      return new Proxy(tracer.startSpan(name, options, context), {
        get(span, key) {
          if (key === 'startTime') return undefined;
          if (key === 'end') return (time: unknown) => ends!.push(time);
          const value: unknown = Reflect.get(span, key);
          return typeof value === 'function' ? value.bind(span) : value;
        },
      });
    },
  };
  const { tracker, pass } = setUp({}, createEventTelemetry(closed, metrics.getMeter('test')));
  const id = tracker.track({ type: 't' });
  clocks.step(3_600_000);
  await pass(250);
  tracker.confirm(id);
  expect(msOf(ends![0] as [number, number]) - msOf(starts![0] as [number, number])).toBeCloseTo(250, 2);
});
