// time: things that must move, with every timer under the test's control.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createStallWatch, type Moving, type StallWatch } from '../../src/time/stalls.ts';

beforeEach(() => {
  const toFake = [
    'setTimeout',
    'clearTimeout',
    'setInterval',
    'clearInterval',
    'setImmediate',
    'clearImmediate',
  ] as const;
  vi.useFakeTimers({ toFake: [...toFake, 'performance', 'Date'] });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** One that the test moves; `ended` is when it was given up, ms from the start. */
class Thing implements Moving {
  waiting = true;
  moved = 0;
  ended = -1;
  readonly #from = performance.now();
  stalled(): void {
    expect(this.ended).toBe(-1);
    this.ended = performance.now() - this.#from;
  }
}

function watched(watch: StallWatch): Thing {
  const thing = new Thing();
  watch.add(thing);
  return thing;
}

test('what does not move is given up once, after 1 to 1.25 times the limit', () => {
  const thing = watched(createStallWatch(1000));
  vi.advanceTimersByTime(999);
  expect(thing.ended).toBe(-1);
  vi.advanceTimersByTime(300);
  expect(thing.ended).toBeGreaterThanOrEqual(1000);
  vi.advanceTimersByTime(5000);
  expect(thing.ended).toBeLessThanOrEqual(1300);
});

test('what moves, if only a little, goes on', () => {
  const thing = watched(createStallWatch(1000));
  for (let i = 0; i < 20; i++) {
    thing.moved++;
    vi.advanceTimersByTime(700);
  }
  expect(thing.ended).toBe(-1);
  vi.advanceTimersByTime(1300);
  expect(thing.ended).not.toBe(-1);
});

test('time in which it waits for nobody is no stall', () => {
  const thing = watched(createStallWatch(1000));
  thing.waiting = false;
  vi.advanceTimersByTime(60_000);
  expect(thing.ended).toBe(-1);
  thing.waiting = true;
  vi.advanceTimersByTime(900);
  expect(thing.ended).toBe(-1);
  vi.advanceTimersByTime(500);
  expect(thing.ended).not.toBe(-1);
});

test('[D14] a standstill does not count', () => {
  const thing = watched(createStallWatch(1000));
  vi.advanceTimersByTime(500);
  const read = performance.now.bind(performance);
  vi.setSystemTime(Date.now() + 60_000);
  vi.spyOn(performance, 'now').mockImplementation(() => read() + 60_000);
  vi.advanceTimersByTime(300);
  expect(thing.ended).toBe(-1);
});

test('0 gives nothing up, and nothing watched costs no timer', () => {
  const never = watched(createStallWatch(0));
  const watch = createStallWatch(1000);
  const things = [watched(watch), watched(watch)];
  expect(watch.size).toBe(2);
  for (const thing of things) watch.remove(thing);
  vi.advanceTimersByTime(60_000);
  expect([never, ...things].map(({ ended }) => ended)).toEqual([-1, -1, -1]);
  expect(vi.getTimerCount()).toBe(0);
});
