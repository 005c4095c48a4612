// Lines about deliveries that did not end well: which, what they say, what they never say, and how many.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createOutcomeLog, type OutcomeLog } from '../../src/telemetry/outcome-log.ts';
import { startTelemetry } from '../../src/telemetry/sdk.ts';
import { createSpans } from '../../src/telemetry/spans/spans.ts';
import { facts, session, Walk } from '../support/deliveries.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';

const T0 = 1_760_000_000_000;
const TRACE = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };

interface Line {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}
let lines: Line[];
let log: OutcomeLog;

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  log = createOutcomeLog({
    log: (level, fields, message) => lines.push({ level, fields, message }),
    traceContext: () => TRACE,
  });
});
afterEach(() => {
  vi.useRealTimers();
});

function fail(count = 1): void {
  for (let i = 0; i < count; i++) {
    new Walk(log.observer, session(), facts(), T0).ended('failed', 'disconnected', T0 + 5);
  }
}

test('a time-out is a warning with the ids, the reason and the trace', () => {
  const on = session();
  log.opened(on, 'c-1');
  log.opened(on, 'c-2');
  const { delivery } = new Walk(log.observer, on, facts(), T0)
    .attempt(T0 + 1000)
    .ended('timeout', 'timeout', T0 + 30_000);
  expect(lines).toEqual([
    {
      level: 'warn',
      message: 'delivery timed out',
      fields: {
        delivery: delivery.id,
        event_id: 'event-1',
        event_type: 'agent_started',
        session: 's-1',
        connection: 'c-2',
        outcome: 'timeout',
        reason: 'timeout',
        attempts: 2,
        duration_ms: 30_000,
        trace_id: TRACE.traceId,
        span_id: TRACE.spanId,
      },
    },
  ]);
});

test.each([
  ['failed', 'rejected', 'warn', 'delivery failed'],
  ['failed', 'shutdown', 'warn', 'delivery failed'],
  ['timeout', 'timeout', 'warn', 'delivery timed out'],
  ['unverifiable', '', 'debug', 'delivery unverifiable'],
] as const)('%s (%s) is logged at %s', (outcome, reason, level, message) => {
  new Walk(log.observer, session(), facts(), T0).ended(outcome, reason, T0 + 5);
  expect(lines).toMatchObject([{ level, message, fields: { outcome } }]);
  expect(lines[0]?.fields.reason).toBe(reason === '' ? undefined : reason);
});

test('what went well is not logged, however many attempts it took', () => {
  new Walk(log.observer, session(), facts(), T0).attempt(T0 + 1).confirmed(T0 + 5);
  expect(lines).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test('[D11] no payload, user or text of the application', () => {
  const walk = new Walk(log.observer, session('anna@example.org'), facts({ user: 'anna@example.org' }), T0);
  walk.delivery.payload = Buffer.from('secret-payload');
  walk.delivery.errorText = 'secret-text';
  walk.ended('failed', 'rejected', T0 + 5);
  expect(JSON.stringify(lines)).not.toMatch(/anna|secret/);
});

describe('no more than 20 lines a second', () => {
  test('the rest is counted and said at the end of the second', () => {
    fail(1000);
    expect(lines).toHaveLength(20);
    vi.advanceTimersByTime(999);
    expect(lines).toHaveLength(20);
    vi.advanceTimersByTime(1);
    expect(lines.slice(20)).toEqual([
      { level: 'warn', fields: { suppressed: 980 }, message: 'more deliveries ended likewise; not logged one by one' },
    ]);
    fail();
    expect(lines).toHaveLength(22);
    vi.advanceTimersByTime(5000);
    expect(lines).toHaveLength(22);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('unverifiable deliveries take no line from failed ones', () => {
    for (let i = 0; i < 100; i++) new Walk(log.observer, session(), facts(), T0).ended('unverifiable', '', T0 + 5);
    fail();
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  test('stop says what is still to be said, at once', () => {
    fail(25);
    log.stop();
    log.stop();
    expect(lines.at(-1)).toMatchObject({ level: 'warn', fields: { suppressed: 5 } });
    expect(lines).toHaveLength(21);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('a delivery that gets its span only because it failed is logged with that span', async () => {
  vi.useRealTimers();
  const receiver = await startOtlpReceiver();
  process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = `${receiver.endpoint}/v1/traces`;
  const telemetry = startTelemetry({
    serviceName: 'ackspan',
    version: '1',
    metricProducers: [],
    metricReaders: [],
    report: ({ error }) => {
      throw error;
    },
  });
  delete process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  const spans = createSpans({
    tracer: telemetry.tracer!,
    sampling: { keepConfirmed: 0, slowMs: 1000 },
    events: 'span',
    userHashKey: undefined,
  });
  const both = createOutcomeLog({
    log: (level, fields, message) => lines.push({ level, fields, message }),
    traceContext: spans.traceContext,
  });
  const walk = new Walk({ ...spans.observer, settled() {} }, session(), facts(), T0).ended(
    'timeout',
    'timeout',
    T0 + 9,
  );
  spans.observer.settled?.(walk.delivery);
  both.observer.settled?.(walk.delivery);
  both.stop();
  await telemetry.shutdown();
  await receiver.close();
  const [span] = receiver.spans;
  expect(lines).toMatchObject([{ fields: { trace_id: span?.traceId, span_id: span?.spanId } }]);
  expect(span?.traceId).toMatch(/^[0-9a-f]{32}$/);
});
