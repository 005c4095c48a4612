// An instance that wakes after its lease has run out: when nothing is read, until when, and that a slow Redis alone holds nothing up.
import { describe, expect, it, vi } from 'vitest';
import { createWaking } from '../../src/sidecar/waking.ts';
import { onBeat } from '../../src/time/pulse.ts';
import { fakeTimers } from '../support/fake-timers.ts';

/** An instance whose lease has run out, with a beat that can be late. */
function woken() {
  fakeTimers();
  const state = { open: true, joining: false, overdue: true, judged: false };
  const waking = createWaking(
    {
      get judged() {
        return state.judged;
      },
      gate: {
        get open() {
          return state.open;
        },
        get joining() {
          return state.joining;
        },
      },
      members: { overdue: () => state.overdue },
    },
    () => performance.now(),
  );
  const told: string[] = [];
  const says = (word: string): void => {
    if (waking.reading.holds()) waking.reading.later(() => says(word));
    else told.push(word);
  };
  const passes = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  /** Nothing runs for so long, and then sockets are read before any timer is looked at. */
  const stands = (ms: number): void => void vi.mocked(performance.now).mockReturnValue(performance.now() + ms);
  return { state, waking, told, says, passes, stands };
}

describe('[P8] an instance that has stood still, and whose lease has run out', () => {
  it('reads nothing until Redis has said what others have ended', async () => {
    const { state, waking, told, says, passes } = woken();
    waking.stoodStill();
    says('pong');
    says('fin');
    await passes(100);
    // Redis knows of it again, and has not said yet what others have ended.
    state.overdue = false;
    await passes(100);
    says('late');
    expect([told, waking.reading.held]).toEqual([[], true]);
    state.judged = true;
    await passes(20);
    expect([told, waking.reading.held]).toEqual([['pong', 'fin', 'late'], false]);
  });

  it.each([
    ['Redis is silent for a second', {}, 1000],
    ['Redis refuses, or the connection goes', { open: false }, 16],
  ])('goes on where %s: Redis holds nothing back for longer', async (_, change, ms) => {
    const { state, waking, told, says, passes } = woken();
    waking.stoodStill();
    Object.assign(state, change);
    says('pong');
    await passes(ms / 2);
    expect(told).toEqual([]);
    await passes(ms);
    expect(told).toEqual(['pong']);
  });

  it.each([
    ['within its lease', { overdue: false }],
    ['while Redis cannot be had', { open: false }],
  ])('reads on where it stood still %s', (_, change) => {
    const { state, waking, told, says } = woken();
    Object.assign(state, change);
    waking.stoodStill();
    says('pong');
    expect(told).toEqual(['pong']);
  });

  it('that reads before it looks at its timers reads nothing either', async () => {
    const { state, told, says, passes, stands } = woken();
    const stop = onBeat(() => {});
    stands(2000);
    says('pong');
    expect(told).toEqual([]);
    Object.assign(state, { overdue: false, judged: true });
    await passes(20);
    stop();
    expect(told).toEqual(['pong']);
  });

  it('reads on where it runs, and Redis alone is late', () => {
    const { told, says, stands } = woken();
    const stop = onBeat(() => {});
    stands(200);
    says('pong');
    stop();
    expect(told).toEqual(['pong']);
  });
});
