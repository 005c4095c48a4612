// The wall clock is set while spans are open and metrics count: what a collector and a scraper are told afterwards.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createToolSpans } from '../../src/telemetry/agents/tool-spans.ts';
import { createDeliveryMetrics } from '../../src/telemetry/metrics/metrics.ts';
import { createMetricProducer } from '../../src/telemetry/metrics/producer.ts';
import { METRICS } from '../../src/telemetry/names/names.ts';
import { startTelemetry, type Telemetry } from '../../src/telemetry/sdk.ts';
import type { EventMode } from '../../src/telemetry/spans/span-events.ts';
import { createSpans, type Spans } from '../../src/telemetry/spans/spans.ts';
import { now } from '../../src/time/clock.ts';
import { fakeClocks, STEPS } from '../support/clocks.ts';
import { eventType, facts, session, Walk } from '../support/deliveries.ts';
import type { ReceivedSpan } from '../support/otlp-decode.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { silentObserver } from '../support/silent-observer.ts';
import { exposeParsed } from './expose.ts';

const CONNECTION = { id: 'c-1', serverAddress: 'chat.example', serverPort: 443 };
const ENV = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_PROTOCOL'] as const;

let receiver: OtlpReceiver;
let telemetry: Telemetry | undefined;

beforeEach(async () => {
  receiver = await startOtlpReceiver();
});

afterEach(async () => {
  await telemetry?.shutdown();
  telemetry = undefined;
  for (const name of ENV) delete process.env[name];
  await receiver.close();
});

function start(protocol: string, events: EventMode = 'span'): Spans {
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = receiver.endpoint;
  process.env.OTEL_EXPORTER_OTLP_PROTOCOL = protocol;
  telemetry = startTelemetry({
    serviceName: 'ackspan',
    version: '9.9.9',
    metricProducers: [],
    metricReaders: [],
    events,
    report: ({ error }) => expect.fail(String(error)),
    env: { ...process.env, OTEL_METRICS_EXPORTER: 'none' },
  });
  return createSpans({
    tracer: telemetry.tracer!,
    sampling: { keepConfirmed: 1, slowMs: 1000 },
    events,
    logEvent: telemetry.logEvent,
    userHashKey: undefined,
  });
}

async function exported(): Promise<ReceivedSpan[]> {
  await telemetry!.flush(5000);
  return receiver.spans;
}

/** A length in ms, exact to the nanosecond. */
const ms = (from: bigint, to: bigint) => Number(to - from) / 1e6;
/** How far a stamp is from the wall clock of the moment, ms. */
const off = (stamp: bigint | undefined, wall: number) => Math.abs(Number(stamp) / 1e6 - wall);

describe.each(['http/protobuf', 'http/json'])('[D18] over %s, a wall clock that is set', (protocol) => {
  describe.each(STEPS)('%s', (_, step) => {
    it('while a delivery is open leaves its span with its true length, at the time of its end', async () => {
      const clocks = fakeClocks();
      const spans = start(protocol);
      const on = session();
      spans.connections.opened(on, { ...CONNECTION, openedAt: now() });
      clocks.pass(50);
      const walk = new Walk(spans.observer, on, facts(), now());
      clocks.pass(1000.125);
      walk.attempt(now());
      clocks.step(step);
      clocks.pass(250.5);
      walk.confirmed(now());
      const end = clocks.wall;
      clocks.pass(10);
      spans.connections.closed(on, { code: 1000, by: 'client' }, now());

      const [span, connection] = await exported();
      expect(off(span?.endNs, end)).toBeLessThan(5);
      expect(ms(span!.startNs, span!.endNs)).toBeCloseTo(1250.625, 2);
      expect(span!.events.map(({ name, timeNs }) => [name, Math.round(ms(span!.startNs, timeNs) * 8) / 8])).toEqual([
        ['ackspan.delivery.attempt', 1000.125],
        ['ackspan.delivery.received', 1250.625],
        ['ackspan.delivery.confirmed', 1250.625],
      ]);
      expect(off(connection?.endNs, clocks.wall)).toBeLessThan(5);
      expect(ms(connection!.startNs, connection!.endNs)).toBeCloseTo(1310.625, 2);
      // The send lies within its connection, as it did.
      expect(ms(connection!.startNs, span!.startNs)).toBeCloseTo(50, 2);
    });

    it('before and after deliveries stamps each by the clock of its time', async () => {
      const clocks = fakeClocks();
      const spans = start(protocol);
      const ends: number[] = [];
      for (let i = 0; i < 3; i++) {
        const walk = new Walk(spans.observer, session(), facts(), now());
        clocks.pass(0.25);
        walk.confirmed(now());
        ends.push(clocks.wall);
        clocks.step(i === 0 ? step : -step);
      }
      const found = await exported();
      found.forEach((span, i) => {
        expect(off(span.endNs, ends[i]!)).toBeLessThan(5);
        expect(ms(span.startNs, span.endNs)).toBeCloseTo(0.25, 2);
      });
      expect(found).toHaveLength(3);
    });

    it('while a tool runs leaves its span with its true length', async () => {
      const clocks = fakeClocks();
      start(protocol);
      const tools = createToolSpans({
        tracer: telemetry!.tracer,
        keepEnded: 1,
        orphanAfterMs: 60_000,
        maxOpen: 10,
        gaveUp: () => expect.fail('not full'),
      });
      const on = session();
      const [begin, finish] = ['tool_executing', 'tool_completed'].map((name) =>
        facts({ type: eventType(name), tool: 'x' }),
      );
      tools.started(new Walk(silentObserver, on, begin!, now()).delivery);
      clocks.step(step);
      clocks.pass(412.5);
      expect(tools.ended(new Walk(silentObserver, on, finish!, now()).delivery)).toBe(true);
      const [span] = await exported();
      expect(span?.name).toBe('execute_tool x');
      expect(off(span?.endNs, clocks.wall)).toBeLessThan(5);
      expect(ms(span!.startNs, span!.endNs)).toBeCloseTo(412.5, 2);
    });
  });
});

