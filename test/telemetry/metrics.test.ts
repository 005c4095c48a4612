// Each step that the tracker reports, as the exact text that a scraper reads.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Attempt, Delivery } from '../../src/delivery/record.ts';
import { ERROR_TYPES, OUTCOMES, PRIORITIES, SHED_REASONS, UNMATCHED_REASONS } from '../../src/delivery/words.ts';
import { createDeliveryMetrics, type DeliveryMetrics } from '../../src/telemetry/metrics/metrics.ts';
import { sumIn, valueIn } from '../support/exposition.ts';
import { propertyOptions } from '../support/seed.ts';
import { eventType, SESSION, sent, settle, T0 } from './deliveries.ts';
import { expose, exposeParsed, linesOf } from './expose.ts';

const tool = eventType('tool_executing', 1, 'critical');

function attempt(kind: Attempt['kind'], result: Attempt['result']): Attempt {
  return { kind, number: 2, at: T0 + 1000, delay: 1000, result };
}

function track(metrics: DeliveryMetrics, delivery: Delivery): Delivery {
  metrics.tracked(delivery);
  return delivery;
}

describe('an empty process', () => {
  it('shows every counter without an event type at 0', async () => {
    const text = await expose(createDeliveryMetrics().source);
    expect(linesOf(text, 'ackspan_confirmation_')).toEqual([
      'ackspan_confirmation_unmatched_total{reason="late"} 0',
      'ackspan_confirmation_unmatched_total{reason="duplicate"} 0',
      'ackspan_confirmation_unmatched_total{reason="unknown"} 0',
      'ackspan_confirmation_unmatched_total{reason="foreign"} 0',
      'ackspan_confirmation_upgraded_total 0',
    ]);
    expect(linesOf(text, 'ackspan_delivery_pending')).toEqual(
      PRIORITIES.map((priority) => `ackspan_delivery_pending{priority="${priority}"} 0`),
    );
    expect(linesOf(text, 'ackspan_delivery_attempts')).toHaveLength(15);
    expect(linesOf(text, 'ackspan_delivery_shed')).toHaveLength(SHED_REASONS.length * PRIORITIES.length);
    expect(text).not.toContain('event_type');
  });
});

describe('a tracked delivery', () => {
  it('is tracked, sent and pending', async () => {
    const metrics = createDeliveryMetrics();
    track(metrics, sent(tool));
    const text = await expose(metrics.source);
    expect(text).toContain('ackspan_delivery_tracked_total{event_type="tool_executing",priority="critical"} 1\n');
    expect(text).toContain('ackspan_delivery_attempts_total{kind="send",result="sent"} 1\n');
    expect(text).toContain('ackspan_delivery_pending{priority="critical"} 1\n');
    expect(text).toContain(
      'ackspan_delivery_unverifiable_total{event_type="tool_executing",priority="critical",reason="client_left"} 0\n',
    );
  });

  it.each([
    ['alone', false, []],
    ['that goes on in another process', true, ['instance_lost']],
  ])(
    'shows each error that may be the next of its type at 0, so that increase() sees the first failure: in a process %s',
    async (_, outlived, more) => {
      const metrics = createDeliveryMetrics({ outlived });
      const errors = ['timeout', 'disconnected', 'rejected', 'shutdown', ...more];
      track(metrics, sent(tool, 'received'));
      const count = 'ackspan_delivery_duration_seconds_count';
      const labels = (rest: string) => `${count}{${rest}event_type="tool_executing",level=`;
      expect(linesOf(await expose(metrics.source), count)).toEqual([
        ...errors.map((error) => `${labels(`error_type="${error}",`)}"none",priority="critical"} 0`),
        `${labels('')}"received",priority="critical"} 0`,
      ]);
      track(metrics, sent(tool, 'processed'));
      const parsed = await exposeParsed(metrics.source);
      for (const error_type of errors) {
        for (const level of ['none', 'received']) {
          expect(
            valueIn(parsed, count, { event_type: 'tool_executing', priority: 'critical', level, error_type }),
          ).toBe(0);
        }
      }
      expect(valueIn(parsed, count, { event_type: 'tool_executing', priority: 'critical', level: 'processed' })).toBe(
        0,
      );
    },
  );

  it('shows what operators do from their first act on, for every type', async () => {
    const metrics = createDeliveryMetrics();
    track(metrics, sent(eventType('chatter', 2, 'low')));
    const operated = async () =>
      linesOf(await expose(metrics.source), 'ackspan_delivery').filter((line) => /="operator"/.test(line));
    expect(await operated()).toEqual([]);
    metrics.settled(Object.assign(settle(track(metrics, sent(tool)), 5, 'unverifiable'), { unverified: 'operator' }));
    expect((await operated()).map((line) => /event_type="(\w+)"/.exec(line)![1])).toEqual(
      expect.arrayContaining(['chatter', 'tool_executing']),
    );
  });
});

