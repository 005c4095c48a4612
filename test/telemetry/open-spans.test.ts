// What spans tell before anything has ended, and of runs without a trace: exact spans as a collector receives them.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Delivery, EventFacts } from '../../src/delivery/record.ts';
import type { Session } from '../../src/delivery/session.ts';
import { startTelemetry, type Telemetry } from '../../src/telemetry/sdk.ts';
import { createPendingLook } from '../../src/telemetry/spans/pending-spans.ts';
import { createSpans, type SpanDeps, type Spans } from '../../src/telemetry/spans/spans.ts';
import { eventType, facts, session, Walk } from '../support/deliveries.ts';
import type { ReceivedSpan } from '../support/otlp-decode.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';

const T0 = 1_760_000_000_000;
const RUN = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
const CONNECTION = { id: 'c-1', serverAddress: 'chat.example', serverPort: 443, openedAt: T0 };
const RUNS = { ends: ['agent_completed'], silentAfterMs: 60_000, maxRuns: 3 };

let receiver: OtlpReceiver;
let telemetry: Telemetry;

beforeEach(async () => {
  receiver = await startOtlpReceiver();
});

afterEach(async () => {
  await telemetry.shutdown();
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  await receiver.close();
});

function start(over: Partial<SpanDeps> = {}): Spans {
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = receiver.endpoint;
  telemetry = startTelemetry({
    ...{ serviceName: 'ackspan', version: '9.9.9', metricProducers: [], metricReaders: [] },
    report: ({ error }) => expect.fail(String(error)),
    env: { ...process.env, OTEL_METRICS_EXPORTER: 'none' },
  });
  return createSpans({
    ...{ tracer: telemetry.tracer!, ids: telemetry.spanIds, runs: RUNS },
    ...{ sampling: { keepConfirmed: 1, slowMs: 1000 }, events: 'span', userHashKey: undefined },
    ...over,
  });
}

async function exported(): Promise<ReceivedSpan[]> {
  await telemetry.flush(5000);
  return receiver.spans;
}

const named = (spans: readonly ReceivedSpan[], name: string) => spans.filter((span) => span.name === name);

/** An event on its way: without a trace, unless `over` has one. */
function sent(spans: Spans, on: Session, over: Partial<EventFacts> = {}, at = T0): Walk {
  return new Walk(spans.observer, on, facts({ run: RUN, ...over }), at);
}

