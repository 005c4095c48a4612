// Close codes after which no client comes back: those of a normal end, of faults that would come again, and of applications.
import { expect, it } from 'vitest';
import { isFinal } from '../../src/resume/final.ts';

it.each([
  [1000, true],
  [1001, false],
  [1002, true],
  [1003, true],
  [1005, false],
  [1006, false],
  [1007, true],
  [1008, true],
  [1009, true],
  [1010, true],
  [1011, false],
  [1012, false],
  [1013, false],
  [1014, false],
  [2999, false],
  [3000, true],
  [4999, true],
  [5000, false],
])('[R7] %i ends the session: %s', (code, ends) => {
  expect(isFinal(code)).toBe(ends);
});