describe('an outcome', () => {
  it('confirmed: one histogram entry without error_type, bounds inclusive, in seconds', async () => {
    const metrics = createDeliveryMetrics();
    metrics.settled(settle(track(metrics, sent(tool)), 25, 'confirmed', 'received'));
    metrics.settled(settle(track(metrics, sent(tool)), 25.5, 'confirmed', 'received'));
    metrics.settled(settle(track(metrics, sent(tool)), 61_000, 'confirmed', 'received'));
    const text = await expose(metrics.source);
    const labels = 'event_type="tool_executing",level="received",priority="critical"';
    const buckets = linesOf(text, `ackspan_delivery_duration_seconds_bucket{${labels}`);
    const rest = [...[0.1, 0.25, 0.5, 0.75, 2.5, 7.5], ...[1, 5, 10, 15, 20, 30, 45, 60]].sort((a, b) => a - b);
    const le = (bound: string, value: number) =>
      `ackspan_delivery_duration_seconds_bucket{${labels},le="${bound}"} ${value}`;
    expect(buckets).toEqual([
      le('0.005', 0),
      le('0.01', 0),
      le('0.025', 1),
      le('0.05', 2),
      le('0.075', 2),
      ...rest.map((bound) => le(Number.isInteger(bound) ? `${bound}.0` : `${bound}`, 2)),
      le('+Inf', 3),
    ]);
    expect(text).toContain(`ackspan_delivery_duration_seconds_sum{${labels}} 61.0505\n`);
    expect(text).toContain(`ackspan_delivery_duration_seconds_count{${labels}} 3\n`);
    expect(text).toContain('ackspan_delivery_pending{priority="critical"} 0\n');
  });

  it.each(ERROR_TYPES.slice(1))('%s: its error_type and the level reached', async (error) => {
    const metrics = createDeliveryMetrics();
    const status = error === 'timeout' ? 'timeout' : 'failed';
    metrics.settled(settle(track(metrics, sent(tool)), 30_000, status, '', error));
    metrics.settled(settle(track(metrics, sent(tool, 'processed')), 30_000, status, 'received', error));
    const text = await expose(metrics.source);
    for (const level of ['none', 'received']) {
      const labels = `error_type="${error}",event_type="tool_executing",level="${level}",priority="critical"`;
      expect(text).toContain(`ackspan_delivery_duration_seconds_count{${labels}} 1\n`);
      expect(linesOf(text, `ackspan_delivery_duration_seconds_bucket{${labels}`)).toEqual([
        `ackspan_delivery_duration_seconds_bucket{${labels},le="+Inf"} 1`,
      ]);
    }
  });

  it('unverifiable: a counter of its own, never in the histogram', async () => {
    const metrics = createDeliveryMetrics();
    metrics.settled(settle(track(metrics, sent(tool)), 30_000, 'unverifiable'));
    const parsed = await exposeParsed(metrics.source);
    expect(sumIn(parsed, 'ackspan_delivery_duration_seconds_count')).toBe(0);
    expect(sumIn(parsed, 'ackspan_delivery_unverifiable_total')).toBe(1);
    expect(sumIn(parsed, 'ackspan_delivery_pending')).toBe(0);
  });
});

