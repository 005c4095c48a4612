// Test support: the timers and beats of the process, moved by the test alone.
import { vi } from 'vitest';

/**
 * Takes over the timers and the clock that the beat reads. A beat that went by another clock than
 * the timers would see a standstill where the machine is busy or the test moves the time, and waits
 * would last longer by it (SPEC D14). Immediates stay: waits end behind the reads.
 */
export function fakeTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
}
