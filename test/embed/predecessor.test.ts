// The fifteen behaviours that the tracker's predecessor had, each by its name, without the faults it had.
import { once } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createTracker } from '../../src/index.ts';
import { setUp } from './harness.ts';
import { Backend, confirms, type Message, nestedId } from './tool-dispatcher.ts';

/** Waits for a condition on a machine that may be busy. */
const soon = (condition: () => void) => vi.waitFor(condition, { timeout: 60_000 });
const backends: Backend[] = [];

afterEach(async () => {
  for (const backend of backends.splice(0)) await backend.close();
});

function withBackend() {
  const harness = setUp();
  const backend = new Backend(harness.tracker);
  backends.push(backend);
  backend.register('double', async ({ value }) => ({ value: Number(value) * 2 }));
  return { ...harness, backend };
}

describe('events', () => {
  test('track: an event has an id of its own and is pending', () => {
    const { tracker } = setUp();
    const id = tracker.track({ type: 'agent_started', user: 'u1' });
    const other = tracker.track({ type: 'agent_started', user: 'u1' });
    expect(id).not.toBe(other);
    expect(tracker.status(id)).toMatchObject({ id, type: 'agent_started', user: 'u1', status: 'pending', sent: false });
    expect(tracker.metrics()).toMatchObject({ tracked: 2, pending: 2, confirmed: 0, confirmationRate: null });
  });

  test('confirm: the event is confirmed, and how long it took is known', async () => {
    const { tracker, pass } = setUp();
    const id = tracker.track({ type: 'agent_started', user: 'u1' });
    tracker.markSent(id);
    expect(tracker.status(id)).toMatchObject({ status: 'pending', sent: true });
    await pass(250);
    expect(tracker.confirm(id, { user: 'u1' })).toBe('confirmed');
    expect(tracker.status(id)?.status).toBe('confirmed');
    expect(tracker.metrics()).toMatchObject({
      confirmed: 1,
      confirmationRate: 1,
      averageMs: 250,
      minMs: 250,
      maxMs: 250,
    });
  });

  test('fail: without a retry left the event is failed, with its reason', () => {
    const { tracker } = setUp();
    const id = tracker.track({ type: 'agent_started', user: 'u1' });
    expect(tracker.fail(id, 'socket closed')).toBe('failed');
    expect(tracker.status(id)).toMatchObject({ status: 'failed', errorType: 'disconnected', error: 'socket closed' });
    expect(tracker.metrics()).toMatchObject({ failed: 1, pending: 0, confirmationRate: 0 });
  });

  test('per-user filtering: each user has only their own events', () => {
    const { tracker } = setUp();
    const a = tracker.track({ type: 'agent_started', user: 'a' });
    const b = tracker.track({ type: 'agent_started', user: 'b' });
    tracker.track({ type: 'agent_started' });
    expect(tracker.pending('a').map((event) => event.id)).toEqual([a]);
    expect(tracker.pending()).toHaveLength(3);
    expect(tracker.status(b, { user: 'a' })).toBeUndefined();
    expect(tracker.confirm(b, { user: 'a' })).toBe('foreign');
    expect(tracker.fail(b, 'no', { user: 'a' })).toBe('foreign');
    expect(tracker.markSent(b, { user: 'a' })).toBe(false);
    expect(tracker.status(b)).toMatchObject({ status: 'pending', sent: false });
    expect(tracker.metrics().unmatched.foreign).toBe(2);
  });
});

describe('retries', () => {
  test('retry on failure: a failed send is retried after 1 s', async () => {
    const onRetry = vi.fn(async () => true);
    const { tracker, pass } = setUp({ onRetry });
    const id = tracker.track({ type: 'tool_executing', user: 'u1' });
    expect(tracker.fail(id, 'socket closed')).toBe('retrying');
    expect(tracker.status(id)).toMatchObject({ status: 'retrying', error: 'socket closed', retriesLeft: 3 });
    await pass(975);
    expect(onRetry).not.toHaveBeenCalled();
    await pass(50);
    expect(onRetry).toHaveBeenCalledTimes(1);
    expect(tracker.confirm(id)).toBe('confirmed');
    await pass(30_000);
    expect(onRetry).toHaveBeenCalledTimes(1);
  });

  test('no callback, no retry', async () => {
    const { tracker, pass } = setUp();
    const failed = tracker.track({ type: 'tool_executing' });
    const silent = tracker.track({ type: 'tool_executing' });
    expect(tracker.fail(failed, 'socket closed')).toBe('failed');
    await pass(29_000);
    expect(tracker.status(silent)).toMatchObject({ status: 'pending', retries: [], retriesLeft: 0 });
    expect(tracker.metrics().retries).toBe(0);
  });

  test('retry callback: it is given id, type and data, and its success makes the event sent', async () => {
    const onRetry = vi.fn(async () => true);
    const { tracker, pass } = setUp({ onRetry });
    const data = { tool: 'search' };
    const id = tracker.track({ type: 'tool_executing', data });
    await pass(1025);
    expect(onRetry.mock.calls).toEqual([[id, 'tool_executing', data]]);
    expect(tracker.status(id)).toMatchObject({
      status: 'retrying',
      sent: true,
      error: '',
      retries: [{ number: 2, result: 'sent', error: '' }],
      retriesLeft: 2,
    });
  });

  test('callback returning false: rescheduled until exhausted, then the deadline ends it', async () => {
    const times: number[] = [];
    const harness = setUp();
    const { tracker, pass, now } = harness;
    const start = now();
    tracker.onRetry(async () => {
      times.push(now() - start);
      return false;
    });
    const id = tracker.track({ type: 'tool_executing' });
    await pass(29_950);
    expect(times.map((ms) => Math.round(ms / 1000))).toEqual([1, 3, 7]);
    expect(tracker.status(id)).toMatchObject({ status: 'retrying', sent: false, retriesLeft: 0 });
    expect(tracker.status(id)?.retries.map((retry) => retry.result)).toEqual(['failed', 'failed', 'failed']);
    await pass(100);
    expect(tracker.status(id)).toMatchObject({ status: 'timeout', errorType: 'timeout' });
    expect(tracker.metrics()).toMatchObject({ timeout: 1, failed: 0, retries: 3, retriesFailed: 3 });
  });

  test('callback throwing: recorded, reported and rescheduled', async () => {
    const onRetry = vi
      .fn<() => Promise<boolean>>()
      .mockRejectedValueOnce(new Error('no route'))
      .mockImplementationOnce(() => {
        throw new Error('thrown at once');
      })
      .mockResolvedValue(true);
    const { tracker, pass, reports } = setUp({ onRetry });
    const id = tracker.track({ type: 'tool_executing' });
    await pass(1025);
    expect(tracker.status(id)).toMatchObject({ status: 'retrying', error: 'no route' });
    await pass(7000);
    expect(tracker.status(id)?.retries.map(({ result, error }) => [result, error])).toEqual([
      ['failed', 'no route'],
      ['failed', 'thrown at once'],
      ['sent', ''],
    ]);
    expect(reports.map(({ stage, error }) => [stage, (error as Error).message])).toEqual([
      ['retry', 'no route'],
      ['retry', 'thrown at once'],
    ]);
  });

  test('time-out: an event that nobody confirms times out at its deadline', async () => {
    const { tracker, pass } = setUp();
    const id = tracker.track({ type: 'agent_thinking', timeoutMs: 5000 });
    tracker.markSent(id);
    await pass(4975);
    expect(tracker.expired()).toEqual([]);
    await pass(100);
    expect(tracker.expired()).toMatchObject([{ id, status: 'timeout', errorType: 'timeout', sent: true }]);
    expect(tracker.metrics()).toMatchObject({ timeout: 1, pending: 0, confirmationRate: 0 });
  });
});

