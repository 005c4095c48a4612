// time: the two clocks: what one says, what the other says, and the way from one to the other.
import { describe, expect, it, vi } from 'vitest';
import { now, wall, wallOf, wallOffset } from '../../src/time/clock.ts';
import { fakeClocks, HOUR, STEPS } from '../support/clocks.ts';

it.each(STEPS)('[D18] a wall clock set %s is followed at once, and the monotonic one does not notice', (_, step) => {
  const clocks = fakeClocks();
  const before = now();
  clocks.step(step);
  expect(now()).toBe(before);
  expect(Math.abs(wallOf(now()) - clocks.wall)).toBeLessThan(5);
  expect(wall()).toBe(Math.floor(clocks.wall));
  clocks.step(-step);
  expect(Math.abs(wallOf(now()) - clocks.wall)).toBeLessThan(5);
});

it('[D18] durations below a millisecond survive the translation, while Date.now() moves in whole ones', () => {
  const clocks = fakeClocks();
  clocks.step(7 * HOUR);
  wallOffset();
  for (let i = 0; i < 50; i++) {
    const [from, fromWall] = [now(), wallOf(now())];
    clocks.pass(0.137);
    // A double of this size has steps of 0.00024 ms.
    expect(wallOf(now()) - fromWall).toBeCloseTo(now() - from, 3);
  }
});

it('a wall clock that drifts by less than 5 ms moves nothing; more than that is made good', () => {
  const clocks = fakeClocks();
  const offset = wallOffset();
  clocks.step(3);
  expect(wallOffset()).toBe(offset);
  clocks.step(4);
  expect(wallOffset()).not.toBe(offset);
  expect(Math.abs(wallOf(now()) - clocks.wall)).toBeLessThan(1.5);
});

describe('a process that loses the CPU between the two readings', () => {
  it('does not take that for a clock that was set', () => {
    const clocks = fakeClocks();
    const offset = wallOffset();
    vi.spyOn(Date, 'now').mockImplementationOnce(() => {
      const seen = Math.floor(clocks.wall);
      clocks.pass(30);
      return seen;
    });
    expect(wallOffset()).toBe(offset);
  });

  it('and does not lose sight of one that was', () => {
    const clocks = fakeClocks();
    clocks.step(HOUR);
    let readings = 0;
    vi.spyOn(Date, 'now').mockImplementation(() => {
      const seen = Math.floor(clocks.wall);
      if (++readings % 2 === 0) clocks.pass(30);
      return seen;
    });
    const offset = wallOffset();
    expect(readings).toBeGreaterThan(1);
    expect(Math.abs(now() + offset - clocks.wall)).toBeLessThan(5);
  });
});