describe('everything else', () => {
  it('received, attempted, upgraded, unmatched and shed each count once in their own series', async () => {
    const metrics = createDeliveryMetrics();
    const delivery = track(metrics, sent(tool, 'processed'));
    metrics.received(delivery, T0 + 7);
    metrics.attempted(delivery, attempt('probe', 'blocked'));
    metrics.attempted(delivery, attempt('probe', 'sent'));
    metrics.upgraded(delivery, T0 + 9);
    for (const reason of UNMATCHED_REASONS) metrics.unmatched(reason, SESSION, 'e-1');
    metrics.shed('pending_per_user', SESSION, eventType('chatter', 2, 'low'));
    const text = await expose(metrics.source);
    const of = 'priority="critical"';
    expect(text).toContain(`ackspan_delivery_receive_duration_seconds_bucket{${of},le="0.005"} 0\n`);
    expect(text).toContain(`ackspan_delivery_receive_duration_seconds_bucket{${of},le="0.01"} 1\n`);
    expect(text).toContain(`ackspan_delivery_receive_duration_seconds_sum{${of}} 0.007\n`);
    expect(text).toContain('ackspan_delivery_attempts_total{kind="probe",result="blocked"} 1\n');
    expect(text).toContain('ackspan_delivery_attempts_total{kind="probe",result="sent"} 1\n');
    expect(text).toContain('ackspan_delivery_attempts_total{kind="probe",result="failed"} 0\n');
    expect(text).toContain('ackspan_confirmation_upgraded_total 1\n');
    for (const reason of UNMATCHED_REASONS) {
      expect(text).toContain(`ackspan_confirmation_unmatched_total{reason="${reason}"} 1\n`);
    }
    expect(text).toContain('ackspan_delivery_shed_total{priority="low",reason="pending_per_user"} 1\n');
    expect(text).toContain('ackspan_delivery_shed_total{priority="low",reason="pending"} 0\n');
  });

  it('types past the limit share the label `other`, one series per priority, even with a type that is called so', async () => {
    const metrics = createDeliveryMetrics();
    track(metrics, sent(eventType('x1', 0, 'low', 'other')));
    track(metrics, sent(eventType('x2', 0, 'low', 'other')));
    track(metrics, sent(eventType('x3', 0, 'high', 'other')));
    track(metrics, sent(eventType('other', 7, 'high')));
    expect(linesOf(await expose(metrics.source), 'ackspan_delivery_tracked_total')).toEqual([
      'ackspan_delivery_tracked_total{event_type="other",priority="low"} 2',
      'ackspan_delivery_tracked_total{event_type="other",priority="high"} 2',
    ]);
  });

  it('a settlement before the send by the clock counts as 0 s', async () => {
    const metrics = createDeliveryMetrics();
    metrics.settled(settle(track(metrics, sent(tool)), -3, 'confirmed', 'received'));
    const parsed = await exposeParsed(metrics.source);
    expect(sumIn(parsed, 'ackspan_delivery_duration_seconds_sum')).toBe(0);
    expect(metrics.stats().min_ms).toBe(0);
  });
});

