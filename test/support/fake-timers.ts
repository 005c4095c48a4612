// Test support: the timers of the process, moved by the test alone, on a machine that never stands still.
import { onTestFinished, vi } from 'vitest';

/**
 * Takes over timers until the end of the test. The monotonic clock stops for as long. A beat, be it
 * of this test or of a wait that an earlier one left behind, would take a busy machine for a
 * standstill, and waits would last longer by it (SPEC D14). Immediates stay: waits end behind the
 * reads.
 */
export function fakeTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
  onTestFinished(() => {
    clock.mockRestore();
    vi.useRealTimers();
  });
}
