// [E2] [E5] When a barrier is wanted, and when it is saved.
import { describe, expect, test } from 'vitest';
import { BarrierSchedule } from '../../src/delivery/barrier.ts';
import { facts, MUST_PROCESS, setUp, THINKING } from './harness.ts';

function flight() {
  const { tracker, connect, start } = setUp();
  const session = connect();
  const barrier = new BarrierSchedule();
  expect(barrier.wanted).toBe(true); // the open barrier
  barrier.sent(0);
  barrier.answered(0);
  let ordinal = 0;
  const send = (type = THINKING) => barrier.note(tracker.track(session, facts(type), ++ordinal, start)!);
  return { barrier, send, session };
}

describe('barrier', () => {
  test('[E2] one is outstanding at a time; what came meanwhile wants the next', () => {
    const { barrier, send } = flight();
    barrier.sent(0);
    send();
    expect(barrier.wanted).toBe(false);
    barrier.answered(0);
    expect(barrier.wanted).toBe(true);
    barrier.sent(1);
    send();
    expect([barrier.wanted, barrier.outstanding]).toEqual([false, true]);
    barrier.answered(1);
    expect([barrier.wanted, barrier.outstanding]).toEqual([true, false]);
  });

  test('[E1] evidence past the barrier (a later ping of the upstream) answers it too', () => {
    const { barrier, send } = flight();
    send();
    barrier.sent(1);
    barrier.answered(7);
    expect([barrier.wanted, barrier.outstanding]).toEqual([false, false]);
  });

  test('[E2] a probe that repeats an ordinal is outstanding until it is answered', () => {
    const { barrier, send } = flight();
    send();
    barrier.sent(1);
    barrier.sent(1);
    expect(barrier.outstanding).toBe(true);
    barrier.answered(1);
    expect(barrier.outstanding).toBe(false);
    barrier.sent(1);
    expect(barrier.outstanding).toBe(true);
  });

  test('[E2] what the next message needs is foretold by two alike, and by nothing less', () => {
    const { barrier, send, session } = flight();
    const foretold = () => {
      const { next } = barrier;
      return next;
    };
    send();
    expect(foretold()).toBe(undefined);
    send();
    expect(foretold()).toBe('barrier');
    barrier.sent(3);
    expect(foretold()).toBe('nothing');
    barrier.answered(3);
    expect(foretold()).toBe('barrier');
    barrier.pass();
    expect(foretold()).toBe(undefined);
    send();
    session.capability = 'processed';
    send(MUST_PROCESS);
    expect(foretold()).toBe(undefined);
    send(MUST_PROCESS);
    expect(foretold()).toBe('nothing');
    send();
    expect(foretold()).toBe(undefined);
  });

  test('[E5] no barrier for deliveries that the application confirms', () => {
    const { barrier, send, session } = flight();
    session.capability = 'processed';
    send(MUST_PROCESS);
    expect(barrier.wanted).toBe(false);
    send(THINKING);
    expect(barrier.wanted).toBe(true);
  });

  test('[E5] on a connection that has not shown it, also `processed` deliveries get one, to learn that they were received', () => {
    const { barrier, send } = flight();
    send(MUST_PROCESS);
    expect(barrier.wanted).toBe(true);
  });
});
