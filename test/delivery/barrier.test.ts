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

  test('[E5] a confirmation that is late by 100 ms is waited for no longer; one that nothing waits for is not late', () => {
    const { barrier, send, session } = flight();
    session.capability = 'processed';
    session.processedTypes = new Set([THINKING.index]);
    send(MUST_PROCESS);
    const sentAt = session.awaitingReceived.head!.sentAt;
    expect([barrier.deferring, barrier.overdue(session, sentAt + 1000), barrier.deferring]).toEqual([
      false,
      false,
      false,
    ]);
    send(THINKING);
    expect([barrier.deferring, barrier.overdue(session, sentAt + 99), barrier.deferring]).toEqual([true, false, true]);
    session.lastOrdinal = 2;
    expect([barrier.overdue(session, sentAt + 100), session.processedTypes.has(THINKING.index)]).toEqual([true, false]);
    barrier.sent(2);
    expect([barrier.overdue(session, sentAt + 200), barrier.deferring]).toEqual([false, false]);
  });

  test('[D15] a last barrier goes where it would prove more, and its answer is waited for while it can prove something', () => {
    const { barrier, send, session } = flight();
    const asks = (through: number) => [barrier.lastWanted(session, through), barrier.proves(session)];
    send();
    expect(asks(1)).toEqual([true, false]);
    barrier.sent(1);
    // The answer on its way proves all that there is.
    expect(asks(1)).toEqual([false, true]);
    send();
    expect(asks(2)).toEqual([true, true]);
    // Of what is settled, nothing is left to prove; a message that is still being read may be a delivery.
    for (const each of [session.awaitingReceived.head!, session.awaitingReceived.tail!])
      session.awaitingReceived.remove(each);
    expect(asks(2)).toEqual([false, false]);
    session.undecoded = 1;
    expect(asks(2)).toEqual([true, true]);
    barrier.answered(1);
    expect(asks(2)).toEqual([true, false]);
    barrier.sent(2);
    expect(asks(2)).toEqual([false, true]);
  });

  test('[D15] an answer that is on its way proves nothing of a message behind it', () => {
    const { barrier, send, session } = flight();
    barrier.sent(0);
    send();
    expect(barrier.proves(session)).toBe(false);
    barrier.sent(1);
    expect(barrier.proves(session)).toBe(true);
  });
});
