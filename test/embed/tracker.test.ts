// The rules of SPEC.md as the library keeps them, and the library's own: retries, limits, messages, stopping.
import { spawnSync } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { createTracker } from '../../src/index.ts';
import { propertyOptions } from '../support/seed.ts';
import { setUp } from './harness.ts';

/** Waits for a condition on a machine that may be busy. */
const soon = (condition: () => void) => vi.waitFor(condition, { timeout: 60_000 });
const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;

describe('words about events', () => {
  test('[D2] a second confirmation is a duplicate, one after the deadline is late; neither changes anything', async () => {
    const { tracker, pass } = setUp();
    const a = tracker.track({ type: 't' });
    const b = tracker.track({ type: 't', timeoutMs: 1000 });
    tracker.confirm(a);
    expect(tracker.confirm(a)).toBe('duplicate');
    expect(tracker.fail(a, 'too late')).toBe('late');
    await pass(1100);
    expect(tracker.confirm(b)).toBe('late');
    expect(tracker.status(b)?.status).toBe('timeout');
    expect(tracker.metrics()).toMatchObject({
      confirmed: 1,
      timeout: 1,
      failed: 0,
      confirmationRate: 0.5,
      unmatched: { duplicate: 1, late: 2, unknown: 0, foreign: 0 },
    });
  });

  test('[D3] a confirmation that overtakes markSent counts, and markSent changes nothing any more', () => {
    const { tracker } = setUp();
    const id = tracker.track({ type: 't' });
    expect(tracker.confirm(id)).toBe('confirmed');
    expect(tracker.markSent(id)).toBe(false);
    expect(tracker.status(id)).toMatchObject({ status: 'confirmed', sent: false, sentAt: null });
  });

  test('[D6] an event without a user cannot be confirmed by one, and an id that nobody has is unknown', () => {
    const { tracker } = setUp();
    const id = tracker.track({ type: 't' });
    expect(tracker.confirm(id, { user: 'u1' })).toBe('foreign');
    expect(tracker.confirm('nobody-has-this', { user: 'u1' })).toBe('unknown');
    expect(tracker.confirm(id)).toBe('confirmed');
  });

  test('[D13] one id pushed to two users is two events: a user confirms their own, the backend all of them', () => {
    const { tracker } = setUp();
    for (const user of ['a', 'b', 'c']) tracker.track({ id: 'news', type: 't', user });
    expect(tracker.confirm('news', { user: 'b' })).toBe('confirmed');
    expect(tracker.pending().map((event) => event.user)).toEqual(['c', 'a']);
    expect(tracker.confirm('news')).toBe('confirmed');
    expect(tracker.metrics()).toMatchObject({ confirmed: 3, unmatched: { duplicate: 0 } });
  });

  test('confirming an event says nothing about the ones before it', () => {
    const { tracker } = setUp();
    const before = tracker.track({ type: 't', user: 'u' });
    const id = tracker.track({ type: 't', user: 'u' });
    tracker.confirm(id, { user: 'u' });
    expect(tracker.status(before)?.status).toBe('pending');
  });

  test('a rejection by the client ends the event at once, with its words', () => {
    const onRetry = vi.fn(async () => true);
    const { tracker } = setUp({ onRetry });
    const id = tracker.track({ type: 't', user: 'u' });
    const message = JSON.stringify({
      type: 'event_confirmation',
      event_id: id,
      status: 'failed',
      error: 'no such panel',
    });
    expect(tracker.receive(message, { user: 'u' })).toBe('failed');
    expect(tracker.status(id)).toMatchObject({ status: 'failed', errorType: 'rejected', error: 'no such panel' });
  });
});

