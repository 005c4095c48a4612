// Connections that are old or idle: when each is ended, how, and which are left alone.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Ageing, watchAge } from '../../src/connection/ageing.ts';
import { now } from '../../src/time/clock.ts';

beforeEach(() => {
  vi.useFakeTimers();
  vi.advanceTimersByTime(60_000);
});
afterEach(() => {
  stop?.();
  vi.useRealTimers();
});

let stop: (() => void) | undefined;

class Line implements Ageing {
  readonly told: string[] = [];
  id = 'c-1';
  facts = { openedAt: now() };
  session = { pending: 0 };
  traffic = 0;
  attended = true;
  retires = true;
  retire(code: number, reason: string): boolean {
    if (this.retires)
      this.told.push(`retire ${code} ${reason} at ${Math.round((now() - this.facts.openedAt) / 1000)} s`);
    return this.retires;
  }
  unread = false;
  blind(): boolean {
    return this.unread;
  }
  drop(): void {
    this.told.push(`drop at ${Math.round((now() - this.facts.openedAt) / 1000)} s`);
  }
  close(code: number, reason: string): void {
    this.told.push(`close ${code} ${reason} at ${Math.round((now() - this.facts.openedAt) / 1000)} s`);
  }
}

function watch(connections: readonly Line[], more: { ageMs?: number; idleMs?: number; random?: () => number } = {}) {
  const counts = { age: 0, idle: 0 };
  stop = watchAge({
    ...{ connections, ageMs: 0, idleMs: 0, now, random: () => 0, ended: (why) => counts[why]++ },
    ...more,
  });
  return counts;
}
const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1000);

it('one that has nothing in flight is told to come again at its own share of the age, once', async () => {
  const [late, early] = [new Line(), new Line()];
  const shares = [0, 0.999];
  const counts = watch([late, early], { ageMs: 100_000, random: () => shares.shift()! });
  await seconds(89);
  expect([late.told, early.told]).toEqual([[], []]);
  await seconds(20);
  expect(early.told[0]).toMatch(/^retire 1012 the connection is old at 9[01] s$/);
  expect(late.told[0]).toMatch(/^retire 1012 the connection is old at 10[01] s$/);
  await seconds(300);
  expect([late.told, early.told].map(({ length }) => length)).toEqual([1, 1]);
  expect(counts).toEqual({ age: 2, idle: 0 });
});

it('one with deliveries in flight is waited for, up to its full age', async () => {
  const line = new Line();
  line.session.pending = 1;
  watch([line], { ageMs: 100_000, random: () => 0.999 });
  await seconds(99);
  expect(line.told).toEqual([]);
  await seconds(3);
  expect(line.told).toHaveLength(1);
});

it('one that cannot be told at that moment is told at the next', async () => {
  const line = new Line();
  line.retires = false;
  const counts = watch([line], { ageMs: 10_000 });
  await seconds(15);
  expect(counts.age).toBe(0);
  line.retires = true;
  await seconds(2);
  expect(line.told).toHaveLength(1);
});

it('one that cannot be told for ten seconds is cut off, once, but not while its bytes may wait unread', async () => {
  const [stuck, unread] = [new Line(), new Line()];
  stuck.retires = unread.retires = false;
  unread.unread = true;
  const counts = watch([stuck, unread], { ageMs: 10_000 });
  await seconds(19);
  expect([stuck.told, unread.told, counts.age]).toEqual([[], [], 0]);
  await seconds(60);
  expect(stuck.told).toHaveLength(1);
  expect(stuck.told[0]).toMatch(/^drop at 2[01] s$/);
  expect([unread.told, counts.age]).toEqual([[], 1]);
});

it('a client that takes the place of another is as old as itself', async () => {
  const line = new Line();
  watch([line], { ageMs: 100_000 });
  await seconds(80);
  line.id = 'c-2';
  line.facts = { openedAt: now() };
  await seconds(90);
  expect(line.told).toEqual([]);
  await seconds(12);
  expect(line.told).toHaveLength(1);
});

it('one that carries nothing is closed for good; each message begins the time anew, and so does a delivery in flight', async () => {
  const [idle, busy, waiting, away] = [new Line(), new Line(), new Line(), new Line()];
  waiting.session.pending = 1;
  away.attended = false;
  const counts = watch([idle, busy, waiting, away], { idleMs: 30_000 });
  for (let i = 0; i < 10; i++) {
    await seconds(4);
    busy.traffic++;
  }
  expect(idle.told[0]).toMatch(/^close 1001 nothing was sent for too long at 3[01] s$/);
  expect([busy.told, waiting.told, away.told]).toEqual([[], [], []]);
  expect(counts).toEqual({ age: 0, idle: 1 });
});

it('[D14] time in which the process stood still is not time in which a connection carried nothing', async () => {
  const line = new Line();
  watch([line], { idleMs: 30_000 });
  await seconds(10);
  const read = performance.now.bind(performance);
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => read() + 60_000);
  await seconds(18);
  expect(line.told).toEqual([]);
  await seconds(4);
  expect(line.told).toHaveLength(1);
  clock.mockRestore();
});

it('[D14] nor is it time in which the client of an old one could have been told to come again', async () => {
  // Standstills of an earlier test are remembered, and the clock began anew.
  vi.advanceTimersByTime(300_000);
  const line = new Line();
  line.retires = false;
  watch([line], { ageMs: 10_000 });
  await seconds(12);
  const read = performance.now.bind(performance);
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => read() + 60_000);
  await seconds(5);
  expect(line.told).toEqual([]);
  await seconds(6);
  expect(line.told).toHaveLength(1);
  expect(line.told[0]).toMatch(/^drop /);
  clock.mockRestore();
});
