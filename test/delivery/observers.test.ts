// One observer that tells several: every step reaches every member.
import { expect, test } from 'vitest';
import { ObserverList } from '../../src/delivery/observers.ts';
import type { Observer } from '../../src/delivery/ports.ts';
import { silentObserver } from '../support/silent-observer.ts';

/** Every step there is: the compiler asks for one that is missing here. */
const EVERY: Record<keyof Observer, true> = {
  ...{ tracked: true, attempted: true, received: true, settled: true, changed: true, handedOver: true },
  ...{ upgraded: true, rejectedLater: true, unmatched: true, shed: true },
};

test('every step that an observer can be told of reaches each member that wants it', () => {
  const told: string[] = [];
  const steps = Object.keys(EVERY) as (keyof Observer)[];
  const member = Object.fromEntries(steps.map((step) => [step, () => told.push(step)])) as unknown as Observer;
  const list = new ObserverList([member, silentObserver, member]);
  for (const step of steps) (list[step] as (...of: unknown[]) => void).call(list, undefined, undefined, undefined);
  expect(told).toEqual(steps.flatMap((step) => [step, step]));
});

test('a member that is added hears what comes from then on, until it is removed', () => {
  const told: string[] = [];
  const hears = (name: string): Observer => ({ received: (_, now) => void told.push(`${name} ${now}`) });
  const list = new ObserverList([hears('first')]);
  const remove = list.add(hears('second'));
  list.received(undefined as never, 1);
  remove();
  list.received(undefined as never, 2);
  expect(told).toEqual(['first 1', 'second 1', 'first 2']);
});

test('a rejection after a confirmed receipt was told to nobody: metrics and log never heard of it', () => {
  let told = 0;
  const list = new ObserverList([{ ...silentObserver, rejectedLater: () => void told++ }]);
  const observer: Observer = list;
  observer.rejectedLater?.(undefined as never, 1);
  expect(told).toBe(1);
});
