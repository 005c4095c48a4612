// Parting from a client: its socket stays open while evidence is on its way, and no longer than the patience (SPEC D15).
import { expect, it, vi } from 'vitest';
import type { TapGuard } from '../../src/relay/guard.ts';
import { answersClose, complains, Parting } from '../../src/relay/parting.ts';
import type { RelayContext } from '../../src/relay/tap.ts';
import { fakeTimers } from '../support/fake-timers.ts';
import { settle } from '../support/socket-pair.ts';

function parting(awaits: boolean) {
  const it = { awaits, ended: 0 };
  const tap = { awaits: () => it.awaits } as unknown as TapGuard;
  const context = { now: () => 0, limits: { patienceMs: 2000 } } as unknown as RelayContext;
  return Object.assign(it, { parting: new Parting(tap, context, () => it.ended++) });
}

it('[D15] FIN goes at once where nothing is awaited, and else behind the last evidence, not behind the first', () => {
  const none = parting(false);
  none.parting.begin();
  expect(none.ended).toBe(1);
  const one = parting(true);
  one.parting.begin();
  one.parting.heard(0);
  expect(one.ended).toBe(0);
  one.awaits = false;
  one.parting.heard(0);
  expect(one.ended).toBe(1);
  one.parting.heard(0);
  one.parting.over();
  expect(one.ended).toBe(1);
});

it('[D15] FIN goes when no more evidence can come, or after the patience, once', async () => {
  fakeTimers();
  const [over, silent, unbegun] = [parting(true), parting(true), parting(true)];
  for (const each of [over, silent, silent]) each.parting.begin();
  over.parting.over();
  unbegun.parting.over();
  expect([over.ended, silent.ended, unbegun.ended]).toEqual([1, 0, 0]);
  await vi.advanceTimersByTimeAsync(1900);
  await settle();
  expect(silent.ended).toBe(0);
  await vi.advanceTimersByTimeAsync(200);
  await settle();
  expect([over.ended, silent.ended, unbegun.ended]).toEqual([1, 1, 0]);
});

it('[D15] an answer repeats a code with which only servers close, and gives no other reason; a complaint is no answer', () => {
  const codes = [1000, 1001, 1002, 1003, 1005, 1007, 1009, 1010, 1011, 1012, 1013, 1014, 4000];
  const words = (closeCode: number, closeReason = '') => ({ closeCode, closeReason, owesPong: false });
  expect(codes.filter((code) => answersClose(words(code), words(code)))).toEqual([1012, 1013, 1014]);
  expect(answersClose(words(1012), words(1013))).toBe(false);
  expect(answersClose(words(1000), words(1012))).toBe(false);
  const reasons = ['service restart', '', 'maintenance'];
  const ours = words(1012, 'service restart');
  expect(reasons.map((reason) => answersClose(words(1012, reason), ours))).toEqual([true, true, false]);
  expect(reasons.map((reason) => answersClose(words(1012, reason), words(1012)))).toEqual([false, true, false]);
  // One that answers barriers has read the one before our Close frame before it answers that.
  const owing = (reason: string) => answersClose({ ...words(1012, reason), owesPong: true }, ours);
  expect(reasons.map(owing)).toEqual([true, false, false]);
  expect(codes.filter((code) => complains(code, 1006))).toEqual([1002, 1003, 1007, 1009, 1010]);
  expect(complains(1009, 1009)).toBe(false);
});
