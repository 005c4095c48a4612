// [D7] A limit reached on the hot path is said, once a second at most.
import { afterEach, expect, test, vi } from 'vitest';
import { startLimitLog } from '../../src/sidecar/limit-log.ts';

afterEach(() => vi.useRealTimers());

test('[D7] says how often a limit was hit since it last looked, and nothing while it was not', () => {
  vi.useFakeTimers();
  let count = 3;
  const said: string[] = [];
  const stop = startLimitLog([{ text: 'limits.pending: events passed untracked', read: () => count }], ({ error }) =>
    said.push((error as Error).message),
  );
  vi.advanceTimersByTime(5000);
  expect(said).toEqual([]);
  count = 10;
  vi.advanceTimersByTime(1000);
  vi.advanceTimersByTime(3000);
  expect(said).toEqual(['limits.pending: events passed untracked: 7 in the last second']);
  stop();
  count = 20;
  vi.advanceTimersByTime(3000);
  expect(said).toHaveLength(1);
});
