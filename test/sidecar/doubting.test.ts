// An instance that stood still for longer than its lease: whose evidence waits for the word of Redis, and for how long.
import { describe, expect, it, vi } from 'vitest';
import { Fence } from '../../src/connection/fence.ts';
import { createDoubt } from '../../src/sidecar/doubting.ts';
import { fakeTimers } from '../support/fake-timers.ts';

/** An instance with two sessions, whose lease has run out. */
function overdue() {
  fakeTimers();
  const state = { open: true, joining: false, overdue: true, woken: false, lapsedAt: 4000, whole: false, read: true };
  const missed: string[] = [];
  const clock = { now: 5000 };
  const doubt = createDoubt(
    {
      gate: {
        get open() {
          return state.open;
        },
        get joining() {
          return state.joining;
        },
      },
      members: {
        overdue: () => state.overdue,
        lapsedAt: () => (state.overdue || state.woken ? state.lapsedAt : undefined),
      },
      journal: {
        get whole() {
          return state.whole;
        },
        ledgerOf: (session: unknown) => ({ of: session }) as never,
        miss: (ledger) => void missed.push((ledger as unknown as { of: string }).of),
      },
      link: { read: () => (state.read ? Promise.resolve() : Promise.reject(new Error('gone'))) },
    },
    1000,
    () => clock.now,
  );
  const told: string[] = [];
  const session = (name: string) => {
    const made = {
      session: name,
      fence: undefined as Fence | undefined,
      openFence() {
        made.fence?.open();
        made.fence = undefined;
      },
      says() {
        if (made.fence === undefined) doubt(made as never);
        if (made.fence === undefined) told.push(name);
        else made.fence.hold(() => told.push(name));
      },
    };
    return made;
  };
  const passes = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i += 20) {
      clock.now += 20;
      await vi.advanceTimersByTimeAsync(20);
    }
  };
  const stops = (ms: number): void => {
    clock.now += ms;
  };
  return { state, missed, told, ann: session('ann'), bob: session('bob'), passes, stops };
}

describe('[P8] evidence that comes when the lease of the instance has run out', () => {
  it('counts when Redis has taken all sessions as its own, and those are written for it', async () => {
    const { state, missed, told, ann, bob, passes } = overdue();
    ann.says();
    await passes(100);
    state.overdue = false;
    // The beat was answered, and Redis has not said yet whose the sessions are.
    bob.says();
    await passes(100);
    expect([told, missed]).toEqual([[], ['ann', 'bob']]);
    state.whole = true;
    await passes(40);
    expect(told).toEqual(['ann', 'bob']);
    ann.says();
    expect([told, missed]).toEqual([
      ['ann', 'bob', 'ann'],
      ['ann', 'bob'],
    ]);
  });

  it('waits also where the instance has said again that it is there, once for each session', async () => {
    const { state, missed, told, ann, bob, passes } = overdue();
    Object.assign(state, { overdue: false, woken: true, whole: true });
    ann.says();
    await passes(40);
    expect([told, missed]).toEqual([['ann'], ['ann']]);
    ann.says();
    bob.says();
    expect([told, missed]).toEqual([
      ['ann', 'ann'],
      ['ann', 'bob'],
    ]);
    await passes(40);
    expect(told).toEqual(['ann', 'ann', 'bob']);
  });

  it('waits on where the instance stands still once more, which is no time in which Redis was silent', async () => {
    const { state, told, ann, passes, stops } = overdue();
    ann.says();
    await passes(100);
    stops(5000);
    await passes(40);
    expect(told).toEqual([]);
    Object.assign(state, { overdue: false, whole: true });
    await passes(40);
    expect(told).toEqual(['ann']);
  });

  it('waits on where others have the session', async () => {
    const { state, told, ann, passes } = overdue();
    ann.says();
    ann.fence = new Fence(ann.fence);
    Object.assign(state, { overdue: false, whole: true });
    await passes(2000);
    expect(told).toEqual([]);
    ann.openFence();
    expect(told).toEqual(['ann']);
  });

  it('[P10] counts after the patience where Redis does not say it, and at once where it is away', async () => {
    const { state, told, ann, bob, passes } = overdue();
    ann.says();
    await passes(980);
    expect(told).toEqual([]);
    await passes(40);
    expect(told).toEqual(['ann']);
    bob.says();
    expect(told).toEqual(['ann', 'bob']);
    // Redis has answered, and falls silent again.
    state.overdue = false;
    bob.says();
    Object.assign(state, { overdue: true, lapsedAt: 6000 });
    ann.says();
    expect(told).toEqual(['ann', 'bob', 'bob']);
    state.open = false;
    await passes(20);
    expect(told).toEqual(['ann', 'bob', 'bob', 'ann']);
    ann.says();
    expect(told).toHaveLength(5);
  });

  it('waits while the instance joins Redis again', async () => {
    const { state, told, ann, passes } = overdue();
    Object.assign(state, { open: false, joining: true });
    ann.says();
    await passes(500);
    expect(told).toEqual([]);
    Object.assign(state, { open: true, joining: false, overdue: false, whole: true });
    await passes(40);
    expect(told).toEqual(['ann']);
  });
});
