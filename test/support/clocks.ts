// Test support: the two clocks of the process, monotonic and wall, moved by the test alone.
import { onTestFinished, vi } from 'vitest';

export const HOUR = 3_600_000;

/**
 * What may happen to a wall clock while a process runs, ms: set right by NTP, forward or back, or
 * left behind by a machine that slept.
 */
export const STEPS: readonly (readonly [string, number])[] = [
  ['10 h forward', 10 * HOUR],
  ['10 h back', -10 * HOUR],
  ['20 s forward', 20_000],
  ['20 s back', -20_000],
  ['from 1970 to today, after a boot without a battery', 56 * 365 * 24 * HOUR],
];

export interface Clocks {
  /** Both clocks run for `ms`. */
  pass(ms: number): void;
  /** Sets the wall clock `ms` forward, or back. */
  step(ms: number): void;
  /** The value of `Date.now()`, with the fraction that it leaves out. */
  readonly wall: number;
}

/** Takes both clocks over until the end of the test. */
export function fakeClocks(): Clocks {
  let monotonic = performance.now();
  let wall = performance.timeOrigin + monotonic;
  const spies = [
    vi.spyOn(performance, 'now').mockImplementation(() => monotonic),
    vi.spyOn(Date, 'now').mockImplementation(() => Math.floor(wall)),
  ];
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore();
  });
  return {
    pass(ms) {
      monotonic += ms;
      wall += ms;
    },
    step(ms) {
      wall += ms;
    },
    get wall() {
      return wall;
    },
  };
}