describe('a run without a traceparent', () => {
  test('is one trace, in all its sessions: its deliveries are children of one span from the first event to the last outcome', async () => {
    const spans = start();
    for (const on of [session(), session(), session()]) {
      sent(spans, on).confirmed(T0 + 10);
      sent(spans, on, { type: eventType('agent_completed') }, T0 + 20).confirmed(T0 + 30);
    }
    spans.tick(T0 + 1000);
    expect(named(await exported(), 'ackspan.run')).toEqual([]);
    spans.tick(T0 + 2500);
    const all = await exported();
    const [run] = named(all, 'ackspan.run');
    expect(run).toMatchObject({
      parentSpanId: '',
      startNs: BigInt(T0) * 1_000_000n,
      endNs: BigInt(T0 + 30) * 1_000_000n,
      attributes: { 'gen_ai.conversation.id': RUN, 'ackspan.run.events': 6 },
    });
    const children = all.filter(({ name }) => name.startsWith('send '));
    expect(children.map(({ traceId, parentSpanId }) => [traceId, parentSpanId])).toEqual(
      Array(6).fill([run!.traceId, run!.spanId]),
    );
    expect(all).toHaveLength(7);
  });

  test('of a short id is one in a session or of a user, and not of strangers', async () => {
    const spans = start();
    const strangers = [session(), session()].map((on, n) => Object.assign(on, { key: `s-${n}` }));
    for (const on of strangers) sent(spans, on, { run: 'r1' }).confirmed(T0 + 10);
    for (const on of [session('ann'), session('ann')]) sent(spans, on, { run: 'r2' }).confirmed(T0 + 10);
    spans.stop();
    const runs = named(await exported(), 'ackspan.run').map(({ attributes }) => attributes['gen_ai.conversation.id']);
    expect(runs.sort()).toEqual(['r1', 'r1', 'r2']);
  });

  test('goes silent, or gives way to the fourth of three: it ends with its last outcome, and never while a delivery is open', async () => {
    const spans = start();
    const on = session();
    const first = sent(spans, on, { run: 'a' });
    spans.tick(T0 + 999_000);
    expect(named(await exported(), 'ackspan.run')).toEqual([]);
    first.ended('timeout', 'timeout', T0 + 30_000);
    spans.tick(T0 + 89_999);
    expect(named(await exported(), 'ackspan.run')).toEqual([]);
    spans.tick(T0 + 90_000);
    expect(named(await exported(), 'ackspan.run')).toHaveLength(1);
    for (const run of ['b', 'c', 'd', 'e']) sent(spans, on, { run }, T0 + 90_000).confirmed(T0 + 90_001);
    expect(named(await exported(), 'ackspan.run')).toHaveLength(2);
  });

  test('has a span only if one of its children has: of a hundred runs, those that are kept are kept whole', async () => {
    const spans = start({ sampling: { keepConfirmed: 0.2, slowMs: 1000 }, runs: { ...RUNS, maxRuns: 1000 } });
    const on = session();
    for (let n = 0; n < 100; n++)
      for (let i = 0; i < 5; i++) sent(spans, on, { run: `run-${n}` }, T0 + i).confirmed(T0 + i + 1);
    sent(spans, on, { run: 'lost' }).confirmed(T0 + 5);
    sent(spans, on, { run: 'lost' }).ended('timeout', 'timeout', T0 + 30_000);
    spans.stop();
    const all = await exported();
    const children = all.filter(({ name }) => name.startsWith('send '));
    for (const { traceId, spanId, attributes } of named(all, 'ackspan.run')) {
      const own = children.filter((child) => child.traceId === traceId && child.parentSpanId === spanId);
      const lost = attributes['gen_ai.conversation.id'] === 'lost';
      if (lost) expect(own.map((child) => child.attributes['ackspan.delivery.outcome'])).toContain('timeout');
      else expect(own).toHaveLength(5);
    }
    const ids = new Set(named(all, 'ackspan.run').map(({ spanId }) => spanId));
    expect(children.filter(({ parentSpanId }) => !ids.has(parentSpanId!))).toEqual([]);
  });

  test('an event with a traceparent of its own, and a client with one, stay in their traces', async () => {
    const spans = start();
    const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    sent(spans, session(), { traceparent: parent }).confirmed(T0 + 1);
    sent(spans, session(undefined, parent)).confirmed(T0 + 1);
    spans.stop();
    const all = await exported();
    expect(all.map(({ name, parentSpanId }) => [name, parentSpanId])).toEqual(
      Array(2).fill(['send agent_started', 'b7ad6b7169203331']),
    );
  });
});

