// What the tracker does when something around it gives way: a full limit, telemetry that throws, an end in a hurry.
import { describe, expect, test } from 'vitest';
import type { EventTelemetry } from '../../src/embed/otel.ts';
import { setUp } from './harness.ts';

describe('[D7] a CRITICAL event at a full limit', () => {
  test('takes the place of a LOW one, which is unverifiable: neither failed nor confirmed', () => {
    const { tracker } = setUp({ limits: { pending: 10 } });
    const low = tracker.track({ type: 't', priority: 'low' });
    for (let i = 0; i < 9; i++) tracker.track({ type: 't', priority: 'critical' });
    const id = tracker.track({ type: 't', priority: 'critical', user: 'a' });
    expect(tracker.status(id)?.status).toBe('pending');
    expect(tracker.status(low)).toMatchObject({ status: 'unverifiable', errorType: '' });
    expect(tracker.metrics()).toMatchObject({
      tracked: 11,
      pending: 10,
      failed: 0,
      unverifiable: 1,
      confirmationRate: null,
      byPriority: { low: { unverifiable: 1, pending: 0 } },
    });
    expect(tracker.confirm(low)).toBe('late');
    expect(tracker.pending()).toHaveLength(10);
  });
});

describe('telemetry that throws', () => {
  const no = (): never => {
    throw new Error('exporter');
  };
  const broken: EventTelemetry = { tracked: no, retried: no, settled: no, unmatched: no, shed: no };

  test('costs telemetry and a report, never an event', async () => {
    const { tracker, pass, reports } = setUp({ onRetry: () => true, limits: { pending: 10 } }, broken);
    const id = tracker.track({ type: 't', user: 'a' });
    await pass(1100);
    expect(tracker.confirm(id, { user: 'a' })).toBe('confirmed');
    expect(tracker.confirm(id, { user: 'a' })).toBe('duplicate');
    for (let i = 0; i < 20; i++) tracker.track({ type: 't', priority: 'low' });
    await pass(30_100);
    const { tracked, confirmed, timeout, pending, shed } = tracker.metrics();
    expect([tracked, confirmed, timeout, pending, shed]).toEqual([9, 1, 8, 0, 12]);
    expect(reports.some(({ stage }) => stage === 'telemetry')).toBe(true);
  });
});

describe('stopping', () => {
  test.each([Number.POSITIVE_INFINITY, Number.NaN, -1, '1000', 2 ** 31, {}])(
    'a grace of %s is refused, and nothing ends',
    async (graceMs) => {
      const { tracker } = setUp();
      const id = tracker.track({ type: 't' });
      await expect(tracker.stop({ graceMs: graceMs as number })).rejects.toThrow(RangeError);
      expect(tracker.status(id)?.status).toBe('pending');
    },
  );

  test.each([null, 5, 'soon', true, [], [1000], { graceMs: null }])(
    'options of %j are refused, and nothing ends',
    async (options) => {
      const { tracker } = setUp();
      const id = tracker.track({ type: 't' });
      await expect(tracker.stop(options as object)).rejects.toThrow(RangeError);
      expect(tracker.status(id)?.status).toBe('pending');
    },
  );

  test('two stops that wait both end when nothing is in flight any more', async () => {
    const { tracker } = setUp();
    const id = tracker.track({ type: 't' });
    const both = Promise.all([tracker.stop({ graceMs: 600_000 }), tracker.stop({ graceMs: 600_000 })]);
    tracker.confirm(id);
    await both;
    expect(tracker.metrics()).toMatchObject({ confirmed: 1, failed: 0 });
  });

  test('a stop that waits ends with one that does not', async () => {
    const { tracker } = setUp();
    tracker.track({ type: 't' });
    const patient = tracker.stop({ graceMs: 600_000 });
    await tracker.stop();
    await patient;
    expect(tracker.metrics()).toMatchObject({ failed: 1, pending: 0 });
  });

  test('what was past its deadline when the tracker stopped has timed out', async () => {
    const { tracker, jump } = setUp();
    const due = tracker.track({ type: 't', timeoutMs: 1000 });
    const open = tracker.track({ type: 't' });
    jump(1100);
    await tracker.stop();
    expect(tracker.status(due)).toMatchObject({ status: 'timeout', errorType: 'timeout' });
    expect(tracker.status(open)).toMatchObject({ status: 'failed', errorType: 'shutdown' });
  });
});

test('[D14] time in which the process stood still does not count towards a deadline', async () => {
  const { tracker, pass, stand } = setUp();
  const id = tracker.track({ type: 't', timeoutMs: 1000 });
  await pass(500);
  stand(60_000);
  await pass(400);
  expect(tracker.confirm(id)).toBe('confirmed');
});