describe('exemplars', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';

  it('a bucket keeps its latest sampled span, in OpenMetrics only', async () => {
    const metrics = createDeliveryMetrics();
    for (const [ms, spanId] of [
      [6, 'aaaaaaaaaaaaaaaa'],
      [9, 'bbbbbbbbbbbbbbbb'],
      [70_000, 'cccccccccccccccc'],
    ] as const) {
      const delivery = settle(track(metrics, sent(tool)), ms, 'confirmed', 'received');
      metrics.settled(delivery);
      metrics.exemplar(delivery, traceId, spanId);
    }
    const labels = 'event_type="tool_executing",level="received",priority="critical"';
    const text = await expose(metrics.source, 'openmetrics');
    const seconds = (T0 / 1000).toFixed(0);
    expect(text.match(/.* # .*/g)).toEqual([
      `ackspan_delivery_duration_seconds_bucket{${labels},le="0.01"} 2 # {trace_id="${traceId}",span_id="bbbbbbbbbbbbbbbb"} 0.009 ${seconds}.009`,
      `ackspan_delivery_duration_seconds_bucket{${labels},le="+Inf"} 3 # {trace_id="${traceId}",span_id="cccccccccccccccc"} 70 ${Number(seconds) + 70}.000`,
    ]);
    expect(await expose(metrics.source, 'text')).not.toContain(traceId);
    await exposeParsed(metrics.source, 'openmetrics');
  });

  it('comes before or after the count, and never from an unverifiable delivery', async () => {
    const metrics = createDeliveryMetrics();
    const timedOut = settle(track(metrics, sent(tool)), 30_000, 'timeout', '', 'timeout');
    metrics.exemplar(timedOut, traceId, 'dddddddddddddddd');
    metrics.settled(timedOut);
    const unknown = settle(track(metrics, sent(tool)), 30_000, 'unverifiable');
    metrics.settled(unknown);
    metrics.exemplar(unknown, traceId, 'eeeeeeeeeeeeeeee');
    const text = await expose(metrics.source, 'openmetrics');
    expect(text.match(/error_type="timeout".* # .*/g)).toHaveLength(1);
    expect(text.match(/ # \{/g)).toHaveLength(1);
  });
});

type Step = {
  type: number;
  required: 'received' | 'processed';
  outcome: (typeof OUTCOMES)[number] | 'open';
  ms: number;
};

describe('[D1] [D9] whatever is reported', () => {
  const step: fc.Arbitrary<Step> = fc.record({
    type: fc.nat(12),
    required: fc.constantFrom('received', 'processed'),
    outcome: fc.constantFrom(...OUTCOMES, 'open'),
    ms: fc.double({ min: 0, max: 90_000, noNaN: true }),
  });

  it('tracked = pending + settled, the rate is over settled, and stats agree with the exposition', async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.nat(3), async (steps, errorShift) => {
      const metrics = createDeliveryMetrics();
      const model = { open: 0, confirmed: 0, failed: 0, timeout: 0, unverifiable: 0 };
      for (const { type, required, outcome, ms } of steps) {
        const priority = PRIORITIES[type % 4]!;
        const delivery = track(metrics, sent(eventType(`t${type}`, type, priority), required));
        model[outcome]++;
        if (outcome === 'open') continue;
        const failReason = ERROR_TYPES[2 + errorShift]!;
        const error = outcome === 'failed' ? failReason : outcome === 'timeout' ? 'timeout' : '';
        settle(delivery, ms, outcome, outcome === 'confirmed' ? required : '', error);
        metrics.settled(delivery);
      }
      const { open: pending, ...outcomes } = model;
      const judged = model.confirmed + model.failed + model.timeout;
      const confirmation_rate = judged === 0 ? null : model.confirmed / judged;
      const stats = metrics.stats();
      expect(stats).toMatchObject({ tracked: steps.length, pending, ...outcomes, confirmation_rate });
      for (const key of ['tracked', 'pending', 'confirmed', 'failed', 'timeout', 'unverifiable', 'shed'] as const) {
        expect(PRIORITIES.reduce((sum, each) => sum + stats.by_priority[each][key], 0)).toBe(stats[key]);
      }
      const parsed = await exposeParsed(metrics.source);
      const count = 'ackspan_delivery_duration_seconds_count';
      expect(sumIn(parsed, 'ackspan_delivery_tracked_total')).toBe(steps.length);
      expect(sumIn(parsed, 'ackspan_delivery_pending')).toBe(pending);
      expect(sumIn(parsed, count)).toBe(judged);
      expect(sumIn(parsed, count, { error_type: '' })).toBe(model.confirmed);
      expect(sumIn(parsed, count, { error_type: 'timeout' })).toBe(model.timeout);
      expect(sumIn(parsed, 'ackspan_delivery_unverifiable_total')).toBe(model.unverifiable);
      for (const priority of PRIORITIES) {
        const { tracked, confirmed } = stats.by_priority[priority];
        expect(sumIn(parsed, 'ackspan_delivery_tracked_total', { priority })).toBe(tracked);
        expect(sumIn(parsed, count, { priority, error_type: '' })).toBe(confirmed);
      }
      const confirmedSeconds = sumIn(parsed, 'ackspan_delivery_duration_seconds_sum', { error_type: '' });
      expect((stats.avg_ms ?? 0) * stats.confirmed).toBeCloseTo(confirmedSeconds * 1000, 3);
    });
    await fc.assert(property, propertyOptions(150));
  });
});