describe('retries', () => {
  test('fail after the last retry ends the event', async () => {
    const { tracker, pass } = setUp({ retries: 1, onRetry: async () => true });
    const id = tracker.track({ type: 't' });
    expect(tracker.fail(id, 'first')).toBe('retrying');
    await pass(1100);
    expect(tracker.fail(id, 'second')).toBe('failed');
    expect(tracker.status(id)).toMatchObject({ status: 'failed', error: 'second', retriesLeft: 0 });
  });

  test('a callback that answers nothing, or something else, has not sent', async () => {
    const { tracker, pass } = setUp({ onRetry: () => undefined });
    const id = tracker.track({ type: 't' });
    await pass(1100);
    expect(tracker.status(id)).toMatchObject({ sent: false, error: 'the retry callback did not answer true' });
  });

  test('retries and deadline can be set per event', async () => {
    const onRetry = vi.fn(async () => true);
    const { tracker, pass } = setUp({ onRetry, firstRetryMs: 100 });
    tracker.track({ type: 'a', retries: 0 });
    tracker.track({ type: 'b', retries: 5, timeoutMs: 1000 });
    await pass(5000);
    // 100, 300 and 700 ms; the fourth would be due at 1,500 ms, after the deadline.
    expect(onRetry.mock.calls.map((call) => (call as unknown[])[1])).toEqual(['b', 'b', 'b']);
    expect(tracker.metrics().timeout).toBe(1);
  });

  test('[D11] data is let go with the last retry, with the outcome, and never kept without a callback', async () => {
    const refs: WeakRef<object>[] = [];
    const { tracker, pass } = setUp();
    const track = () => {
      const data = { big: new Array(1000).fill('x') };
      refs.push(new WeakRef(data));
      return tracker.track({ type: 't', data });
    };
    track();
    tracker.onRetry(async () => true);
    const confirmed = track();
    track();
    tracker.confirm(confirmed);
    await pass(8000);
    await soon(() => {
      heap();
      expect(refs.map((ref) => ref.deref())).toEqual([undefined, undefined, undefined]);
    });
    expect(tracker.metrics().pending).toBe(2);
  });
});

/** Bytes of heap in use when nothing is left to collect. */
function heap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

describe('limits and numbers', () => {
  test('what is over leaves nothing behind: users and types that come and go do not add up', () => {
    const { tracker } = setUp({ limits: { history: 10 } });
    const round = (n: number) => {
      for (let i = 0; i < 50_000; i++) {
        const user = `user-${n}-${i}`;
        tracker.confirm(tracker.track({ type: `type-${n}-${i}`, user, data: { i } }), { user });
      }
    };
    round(0);
    const before = heap();
    round(1);
    // 50,000 users, or types, kept would be above 5 MB.
    expect(heap() - before).toBeLessThan(2_000_000);
    expect(tracker.metrics().confirmed).toBe(100_000);
  });

  test('[D4] a thousand time-outs are noticed within 100 ms of their deadlines', async () => {
    const { tracker, pass } = setUp();
    for (let i = 0; i < 1000; i++) tracker.track({ type: 't', timeoutMs: 1000 + i });
    await pass(2100);
    const expired = tracker.expired();
    expect(expired).toHaveLength(1000);
    for (const { settledAt, deadlineAt } of expired) expect(settledAt! - deadlineAt).toBeLessThanOrEqual(100);
  });

  test('expired notices what is due even when the clock was never started', () => {
    const tracker = createTracker({ timeoutMs: 0.001 });
    const id = tracker.track({ type: 't' });
    // The wheel's tick is 25 ms.
    return soon(() => expect(tracker.expired().map((event) => event.id)).toEqual([id]));
  });

  test('[D7] beyond a limit events go untracked, the least important first, counted and reported once', () => {
    const { tracker, reports } = setUp({ limits: { pending: 10 } });
    for (let i = 0; i < 20; i++) tracker.track({ type: 't', priority: 'low' });
    expect(tracker.metrics()).toMatchObject({ tracked: 8, shed: 12 });
    const id = tracker.track({ type: 't', priority: 'critical' });
    expect(tracker.status(id)?.status).toBe('pending');
    expect(tracker.metrics().byPriority.low.shed).toBe(12);
    expect(reports.map(({ error }) => (error as Error).message)).toEqual([
      'limits.pending reached: events are pushed untracked',
    ]);
  });

  test('[D7] one user cannot use up what others need', () => {
    const { tracker } = setUp({ limits: { pendingPerUser: 10 } });
    for (let i = 0; i < 50; i++) tracker.track({ type: 't', user: 'greedy' });
    expect(tracker.pending('greedy')).toHaveLength(9);
    tracker.track({ type: 't', user: 'other' });
    expect(tracker.pending('other')).toHaveLength(1);
    for (const { id } of tracker.pending('greedy')) tracker.confirm(id, { user: 'greedy' });
    tracker.track({ type: 't', user: 'greedy' });
    expect(tracker.pending('greedy')).toHaveLength(1);
  });

  test('the history is bounded, and what left it is unknown', () => {
    const { tracker } = setUp({ limits: { history: 2 } });
    const ids = Array.from({ length: 4 }, () => tracker.track({ type: 't' }));
    for (const id of ids) tracker.confirm(id);
    expect(ids.map((id) => tracker.status(id)?.status)).toEqual([undefined, undefined, 'confirmed', 'confirmed']);
    expect(tracker.confirm(ids[0]!)).toBe('unknown');
  });

  test('arguments that make no sense are refused', () => {
    const { tracker } = setUp();
    for (const options of [
      { timeoutMs: 0 },
      { timeoutMs: Number.NaN },
      { retries: 1.5 },
      { retries: 21 },
      { firstRetryMs: -1 },
      { limits: { pending: 0 } },
      { limits: { history: -1 } },
    ])
      expect(() => createTracker(options), JSON.stringify(options)).toThrow(RangeError);
    expect(() => tracker.track({ type: '' })).toThrow(RangeError);
    expect(() => tracker.track({ type: 't', timeoutMs: Number.POSITIVE_INFINITY })).toThrow(RangeError);
    expect(() => tracker.track({ type: 't', retries: -1 })).toThrow(RangeError);
    expect(tracker.metrics().tracked).toBe(0);
  });

  test('[D1] whatever happens, tracked = pending + settled, each outcome is final, and the figures are finite JSON', async () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('track' as const),
        id: fc.nat(12),
        user: fc.constantFrom(undefined, 'a', 'b'),
        priority: fc.constantFrom(...PRIORITIES),
      }),
      fc.record({
        do: fc.constantFrom('confirm' as const, 'fail' as const, 'reject' as const, 'sent' as const),
        id: fc.nat(14),
        user: fc.constantFrom(undefined, 'a', 'b'),
      }),
      fc.record({ do: fc.constant('pass' as const), ms: fc.nat(2000) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.infiniteStream(fc.nat(3)), async (steps, answers) => {
        const onRetry = async () => {
          const answer = answers.next().value as number;
          if (answer === 0) throw new Error('no');
          return answer === 1;
        };
        const { tracker, pass } = setUp({ onRetry, timeoutMs: 4000, limits: { pending: 20, pendingPerUser: 8 } });
        const ended = new Map<string, string>();
        for (const one of steps) {
          if (one.do === 'pass') await pass(one.ms);
          else if (one.do === 'track') {
            const { user, priority } = one;
            tracker.track({ id: `e${one.id}-${user}-${ended.size}`, type: 't', priority, ...(user && { user }) });
          } else {
            const known = tracker.pending().find((event) => event.id.startsWith(`e${one.id}-`))?.id ?? `e${one.id}`;
            const from = { user: one.user };
            if (one.do === 'confirm') tracker.confirm(known, from);
            else if (one.do === 'sent') tracker.markSent(known, from);
            else tracker.fail(known, 'x', { ...from, rejected: one.do === 'reject' });
          }
          check(tracker.metrics(), tracker.pending().length);
        }
        await pass(4100);
        expect(tracker.metrics().pending).toBe(0);
        await tracker.stop();
      }),
      propertyOptions(150),
    );
  });
});

