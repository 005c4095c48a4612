// Stats: what /api/v1/stats and the demo show; percentiles against the sorted truth.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Latency } from '../../src/telemetry/metrics/latency.ts';
import { createDeliveryMetrics } from '../../src/telemetry/metrics/metrics.ts';
import { propertyOptions } from '../support/seed.ts';
import { eventType, SESSION, sent, settle, T0 } from './deliveries.ts';

describe('stats', () => {
  it('of an empty process are zeros and nulls, finite JSON', () => {
    const stats = createDeliveryMetrics().stats();
    expect(Object.keys(stats)).toEqual([
      ...['tracked', 'pending', 'confirmed', 'failed', 'timeout', 'unverifiable', 'shed', 'confirmation_rate'],
      ...['p50_ms', 'p95_ms', 'p99_ms', 'avg_ms', 'min_ms', 'max_ms', 'attempts', 'by_priority', 'untracked'],
      'unread',
    ]);
    expect(stats.confirmation_rate).toBeNull();
    expect(stats.p50_ms).toBeNull();
    expect(stats.min_ms).toBeNull();
    expect(Object.keys(stats.by_priority)).toEqual(['critical', 'high', 'normal', 'low']);
    expect(JSON.parse(JSON.stringify(stats))).toEqual(stats);
  });

  it('[D9] unverifiable, shed and pending deliveries are beside the rate, not in it', () => {
    const metrics = createDeliveryMetrics();
    const high = eventType('agent_started', 1, 'high');
    for (const outcome of ['confirmed', 'confirmed', 'confirmed', 'timeout', 'unverifiable'] as const) {
      const delivery = sent(high);
      metrics.tracked(delivery);
      const error = outcome === 'timeout' ? 'timeout' : '';
      metrics.settled(settle(delivery, 40, outcome, outcome === 'confirmed' ? 'received' : '', error));
    }
    const open = sent(high);
    metrics.tracked(open);
    metrics.attempted(open, { kind: 'probe', number: 2, at: T0 + 1000, delay: 1000, result: 'blocked' });
    metrics.shed('pending', SESSION, high);
    const counts = { tracked: 6, pending: 1, confirmed: 3, failed: 0, timeout: 1, unverifiable: 1, shed: 1 };
    const attempts = { send: 6, probe: 1, resend: 0, replay: 0, reemit: 0 };
    const times = { p50_ms: 40, p95_ms: 40, p99_ms: 40, avg_ms: 40, min_ms: 40, max_ms: 40 };
    const row = { ...counts, confirmation_rate: 0.75, ...times, attempts };
    const { by_priority, untracked, unread, ...total } = metrics.stats({ no_type: 2 }, { text: 3 });
    expect([untracked, unread]).toEqual([{ no_type: 2 }, { text: 3 }]);
    expect(total).toEqual(row);
    expect(by_priority.high).toEqual(row);
    expect(by_priority.low).toMatchObject({ tracked: 0, shed: 0, confirmation_rate: null, max_ms: null });
  });

  it('only confirmed deliveries have confirmation times', () => {
    const metrics = createDeliveryMetrics();
    const type = eventType('agent_started', 1, 'high');
    metrics.tracked(sent(type));
    metrics.settled(settle(sent(type), 30_000, 'timeout', '', 'timeout'));
    expect(metrics.stats()).toMatchObject({ confirmation_rate: 0, p99_ms: null, avg_ms: null });
  });
});

describe('percentiles', () => {
  it('are within 1.6 % of the nearest-rank value (or 1 µs), whatever the times', () => {
    const time = fc.oneof(
      fc.double({ min: 0, max: 0.2, noNaN: true }),
      fc.double({ min: 0, max: 100, noNaN: true }),
      fc.double({ min: 0, max: 2_000_000, noNaN: true }),
    );
    const property = fc.property(fc.array(time, { minLength: 1, maxLength: 300 }), (times) => {
      const latency = new Latency();
      for (const ms of times) latency.record(ms);
      const sorted = [...times].sort((a, b) => a - b);
      for (const q of [0, 0.01, 0.5, 0.95, 0.99, 1]) {
        const truth = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]!;
        const error = Math.abs(latency.quantile(q)! - truth);
        expect(error).toBeLessThanOrEqual(Math.max(truth / 64, 0.001));
      }
      expect([latency.minMs, latency.maxMs]).toEqual([sorted[0], sorted.at(-1)]);
    });
    fc.assert(property, propertyOptions(300));
  });

  it('stay inside what was recorded beyond 35 minutes, where steps end', () => {
    const latency = new Latency();
    for (const ms of [3_000_000, 7_200_000]) latency.record(ms);
    expect(latency.quantile(0.5)).toBe(3_000_000);
    expect(latency.maxMs).toBe(7_200_000);
  });
});
