// The demo's checks of the sidecar against itself: they pass on one book, and name each number that differs.
import { describe, expect, it } from 'vitest';
import { readSamples, sumOf } from '../../src/admin-client/exposition.ts';
import { checkAgreement, checkSettled } from '../../src/demo/agreement.ts';
import { createDeliveryMetrics } from '../../src/telemetry/metrics/metrics.ts';
import { eventType, sent, settle } from '../telemetry/deliveries.ts';
import { expose } from '../telemetry/expose.ts';
import { statsOf } from './figures.ts';

/** A book with one delivery of every kind. */
function book() {
  const metrics = createDeliveryMetrics();
  const types = [eventType('tool_executing', 0, 'critical'), eventType('agent_thinking', 1, 'normal')];
  const endings = [
    ['confirmed', ''],
    ['failed', 'rejected'],
    ['failed', 'disconnected'],
    ['timeout', 'timeout'],
    ['unverifiable', ''],
  ] as const;
  for (const type of types) {
    metrics.tracked(sent(type));
    for (const [outcome, error] of endings) {
      const delivery = sent(type);
      metrics.tracked(delivery);
      metrics.attempted(delivery, { kind: 'probe', number: 2, at: delivery.sentAt + 5, delay: 5, result: 'sent' });
      metrics.settled(settle(delivery, 40, outcome, outcome === 'confirmed' ? 'received' : '', error));
    }
  }
  return metrics;
}

describe('checks', () => {
  it('[D1] pass when statistics and metrics come from one book', async () => {
    const metrics = book();
    const samples = readSamples(await expose(metrics.source, 'text'));
    expect(checkAgreement(metrics.stats(), samples)).toEqual([
      {
        name: 'tracked = pending + settled',
        ok: true,
        detail: 'all: 12 tracked, 2 pending, 10 settled',
      },
      { name: 'statistics = /metrics', ok: true, detail: '40 numbers compared, all equal' },
    ]);
  });

  it('name what differs', async () => {
    const metrics = book();
    const samples = readSamples(await expose(metrics.source, 'text'));
    const [sums, agreement] = checkAgreement({ ...metrics.stats(), failed: 5 }, samples);
    expect(sums).toMatchObject({ ok: false, detail: 'all: 12 tracked, 2 pending, 11 settled' });
    expect(agreement).toMatchObject({
      ok: false,
      detail: 'all failed: 5 in the statistics, 4 in /metrics',
    });
  });

  it('[D4] nothing may be pending once the load has rested for longer than a deadline', () => {
    expect(checkSettled(statsOf({ pending: 0 })).ok).toBe(true);
    expect(checkSettled(statsOf({ pending: 3 }))).toMatchObject({ ok: false, detail: '3 are still pending' });
  });
});

it('an absent label is the empty one, as in PromQL', () => {
  const samples = readSamples('# HELP x y\nx_count{a="1",error_type="timeout"} 3\nx_count{a="1"} 4\nx_sum 9\n');
  expect(sumOf(samples, 'x_count')).toBe(7);
  expect(sumOf(samples, 'x_count', { a: '1', error_type: '' })).toBe(4);
});
