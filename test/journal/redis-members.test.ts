// The lease of an instance: from when on others may have taken it for dead, and for how long that matters.
import { expect, it } from 'vitest';
import { keysOf } from '../../src/journal/redis/keys.ts';
import { Members } from '../../src/journal/redis/members.ts';

function member() {
  const clock = { now: 1000 };
  const link = { run: async () => ['1', '1', [], 0] } as never;
  const members = new Members({
    ...{ link, keys: keysOf('test'), clock: { sample() {} } as never, instance: 'a', leaseMs: 900 },
    ...{ about: () => ({}), now: () => clock.now },
  });
  const beat = async (at: number) => {
    clock.now = at;
    return (await members.beat()).lapsed;
  };
  return { beat, lapsedAt: (at: number) => members.lapsedAt(at) };
}

it('[P8] a lapse is remembered for a lease, however many beats follow: a connection that is new begins with one', async () => {
  const { beat, lapsedAt } = member();
  expect(await beat(1000)).toBe(false);
  expect([lapsedAt(1900), lapsedAt(5000)]).toEqual([undefined, 1900]);
  expect(await beat(5000)).toBe(true);
  expect(await beat(5010)).toBe(false);
  expect([lapsedAt(5020), lapsedAt(5899)]).toEqual([1900, 1900]);
  expect(await beat(5310)).toBe(false);
  expect(await beat(5610)).toBe(false);
  expect(lapsedAt(5900)).toBe(undefined);
});
