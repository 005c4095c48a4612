// How long a client whose session is elsewhere is asked to come again, because Redis is expected back.
import { expect, it } from 'vitest';
import { Gate } from '../../src/journal/redis/gate.ts';

function createGate() {
  const clock = { now: 1000 };
  const link = { open: false, lastFault: '', waitingMs: () => 0 };
  const gate = new Gate({ link: link as never, now: () => clock.now, report() {} });
  return { gate, clock, link, soon: () => gate.soon(clock.now) };
}

function refusal(): Error {
  return Object.assign(new Error('OOM'), { name: 'ReplyError' });
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

it('[P7] a Redis that refuses what it is told is not waited for', () => {
  const { gate, link, soon } = createGate();
  link.open = true;
  gate.tries();
  gate.refused(refusal());
  expect(soon()).toBe(false);
});