it.each(STEPS)('[D18] log events carry the time by the clock of their moment, set %s', async (_, step) => {
  const clocks = fakeClocks();
  const spans = start('http/protobuf', 'both');
  const walk = new Walk(spans.observer, session(), facts(), now());
  clocks.pass(1000);
  walk.attempt(now());
  const before = clocks.wall;
  clocks.step(step);
  clocks.pass(10);
  walk.confirmed(now());
  const [span] = await exported();
  expect(receiver.logs.map(({ eventName }) => eventName)).toEqual(span!.events.map(({ name }) => name));
  const walls = [before, clocks.wall, clocks.wall];
  receiver.logs.forEach(({ timeNs, observedNs }, i) => {
    expect(off(timeNs, walls[i]!)).toBeLessThan(5);
    expect(off(observedNs, walls[i]!)).toBeLessThan(5);
  });
});

describe('[D18] metrics', () => {
  const nanos = ([seconds, rest]: [number, number]) => BigInt(seconds) * 1_000_000_000n + BigInt(rest);

  /** Reads one counter that has counted since now. */
  function counting() {
    const family = { metric: METRICS.tracked, points: [{ attributes: {}, value: 1 }] };
    const producer = createMetricProducer({ sources: [() => [family]], version: '0', startedAt: now(), now });
    return async () => {
      const { resourceMetrics } = await producer.collect();
      const { startTime, endTime } = resourceMetrics.scopeMetrics[0]!.metrics[0]!.dataPoints[0]!;
      return { start: nanos(startTime), end: nanos(endTime) };
    };
  }

  it.each(STEPS)('say since when and when they were read by the clock of the reading, set %s', async (_, step) => {
    const clocks = fakeClocks();
    const read = counting();
    clocks.pass(60_000);
    expect(off((await read()).end, clocks.wall)).toBeLessThan(5);
    clocks.step(step);
    clocks.pass(1000);
    const { start, end } = await read();
    expect(off(end, clocks.wall)).toBeLessThan(5);
    expect(ms(start, end)).toBeCloseTo(61_000, 2);
  });

  it('keep their start while the clocks merely drift: receivers take a start that moves for a restart', async () => {
    const clocks = fakeClocks();
    const read = counting();
    const starts = new Set<bigint>();
    for (let i = 0; i < 100; i++) {
      starts.add((await read()).start);
      clocks.pass(3_600_000);
      clocks.step(7);
    }
    expect(starts.size).toBe(1);
  });

  it.each(STEPS)('point with their exemplars at the time that the span has, set %s', async (_, step) => {
    const clocks = fakeClocks();
    const metrics = createDeliveryMetrics();
    const walk = new Walk(metrics, session(), facts({ type: eventType('agent_started', 1) }), now());
    clocks.pass(12);
    walk.confirmed(now());
    metrics.exemplar(walk.delivery, '0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331');
    clocks.pass(2000);
    clocks.step(step);
    const parsed = await exposeParsed(metrics.source);
    const exemplars = [...parsed.values()].flatMap(({ samples }) => samples.flatMap(({ exemplar }) => exemplar ?? []));
    expect(exemplars).toHaveLength(1);
    expect(Math.abs(Number(exemplars[0]!.time) * 1000 - (clocks.wall - 2000))).toBeLessThan(5);
  });
});
