// time: waits, beats and standstills, with every timer and clock under the test's control.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startBeat } from '../../src/time/beat.ts';
import { now } from '../../src/time/clock.ts';
import { patiently } from '../../src/time/patience.ts';
import { keepPulse, onBeat, onStandstill, stillSince } from '../../src/time/pulse.ts';

beforeEach(() => {
  vi.useFakeTimers({
    toFake: [
      'setTimeout',
      'clearTimeout',
      'setInterval',
      'clearInterval',
      'setImmediate',
      'clearImmediate',
      'performance',
      'Date',
    ],
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** The process does not run for `ms`: time passes, and no timer fires before it is over. */
function standStill(ms: number): void {
  const read = performance.now.bind(performance);
  const before = read();
  vi.setSystemTime(Date.now() + ms);
  vi.spyOn(performance, 'now').mockImplementation(() => read() + ms);
  expect(performance.now()).toBeGreaterThanOrEqual(before + ms);
}

test('[D14] a wait ends when its time has passed, in the phase behind the reads', () => {
  const seen: string[] = [];
  patiently(1000, () => seen.push('over'));
  vi.advanceTimersByTime(999);
  expect(seen).toEqual([]);
  // Each turn takes a millisecond of this clock.
  vi.advanceTimersByTime(4);
  expect(seen).toEqual(['over']);
});

test('a wait that was cancelled does not end, also when its time is up already', () => {
  const seen: string[] = [];
  const wait = patiently(100, () => seen.push('over'));
  vi.advanceTimersByTime(50);
  wait.cancel();
  wait.cancel();
  vi.advanceTimersByTime(500);
  expect(seen).toEqual([]);
});

test('[D14] time in which the process stood still does not count, and is told once', () => {
  const told: number[] = [];
  const stop = onStandstill((_, ms) => told.push(ms));
  const seen: string[] = [];
  const from = now();
  patiently(1000, () => seen.push('over'));
  vi.advanceTimersByTime(200);
  standStill(5000);
  vi.advanceTimersByTime(700);
  expect(told).toEqual([5000]);
  expect(stillSince(from)).toBe(5000);
  expect(seen).toEqual([]);
  vi.advanceTimersByTime(5200);
  expect(seen).toEqual(['over']);
  stop();
});

test('a beat that is a little late is no standstill', () => {
  const told: number[] = [];
  const stop = onStandstill((_, ms) => told.push(ms));
  vi.advanceTimersByTime(200);
  standStill(200);
  vi.advanceTimersByTime(500);
  expect(told).toEqual([]);
  stop();
});

test('[D14] a beat ticks in the phase behind the reads, only while something waits, and goes on after a throw', () => {
  const faults: unknown[] = [];
  let ticks = 0;
  const ticking = {
    waiting: 0,
    tick: () => {
      ticks++;
      if (ticks === 2) throw new Error('broken');
      return false;
    },
  };
  const stop = startBeat(ticking, ({ error }) => faults.push(error), 100);
  vi.advanceTimersByTime(510);
  expect(ticks).toBe(0);
  ticking.waiting = 1;
  vi.advanceTimersByTime(310);
  expect(ticks).toBe(3);
  expect(faults).toHaveLength(1);
  stop();
  vi.advanceTimersByTime(500);
  expect(ticks).toBe(3);
});

test('[D14] a standstill between a beat and its look makes nothing due that was not before the reads', () => {
  const before = now();
  const seen: number[] = [];
  let stopped = false;
  const stopFirst = onBeat(() => {
    if (!stopped) standStill(5000);
    stopped = true;
  });
  const tick = (at: number): boolean => {
    seen.push(at - before);
    return false;
  };
  const stop = startBeat({ waiting: 1, tick }, () => {});
  vi.advanceTimersByTime(51);
  expect(stopped).toBe(true);
  expect(seen).toEqual([50]);
  expect(now() - before).toBeGreaterThanOrEqual(5050);
  stop();
  stopFirst();
});

test('the beat stops when nobody keeps it', () => {
  const release = keepPulse();
  expect(vi.getTimerCount()).toBe(1);
  release();
  release();
  expect(vi.getTimerCount()).toBe(0);
});
