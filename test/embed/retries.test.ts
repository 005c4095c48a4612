// Retry callbacks as backends write them: they hang, throw, answer late, or speak to the tracker while they are called.
import { describe, expect, test, vi } from 'vitest';
import { settled, setUp } from './harness.ts';

type Answer = (sent: boolean) => void;

/** A callback that answers when the test says so. */
function waiting() {
  const calls: { answer: Answer; fail: (error: unknown) => void }[] = [];
  const onRetry = vi.fn(() => new Promise<boolean>((answer, fail) => calls.push({ answer, fail })));
  return { calls, onRetry };
}

const results = (tracker: ReturnType<typeof setUp>['tracker'], id: string) =>
  tracker.status(id)?.retries.map(({ result }) => result);

describe('[D5] retries that do not fit before the deadline', () => {
  test('are left out, reported once, and a failed send ends the event when none is left', async () => {
    const onRetry = vi.fn(() => false);
    const { tracker, reports, pass } = setUp({ onRetry });
    const ids = [1, 2].map(() => tracker.track({ type: 't', timeoutMs: 5000 }));
    expect(tracker.status(ids[0]!)?.retriesLeft).toBe(2);
    expect(reports.map(({ error }) => String(error))).toEqual([
      'Error: only 2 of 3 retries fit into a timeoutMs of 5000: the first comes after 1000 ms, and each further gap is twice as long',
    ]);
    await pass(3100);
    expect(onRetry).toHaveBeenCalledTimes(4);
    expect(tracker.fail(ids[0]!, 'no route')).toBe('failed');
    await pass(2000);
    expect([ids.map((id) => tracker.status(id)?.status), onRetry.mock.calls.length]).toEqual([
      ['failed', 'timeout'],
      4,
    ]);
    tracker.track({ type: 't', timeoutMs: 900 });
    expect(reports.map(({ error }) => String(error)).filter((text) => text.includes('only 0 of 3'))).toHaveLength(1);
  });
});

describe('[D5] a callback that hangs', () => {
  test('counts as failed when the next retry is due, and that one is made', async () => {
    const { onRetry } = waiting();
    const { tracker, pass } = setUp({ onRetry });
    const id = tracker.track({ type: 't' });
    await pass(3100);
    expect(onRetry).toHaveBeenCalledTimes(2);
    expect(results(tracker, id)).toEqual(['failed', 'running']);
    expect(tracker.status(id)).toMatchObject({
      status: 'retrying',
      error: 'the retry callback did not answer before the next retry',
    });
    await pass(4000);
    expect(onRetry).toHaveBeenCalledTimes(3);
    expect(tracker.metrics()).toMatchObject({ retries: 3, retriesFailed: 2 });
  });

  test('does not keep the deadline from coming, and the last call is counted as failed with it', async () => {
    const { onRetry } = waiting();
    const { tracker, pass } = setUp({ onRetry });
    const id = tracker.track({ type: 't' });
    await pass(30_100);
    expect(tracker.status(id)).toMatchObject({
      status: 'timeout',
      error: 'the retry callback did not answer before the outcome',
    });
    expect(results(tracker, id)).toEqual(['failed', 'failed', 'failed']);
    expect(tracker.metrics()).toMatchObject({ timeout: 1, pending: 0, retries: 3, retriesFailed: 3 });
  });

  test('is called at most three times at once for one event; the retries between are blocked, the later ones made', async () => {
    const { calls, onRetry } = waiting();
    const { tracker, pass } = setUp({ onRetry, firstRetryMs: 100, retries: 5 });
    const id = tracker.track({ type: 't' });
    // 100, 300, 700, 1,500 and 3,100 ms.
    await pass(1600);
    expect(onRetry).toHaveBeenCalledTimes(3);
    expect(results(tracker, id)).toEqual(['failed', 'failed', 'failed', 'blocked']);
    calls[0]!.answer(false);
    await settled();
    await pass(1600);
    expect(onRetry).toHaveBeenCalledTimes(4);
    expect(results(tracker, id)).toEqual(['failed', 'failed', 'failed', 'blocked', 'running']);
    expect(tracker.metrics()).toMatchObject({ retries: 4, retriesFailed: 3 });
  });

  test('for one event does not hold up another', async () => {
    const onRetry = vi.fn((id: string) => (id === 'hangs' ? new Promise<boolean>(() => {}) : true));
    const { tracker, pass } = setUp({ onRetry });
    for (const id of ['hangs', 'goes']) tracker.track({ id, type: 't' });
    await pass(7100);
    expect(results(tracker, 'goes')).toEqual(['sent', 'sent', 'sent']);
  });

  test('[D11] lets go of the data with the last call', async () => {
    const seen: unknown[] = [];
    const { tracker, pass } = setUp({
      onRetry: (_id, _type, data) => {
        seen.push(data);
        return new Promise<boolean>(() => {});
      },
    });
    tracker.track({ type: 't', data: { n: 1 } });
    await pass(29_000);
    expect(seen).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }]);
  });
});

