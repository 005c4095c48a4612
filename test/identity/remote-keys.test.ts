// identity: how long the key server may take, with timers and clock under the test's control.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createRemoteKeys } from '../../src/identity/remote-keys.ts';

beforeEach(() => {
  vi.useFakeTimers({
    toFake: [
      ...(['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] as const),
      ...(['setImmediate', 'clearImmediate', 'performance'] as const),
    ],
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Asks for a key, and waits until the server has been asked. */
async function ask() {
  let asked: (signal: AbortSignal) => void = () => {};
  const signal = new Promise<AbortSignal>((resolve) => {
    asked = resolve;
  });
  vi.spyOn(globalThis, 'fetch').mockImplementation((_, init) => {
    asked(init!.signal!);
    return new Promise((_, reject) => init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason)));
  });
  const keys = createRemoteKeys('http://127.0.0.1:1/jwks', { now: () => performance.now(), report: () => {} });
  const key = Promise.resolve(keys({ alg: 'ES256' }, { payload: '', signature: '' })).catch(String);
  return { signal: await signal, key };
}

it('[D14] a key server that answers while the process stands still has answered in time', async () => {
  const { signal, key } = await ask();
  vi.advanceTimersByTime(1000);
  const read = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => read() + 60_000);
  vi.advanceTimersByTime(4500);
  expect(signal.aborted).toBe(false);
  vi.advanceTimersByTime(61_000);
  expect(signal.aborted).toBe(true);
  expect(await key).toMatch('the key server failed');
});