describe('a tool dispatcher with sockets', () => {
  test('tool events are tracked for the right user', async () => {
    const { tracker, backend } = withBackend();
    await backend.connect('u1', () => {});
    await backend.connect('u2', () => {});
    await Promise.all([backend.run('u1', 'double', { value: 1 }), backend.run('u2', 'double', { value: 2 })]);
    for (const user of ['u1', 'u2']) {
      expect(tracker.pending(user).map((event) => [event.type, event.user, event.priority])).toEqual([
        ['tool_completed', user, 'critical'],
        ['tool_executing', user, 'critical'],
      ]);
    }
  });

  test('tool events are confirmed through the socket', async () => {
    const { tracker, backend } = withBackend();
    await backend.connect('u1', confirms);
    expect(await backend.run('u1', 'double', { value: 21 })).toEqual({ value: 42 });
    await soon(() => expect(tracker.metrics().confirmed).toBe(2));
    expect(tracker.pending('u1')).toEqual([]);
    expect(backend.other).toEqual([]);
  });

  test('tool events fail when the socket fails, while the tool still succeeds', async () => {
    const { tracker, backend } = withBackend();
    const client = await backend.connect('u1', () => {});
    const gone = once(backend.sockets.get('u1')!, 'close');
    client.terminate();
    await gone;
    expect(await backend.run('u1', 'double', { value: 21 })).toEqual({ value: 42 });
    await soon(() => expect(tracker.metrics().failed).toBe(2));
    expect(tracker.status('tool_completed_u1_1')).toMatchObject({
      status: 'failed',
      errorType: 'disconnected',
      error: 'the socket is closed',
    });
  });

  test('an id inside parameters or result is the id that is confirmed', async () => {
    const { tracker, backend } = withBackend();
    const seen: string[] = [];
    await backend.connect('u1', (event, socket) => {
      seen.push(nestedId(event));
      confirms(event, socket);
    });
    await backend.run('u1', 'double', { value: 1 });
    await soon(() => expect(tracker.metrics().confirmed).toBe(2));
    expect(seen).toEqual(['tool_executing_u1_1', 'tool_completed_u1_1']);
    for (const id of seen) expect(tracker.status(id)?.status).toBe('confirmed');
    const inner = tracker.track({ type: 'tool_completed', data: { tool_name: 'x', result: { event_id: 'inner' } } });
    expect(inner).toBe('inner');
  });

  test('the end-to-end flow: a lost event is retried over the new socket and confirmed, on the real clock', async () => {
    const tracker = createTracker({ firstRetryMs: 50 });
    const backend = new Backend(tracker);
    backends.push(backend);
    tracker.onRetry((id, _type, data) => backend.send('u1', id, data));
    tracker.start();
    backend.register('double', async ({ value }) => ({ value: Number(value) * 2 }));

    expect(await backend.run('u1', 'double', { value: 21 })).toEqual({ value: 42 });
    await soon(() => expect(tracker.pending('u1').map((event) => event.status)).toEqual(['retrying', 'retrying']));
    const got: Message[] = [];
    await backend.connect('u1', (event, socket) => {
      got.push(event);
      confirms(event, socket);
    });
    await soon(() => expect(tracker.metrics().confirmed).toBe(2));

    expect(new Set(got.map(nestedId))).toEqual(new Set(['tool_executing_u1_1', 'tool_completed_u1_1']));
    expect(tracker.metrics()).toMatchObject({ tracked: 2, pending: 0, confirmationRate: 1, failed: 0, timeout: 0 });
    expect(tracker.metrics().byPriority.critical.confirmed).toBe(2);
    await tracker.stop();
  });
});