function check(figures: ReturnType<ReturnType<typeof setUp>['tracker']['metrics']>, pending: number): void {
  for (const row of [figures, ...Object.values(figures.byPriority)]) {
    expect(row.tracked).toBe(row.pending + row.confirmed + row.failed + row.timeout + row.unverifiable);
    expect(row.retriesFailed).toBeLessThanOrEqual(row.retries);
  }
  expect(figures.pending).toBe(pending);
  const text = JSON.stringify(figures, (_, value) => {
    if (typeof value === 'number') expect(Number.isFinite(value)).toBe(true);
    return value;
  });
  expect(JSON.parse(text)).toEqual(figures);
}

describe('starting and stopping', () => {
  test('[D10] stop ends what is in flight as failed: shutdown, and the tracker can be started again', async () => {
    const { tracker, pass } = setUp();
    const id = tracker.track({ type: 't' });
    await tracker.stop();
    expect(tracker.status(id)).toMatchObject({ status: 'failed', errorType: 'shutdown' });
    tracker.start();
    const next = tracker.track({ type: 't', timeoutMs: 1000 });
    await pass(1100);
    expect(tracker.status(next)?.status).toBe('timeout');
  });

  test('[D10] stop waits for confirmations that are under way', async () => {
    const { tracker } = setUp();
    const id = tracker.track({ type: 't' });
    const stopped = tracker.stop({ graceMs: 60_000 });
    expect(tracker.status(id)?.status).toBe('pending');
    tracker.confirm(id);
    await stopped;
    expect(tracker.metrics()).toMatchObject({ confirmed: 1, failed: 0 });
  });

  test('as shipped: a started tracker does not keep the process alive', () => {
    const script = `
      const { createTracker } = await import('ackspan');
      const tracker = createTracker();
      tracker.start();
      tracker.track({ type: 't' });
      console.log(JSON.stringify(tracker.metrics().pending));
    `;
    const cwd = new URL('../..', import.meta.url);
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd,
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect([run.status, run.stdout.trim(), run.stderr]).toEqual([0, '1', '']);
  });
});
