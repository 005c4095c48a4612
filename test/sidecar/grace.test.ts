// How a stop divides its grace: clients have their time, however short it is, and whoever else wants some of it.
import { expect, it } from 'vitest';
import { type Grace, lastOutcome, timeOfNotices } from '../../src/sidecar/grace.ts';

/** The time of the clients, ms: from the end of the delay to the last outcome. */
function ofClients(grace: Partial<Grace>): number {
  const whole = { from: 1000, graceMs: 8000, delayMs: 0, notices: false, scrapeAt: undefined, ...grace };
  return lastOutcome(whole) - (whole.from + Math.min(whole.delayMs, whole.graceMs / 2));
}

it('[D10] notices and telemetry have their time where the grace is long enough', () => {
  expect(ofClients({})).toBe(6500);
  expect(ofClients({ notices: true })).toBe(5500);
  expect(ofClients({ delayMs: 3000 })).toBe(3500);
});

it.each([
  { graceMs: 1000 },
  { graceMs: 1500 },
  { graceMs: 2500, notices: true },
  { graceMs: 3000, delayMs: 3000 },
  { graceMs: 5000, delayMs: 2500, notices: true },
])('[D10] clients have half of what follows the delay, also of a short grace: %j', (grace) => {
  const { graceMs, delayMs = 0 } = grace;
  expect(ofClients(grace)).toBeGreaterThanOrEqual((graceMs - Math.min(delayMs, graceMs / 2)) / 2);
});

it('[D10] the turn of a scraper ends the time of the clients, unless it comes too early', () => {
  expect(ofClients({ scrapeAt: 1000 + 4300 })).toBe(4000);
  expect(ofClients({ scrapeAt: 1000 + 2000 })).toBe(6500);
});

it('[D10] what is too early counts from the end of the delay', () => {
  expect(ofClients({ delayMs: 3000, scrapeAt: 1000 + 2900 })).toBe(3500);
  expect(ofClients({ delayMs: 3000, scrapeAt: 1000 + 4000 })).toBe(3500);
  expect(ofClients({ delayMs: 3000, scrapeAt: 1000 + 5300 })).toBe(2000);
});

it.each([
  [4000, 2500],
  [1500, 750],
  [600, 300],
  [-20, 0],
])('[D10] of %i ms that are left, the last notices have %i', (left, notices) =>
  expect(timeOfNotices(left)).toBe(notices),
);

it('[D10] a grace of 0 is none', () => expect(ofClients({ graceMs: 0, delayMs: 5000 })).toBe(0));
