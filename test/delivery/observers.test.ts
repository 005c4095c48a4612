// One observer that tells several: every step reaches every member.
import { expect, test } from 'vitest';
import { ObserverList } from '../../src/delivery/observers.ts';
import type { Observer } from '../../src/delivery/ports.ts';
import { silentObserver } from '../support/silent-observer.ts';

test('every step that an observer can be told of reaches each member that wants it', () => {
  const told: string[] = [];
  const steps = Object.keys({ ...silentObserver, changed: 0, rejectedLater: 0 }) as (keyof Observer)[];
  const member = Object.fromEntries(steps.map((step) => [step, () => told.push(step)])) as unknown as Observer;
  const list = new ObserverList([member, silentObserver, member]);
  for (const step of steps) (list[step] as (...of: unknown[]) => void).call(list, undefined, undefined, undefined);
  expect(told).toEqual(steps.flatMap((step) => [step, step]));
});

test('a rejection after a confirmed receipt was told to nobody: metrics and log never heard of it', () => {
  let told = 0;
  const list = new ObserverList([{ ...silentObserver, rejectedLater: () => void told++ }]);
  const observer: Observer = list;
  observer.rejectedLater?.(undefined as never, 1);
  expect(told).toBe(1);
});