describe('what is open', () => {
  test('a delivery is shown once as a child of its span, which ends later under the id that was shown', async () => {
    const spans = start({ sampling: { keepConfirmed: 0, slowMs: 1000 }, runs: undefined });
    const on = session();
    spans.connections.opened(on, CONNECTION);
    const walk = sent(spans, on).attempt(T0 + 1000);
    expect([spans.showPending(walk.delivery, T0 + 5000), spans.showPending(walk.delivery, T0 + 6000)]).toEqual([
      true,
      false,
    ]);
    const [pending, ...rest] = await exported();
    expect(rest).toEqual([]);
    expect(pending).toMatchObject({
      name: 'ackspan.delivery.pending',
      startNs: BigInt(T0) * 1_000_000n,
      endNs: BigInt(T0 + 5000) * 1_000_000n,
      status: { code: 0 },
      attributes: {
        'messaging.destination.name': 'agent_started',
        'messaging.message.id': 'event-1',
        'ackspan.connection.id': 'c-1',
        'ackspan.delivery.outcome': 'retrying',
        'ackspan.delivery.attempts': 2,
      },
    });
    walk.ended('timeout', 'timeout', T0 + 30_000);
    const [, span] = await exported();
    expect(span).toMatchObject({
      name: 'send agent_started',
      traceId: pending!.traceId,
      spanId: pending!.parentSpanId,
    });
    expect(walk.delivery.shownAs).toBe(`${span!.traceId}-${span!.spanId}`);
  });

  test('after a crash the next process ends the span that was shown, in the trace that it was shown in', async () => {
    const spans = start();
    const shown = { traceId: '1af7651916cd43dd8448eb211c80319c', spanId: 'c7ad6b7169203331' };
    const left = sent(spans, session(), { run: undefined });
    left.delivery.span = undefined;
    left.delivery.shownAs = `${shown.traceId}-${shown.spanId}`;
    spans.observer.tracked?.(left.delivery);
    left.ended('failed', 'instance_lost', T0 + 9000);
    const damaged = sent(spans, session(), { run: undefined });
    damaged.delivery.span = undefined;
    damaged.delivery.shownAs = 'no ids';
    spans.observer.tracked?.(damaged.delivery);
    damaged.ended('failed', 'instance_lost', T0 + 9000);
    const [span, other] = await exported();
    expect(span).toMatchObject({ ...shown, parentSpanId: '', attributes: { 'error.type': 'instance_lost' } });
    expect(other!.traceId).not.toBe(shown.traceId);
  });

  test('a connection is shown once, with path, family and address; its own span ends with the text of the Close', async () => {
    const spans = start();
    const on = session();
    spans.connections.opened(on, { ...CONNECTION, path: '/ws', agent: 'Firefox', peer: '192.0.2.7' });
    expect([1, 2, 3].map((n) => spans.connections.show(T0 + n - 2, T0 + 5000, 9))).toEqual([0, 1, 0]);
    spans.connections.closed(on, { code: 4001, by: 'upstream', reason: 'logged out' }, T0 + 60_000);
    const [shown, span] = await exported();
    const about = { 'url.path': '/ws', 'user_agent.name': 'Firefox', 'network.peer.address': '192.0.2.7' };
    expect(shown).toMatchObject({ name: 'ackspan.connection.open', attributes: about });
    expect(shown!.parentSpanId).toBe(span!.spanId);
    expect(span).toMatchObject({
      name: 'ackspan.connection',
      attributes: { ...about, 'ackspan.connection.close.reason': 'logged out', 'ackspan.connection.close.code': 4001 },
    });
  });

  test('a connection whose span was not chosen is shown when an exported span links to it, and not before', async () => {
    const spans = start({ sampling: { keepConfirmed: 0, slowMs: 1000 } });
    const on = session();
    spans.connections.opened(on, CONNECTION);
    expect(spans.connections.show(T0, T0 + 5000, 9)).toBe(0);
    expect(await exported()).toEqual([]);
    sent(spans, on, { run: undefined }).ended('timeout', 'timeout', T0 + 30_000);
    expect((await exported()).map(({ name }) => name).sort()).toEqual([
      'ackspan.connection.open',
      'send agent_started',
    ]);
  });
});

describe('the allowance of spans of open deliveries', () => {
  /**
   * A second of `each` deliveries, of which `share` stay open; returns how many are shown in so
   * many seconds.
   */
  function shownOf(each: number, share: number, seconds: number): { shown: number; sent: number; waitedMs: number } {
    let now = T0;
    let latest = 0;
    let waitedMs = 0;
    const open: Delivery[] = [];
    const shown = new Set<Delivery>();
    const look = createPendingLook({
      afterMs: 5000,
      eachOpen(visit) {
        for (let i = open.length - 1; i >= 0; i--) if (!visit(open[i]!)) return;
      },
      latest: () => latest,
      show(delivery) {
        if (shown.has(delivery)) return false;
        waitedMs = Math.max(waitedMs, now - delivery.sentAt);
        shown.add(delivery);
        return true;
      },
      showConnections: () => 0,
    });
    const observer = { tracked() {}, settled() {} } as never;
    for (let second = 0; second < seconds; second++) {
      for (let i = 0; i < each; i++, latest++)
        if (i < each * share) open.push(new Walk(observer, session(), facts(), now).delivery);
      while (open[0] !== undefined && now - open[0].sentAt >= 30_000) open.shift();
      look(now);
      now += 1000;
    }
    return { shown: shown.size, sent: latest, waitedMs };
  }

  test('half a percent that stays open is all shown within 10 s, with half a percent more spans', () => {
    const { shown, sent, waitedMs } = shownOf(1000, 0.005, 200);
    expect(shown).toBe(5 * 195);
    expect(waitedMs).toBeLessThan(10_000);
    expect(shown / sent).toBeLessThan(0.01);
  });

  test('an outage in which everything stays open costs at most 1 % more spans, and the first hundred', () => {
    const { shown, sent } = shownOf(1000, 1, 200);
    expect(shown).toBeGreaterThan(1000);
    expect(shown).toBeLessThanOrEqual(sent * 0.01 + 100 + 200);
  });

  test('of little traffic everything that stays open is shown', () => {
    expect(shownOf(1, 1, 100).shown).toBe(95);
  });
});