describe('an answer that comes late', () => {
  test('true: the event is sent, and the retry stays counted as failed, once', async () => {
    const { calls, onRetry } = waiting();
    const { tracker, pass } = setUp({ onRetry });
    const id = tracker.track({ type: 't' });
    await pass(3100);
    calls[0]!.answer(true);
    await settled();
    expect(results(tracker, id)).toEqual(['failed', 'running']);
    expect(tracker.status(id)).toMatchObject({ sent: true });
    calls[1]!.answer(true);
    await settled();
    expect(results(tracker, id)).toEqual(['failed', 'sent']);
    expect(tracker.metrics()).toMatchObject({ retries: 2, retriesFailed: 1 });
  });

  test.each<[string, (call: { answer: Answer; fail: (error: unknown) => void }) => void, number]>([
    ['true', (call) => call.answer(true), 0],
    ['false', (call) => call.answer(false), 0],
    ['an error', (call) => call.fail(new Error('late')), 1],
  ])('%s after a confirmation changes nothing: the client had the event', async (_name, answer, reported) => {
    const { calls, onRetry } = waiting();
    const { tracker, pass, reports } = setUp({ onRetry });
    const id = tracker.track({ type: 't' });
    await pass(1100);
    tracker.confirm(id);
    const before = [tracker.status(id), tracker.metrics()];
    answer(calls[0]!);
    await settled();
    expect([tracker.status(id), tracker.metrics()]).toEqual(before);
    expect(results(tracker, id)).toEqual(['sent']);
    expect(tracker.metrics()).toMatchObject({ retries: 1, retriesFailed: 0 });
    expect(reports).toHaveLength(reported);
  });

  test.each<[string, (call: { answer: Answer; fail: (error: unknown) => void }) => void]>([
    ['true', (call) => call.answer(true)],
    ['an error', (call) => call.fail(new Error('late'))],
  ])('%s after the deadline changes nothing: the retry was counted as failed, once', async (_name, answer) => {
    const { calls, onRetry } = waiting();
    const { tracker, pass } = setUp({ onRetry, retries: 1, timeoutMs: 2000 });
    const id = tracker.track({ type: 't' });
    await pass(2100);
    answer(calls[0]!);
    await settled();
    expect(tracker.status(id)).toMatchObject({ status: 'timeout', sent: false, retries: [{ result: 'failed' }] });
    expect(tracker.metrics()).toMatchObject({ retries: 1, retriesFailed: 1, timeout: 1, failed: 0 });
  });
});

