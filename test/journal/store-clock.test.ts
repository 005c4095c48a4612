// The clock of a store over several processes, whose wall clocks are set meanwhile and wrong at the start.
import { expect, it } from 'vitest';
import type { Clocks, Entry } from '../../src/journal/entry.ts';
import { LastClocks, StoreClock } from '../../src/journal/store-clock.ts';

const HOUR = 3_600_000;

/** A machine: its true time, how far its wall clock is off, and its processes one after the other. */
function machine(wrongBy = 0) {
  const state = { time: 1_750_000_000_000, wrongBy };
  let last = new LastClocks();
  /** Begins a process. Its monotonic clock has an origin of its own. */
  const begin = (origin = Math.floor(Math.random() * HOUR)) => {
    const from = state.time;
    const now = () => origin + state.time - from;
    const clock = new StoreClock(last, { now, wallOf: (at) => from + at - origin + state.wrongBy });
    last = new LastClocks();
    const tell = (): void => last.see(reserved(clock.clocks()));
    tell();
    return { clock, now, tell, writes: () => last.see(sent(clock.timeOf(now()))) };
  };
  return { state, begin };
}

function reserved(clocks: Clocks): Entry {
  return { kind: 'reserved', through: 1, previous: 0, clocks };
}

function sent(sentAt: number): Entry {
  const state = { receivedAt: 0, attempts: [], word: '', errorText: '', missed: false, kept: false } as const;
  return { kind: 'tracked', delivery: { sentAt } as never, state, message: undefined };
}

it.each([
  ['was right all the time', 0, 0, 0, 5000],
  ['was set 10 h forward while the process ran', 0, 10 * HOUR, 10 * HOUR, 5000],
  ['was set 10 h back while the process ran', 0, -10 * HOUR, -10 * HOUR, 5000],
  ['was 8 years behind at the start and then set right', -70_000 * HOUR, 0, 0, 5000],
  ['was set back between two processes', 0, 0, -10 * HOUR, 0],
  ['was set back by less than nobody ran', 0, 0, -2000, 3000],
  // The sleep of a machine cannot be told from a clock that was set.
  ['was set forward between two processes', 0, 0, 10 * HOUR, 10 * HOUR + 5000],
])('[D18] a wall clock that %s: an earlier process sent as long ago as it did', (_, atStart, during, after, away) => {
  const { state, begin } = machine(atStart);
  const first = begin();
  state.time += 1000;
  const at = first.clock.timeOf(first.now());
  first.writes();
  state.wrongBy = during;
  expect(first.clock.moved).toBe(during !== atStart);
  first.tell();
  expect(first.clock.moved).toBe(false);
  state.time += 1000;
  first.writes();
  state.time += 5000;
  state.wrongBy = after;
  const second = begin();
  expect(second.clock.awayMs).toBeCloseTo(away, 3);
  expect(second.now() - (at - second.clock.offset)).toBeCloseTo(1000 + away, 3);
});

it('[D18] the time for which processes have run goes on where the earlier one ended, whatever the wall clock says', () => {
  const { state, begin } = machine();
  const first = begin();
  state.time += 5000;
  first.tell();
  const ran = first.now() + first.clock.runOffset;
  for (const wrongBy of [70_000 * HOUR, 0, -70_000 * HOUR]) {
    state.time += 2000;
    state.wrongBy = wrongBy;
    const { clock, now } = begin();
    expect(now() + clock.runOffset).toBeCloseTo(ran, 3);
  }
});

it('[D18] slow drift of a wall clock is written down too, before it has come to much', () => {
  const { state, begin } = machine();
  const { clock, tell } = begin();
  for (let i = 0; i < 20; i++) {
    state.wrongBy += 10;
    if (clock.moved) tell();
  }
  expect(Math.abs(clock.clocks().ahead - state.wrongBy)).toBeLessThanOrEqual(1);
  state.time += 5000;
  expect(begin().clock.awayMs).toBeLessThanOrEqual(5100);
});

it('[D18] a store that says nothing of its clock has the wall clock', () => {
  const last = new LastClocks();
  last.see(sent(1_750_000_000_000));
  const clock = new StoreClock(last, { now: () => 7, wallOf: (at) => 1_750_000_003_000 - 7 + at });
  expect([clock.awayMs, clock.timeOf(7)]).toEqual([3000, 1_750_000_003_000]);
});
