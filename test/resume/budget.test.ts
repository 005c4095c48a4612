// How often messages may be sent again.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Budget } from '../../src/resume/budget.ts';
import { propertyOptions } from '../support/seed.ts';

it('gives its burst at once, then as many as time brings', () => {
  const budget = new Budget(3, 2);
  const take = (now: number) => budget.take(now);
  expect([1000, 1000, 1000, 1000].map(take)).toEqual([true, true, true, false]);
  expect(take(1499)).toBe(false);
  expect(take(1500)).toBe(true);
  expect(take(1999)).toBe(false);
  // Idle time is not saved up beyond the burst.
  expect([60_000, 60_000, 60_000, 60_000].map(take)).toEqual([true, true, true, false]);
});

it('never gives more than burst + rate × time in any stretch', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(300), { maxLength: 200 }), fc.integer({ min: 1, max: 9 }), (gaps, burst) => {
      const budget = new Budget(burst, 5);
      const taken: number[] = [];
      let now = 1e12;
      for (const gap of gaps) {
        now += gap;
        if (budget.take(now)) taken.push(now);
      }
      taken.forEach((from, i) => {
        taken.slice(i).forEach((to, k) => {
          expect(k + 1).toBeLessThanOrEqual(burst + ((to - from) / 1000) * 5 + 1e-6);
        });
      });
    }),
    propertyOptions(100),
  );
});