describe('what a callback throws', () => {
  const odd = Object.assign(new Error('x'), { message: Object.create(null) as string });
  test.each<[string, unknown, string]>([
    ['an error', new Error('no route'), 'no route'],
    ['an error without a text', new Error(''), 'the retry callback threw'],
    ['undefined', undefined, 'undefined'],
    ['an object that has no text', Object.create(null), 'an error without a text'],
    ['an error whose message is no text', odd, 'an error without a text'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
  ])('%s, at once or later, is one failed retry, and the schedule goes on', async (_name, thrown, text) => {
    for (const later of [false, true]) {
      const onRetry = vi.fn(() => {
        if (later) return Promise.reject(thrown);
        throw thrown;
      });
      const { tracker, pass, reports } = setUp({ onRetry });
      const id = tracker.track({ type: 't' });
      await pass(7100);
      expect(tracker.status(id)?.retries.map(({ result, error }) => [result, error])).toEqual([
        ['failed', text],
        ['failed', text],
        ['failed', text],
      ]);
      expect(tracker.metrics()).toMatchObject({ retries: 3, retriesFailed: 3 });
      expect(reports.map(({ error }) => error)).toEqual([thrown, thrown, thrown]);
    }
  });

  test('a report that throws itself costs nothing', async () => {
    const { tracker, pass } = setUp(
      {
        onRetry: () => {
          throw new Error('no route');
        },
      },
      undefined,
      () => {
        throw new Error('no log');
      },
    );
    const id = tracker.track({ type: 't' });
    await pass(7100);
    expect(results(tracker, id)).toEqual(['failed', 'failed', 'failed']);
  });
});

describe('a callback that speaks to the tracker while it is called', () => {
  test('[D1] confirms: the event has that one outcome, and no retry follows', async () => {
    const harness = setUp();
    const { tracker, pass } = harness;
    const onRetry = vi.fn((id: string) => {
      tracker.confirm(id);
      return true;
    });
    tracker.onRetry(onRetry);
    const id = tracker.track({ type: 't' });
    await pass(30_100);
    expect(tracker.status(id)).toMatchObject({ status: 'confirmed', retriesLeft: 0 });
    expect(onRetry).toHaveBeenCalledTimes(1);
    expect(tracker.metrics()).toMatchObject({ tracked: 1, confirmed: 1, pending: 0, timeout: 0 });
  });

  test('[D1] rejects: the same', async () => {
    const { tracker, pass } = setUp();
    tracker.onRetry((id) => {
      tracker.fail(id, 'no panel', { rejected: true });
      return false;
    });
    const id = tracker.track({ type: 't' });
    await pass(30_100);
    expect(tracker.status(id)).toMatchObject({ status: 'failed', errorType: 'rejected' });
    expect(tracker.metrics()).toMatchObject({ failed: 1, pending: 0, timeout: 0 });
  });

  test('fails: the schedule goes on, and the last time the event ends', async () => {
    const { tracker, pass } = setUp();
    const effects: string[] = [];
    tracker.onRetry((id) => {
      effects.push(tracker.fail(id, 'no socket'));
      return false;
    });
    const id = tracker.track({ type: 't' });
    await pass(7100);
    expect(effects).toEqual(['retrying', 'retrying', 'failed']);
    expect(tracker.status(id)).toMatchObject({ status: 'failed', errorType: 'disconnected', error: 'no socket' });
    expect(tracker.metrics()).toMatchObject({ failed: 1, pending: 0, retries: 3, retriesFailed: 3 });
  });

  test('tracks, asks and stops: nothing breaks', async () => {
    const { tracker, pass } = setUp();
    tracker.onRetry(async () => {
      tracker.track({ type: 'another', retries: 0 });
      tracker.expired();
      tracker.pending();
      await tracker.stop();
      return true;
    });
    tracker.track({ type: 't' });
    await pass(1100);
    expect(tracker.metrics()).toMatchObject({ tracked: 2, failed: 2, pending: 0 });
  });

  test('an event that is confirmed between the decision and the call is not sent again', () => {
    const onRetry = vi.fn(() => true);
    const { tracker, jump } = setUp({ onRetry });
    const id = tracker.track({ type: 't' });
    jump(1100);
    tracker.expired();
    tracker.confirm(id);
    return settled().then(() => {
      expect(onRetry).not.toHaveBeenCalled();
      expect(results(tracker, id)).toEqual(['blocked']);
      expect(tracker.metrics()).toMatchObject({ retries: 0, retriesFailed: 0, confirmed: 1 });
    });
  });
});
