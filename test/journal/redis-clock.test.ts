// The clock of Redis as an instance knows it: what questions of all lengths say of it.
import { describe, expect, it } from 'vitest';
import { RedisClock } from '../../src/journal/redis/clock.ts';

/** How far the clock of Redis is ahead of the monotonic one, ms. */
const AHEAD = 1_000_000;

/** A clock that was asked once at 1 s, within a ms. */
function asked(): RedisClock {
  const clock = new RedisClock(() => 0);
  clock.sample(1000, 1001, AHEAD + 1000.5);
  expect(clock.offset()).toBe(AHEAD);
  return clock;
}

describe('[P9] the clock of Redis', () => {
  it('is not misjudged by a question that a Redis that stood still answered at its end', () => {
    const clock = asked();
    clock.sample(40_000, 80_000, AHEAD + 80_000);
    expect(clock.offset()).toBe(AHEAD);
    expect(clock.error).toBeLessThan(1);
    expect(clock.wasSet()).toBe(false);
  });

  it('nor by an answer that an instance that stood still read late', () => {
    const clock = asked();
    clock.sample(40_000, 80_000, AHEAD + 40_000);
    expect(clock.offset()).toBe(AHEAD);
    expect(clock.wasSet()).toBe(false);
  });

  it('is followed where it drifts, as far as a slow answer shows that', () => {
    const clock = asked();
    clock.sample(40_000, 43_000, AHEAD + 43_020);
    expect(clock.offset()).toBe(AHEAD + 20);
    clock.sample(50_000, 50_010, AHEAD + 50_030);
    expect(clock.offset()).toBe(AHEAD + 25);
    expect(clock.wasSet()).toBe(false);
  });

  it('was set, which a slow answer shows too, at once', () => {
    const clock = asked();
    clock.sample(2000, 4000, AHEAD + 3_603_000);
    expect(Math.abs(clock.offset() - (AHEAD + 3_600_000))).toBeLessThanOrEqual(clock.error);
    expect(clock.wasSet()).toBe(true);
    expect(clock.wasSet()).toBe(false);
  });
});
