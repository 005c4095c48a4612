// Times in which the process did not run: how much of a wait they were, however many there were (SPEC D14).
import { expect, test } from 'vitest';
import { Standstills } from '../../src/delivery/standstills.ts';

test('[D14] time since a moment in which the process stood still, also behind very many standstills', () => {
  const standstills = new Standstills();
  for (let i = 0; i < 1000; i++) standstills.note(i * 10, i * 10 + 4);
  expect(standstills.since(0)).toBe(4000);
  expect(standstills.since(-50)).toBe(4000);
  expect(standstills.since(9990)).toBe(4);
  expect(standstills.since(9992)).toBe(2);
  expect(standstills.since(9995)).toBe(0);
  // Those of long ago are known together: a wait from among them is put off rather too long.
  const among = standstills.since(5000);
  expect(among).toBeGreaterThanOrEqual(2000);
  expect(among).toBeLessThanOrEqual(4000);
});
