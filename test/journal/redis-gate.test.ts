// How long a client whose session is elsewhere is asked to come again, because Redis is expected back.
import { expect, it } from 'vitest';
import { Gate } from '../../src/journal/redis/gate.ts';

function createGate() {
  const clock = { now: 1000 };
  const link = { open: false, lastFault: '', waitingMs: () => 0, abandon() {} };
  const gate = new Gate({ link: link as never, now: () => clock.now, report() {} });
  return { gate, clock, link, soon: () => gate.soon(clock.now) };
}

function refusal(message = 'OOM'): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' });
}

it('[P7] a Redis that has not been reached yet, or was lost, is expected back for 5 s', () => {
  const { gate, clock, link, soon } = createGate();
  expect(soon()).toBe(true);
  clock.now += 4999;
  gate.unreachable('nobody listens');
  expect(soon()).toBe(true);
  clock.now += 1;
  gate.unreachable('nobody listens');
  expect(soon()).toBe(false);
  link.open = true;
  gate.tries();
  expect(soon()).toBe(true);
  gate.opens();
  expect(soon()).toBe(false);
  link.open = false;
  gate.lost();
  expect(soon()).toBe(true);
  clock.now += 5000;
  expect(soon()).toBe(false);
});

it('[P7] a Redis that refuses what it is told is expected back for 5 s from its first refusal', () => {
  const { gate, clock, link, soon } = createGate();
  link.open = true;
  gate.tries();
  gate.refused(refusal());
  expect(soon()).toBe(true);
  clock.now += 4999;
  gate.tries();
  gate.refused(refusal());
  expect(soon()).toBe(true);
  clock.now += 1;
  expect(soon()).toBe(false);
});

it('[P7] one that runs nothing for a moment is expected back for 5 s, also while it is tried again', () => {
  const { gate, clock, link, soon } = createGate();
  link.open = true;
  gate.tries();
  gate.opens();
  gate.refused(refusal('BUSY Redis is busy running a script.'));
  expect(soon()).toBe(true);
  clock.now += 4999;
  gate.tries();
  gate.refused(refusal('LOADING Redis is loading the dataset in memory'));
  expect(soon()).toBe(true);
  clock.now += 1;
  expect(soon()).toBe(false);
  gate.tries();
  gate.opens();
  gate.refused(refusal('MASTERDOWN Link with MASTER is down'));
  expect(soon()).toBe(true);
});

it('tries a Redis that refuses after 0.5 s, however often it refuses meanwhile', () => {
  const { gate, clock, link } = createGate();
  link.open = true;
  gate.tries();
  for (let ms = 0; ms < 500; ms += 50) {
    gate.refused(refusal());
    expect(gate.due(clock.now)).toBe(false);
    clock.now += 50;
  }
  expect(gate.due(clock.now)).toBe(true);
});

it('tries one that runs nothing for a moment at least every second, and another one ever more rarely', () => {
  for (const [message, longest] of [
    ['BUSY', 1000],
    ['OOM', 15_000],
  ] as const) {
    const { gate, clock, link } = createGate();
    link.open = true;
    for (let i = 0; i < 10; i++) {
      gate.tries();
      gate.refused(refusal(message));
      clock.now += longest;
      expect(gate.due(clock.now)).toBe(true);
    }
    gate.tries();
    gate.refused(refusal(message));
    clock.now += longest - 1;
    expect(gate.due(clock.now)).toBe(false);
  }
});
