// A session that others took while this instance stood still: how long it is asked for, and what becomes of its client.
import { describe, expect, it, vi } from 'vitest';
import type { Fence } from '../../src/connection/fence.ts';
import type { Claimed } from '../../src/journal/redis/claims.ts';
import { createTakingBack } from '../../src/sidecar/taking-back.ts';
import { fakeTimers } from '../support/fake-timers.ts';

type Answer = Claimed | 'Redis is away';

/** A session that is asked for, with these answers. */
function asking(...answers: Answer[]) {
  fakeTimers();
  const asked: Answer[] = [];
  const left: string[] = [];
  const connection = { attended: true };
  const session = { id: 's-1', used: 3, connection, fence: undefined as Fence | undefined, expected: false };
  let has = true;
  const next = (): Answer => {
    const answer = answers.shift()!;
    asked.push(answer);
    return answer;
  };
  const takeBack = createTakingBack({
    claims: () => (answers[0] === 'Redis is away' ? void next() : { takeBack: async () => next() as Claimed }),
    registry: { has: () => has },
  });
  const leave = (whose: string): void => void left.push(whose);
  takeBack.ask(session as never, leave);
  return {
    ...{ asked, left, session },
    again: () => takeBack.ask(session as never, leave),
    stop: () => takeBack.stop(),
    clientGoes() {
      session.connection.attended = false;
    },
    sessionGoes() {
      has = false;
    },
    passes: (ms: number) => vi.advanceTimersByTimeAsync(ms),
  };
}

describe('[P8] a session whose client has stayed with an instance that was taken for dead', () => {
  it('is asked for again while its holder does not answer, or Redis does not, until it is back', async () => {
    const { asked, left, passes } = asking('held', 'Redis is away', 'unreachable', 'held', 'adopted', 'held');
    await passes(10_000);
    expect(asked).toEqual(['held', 'Redis is away', 'unreachable', 'held', 'adopted']);
    expect(left).toEqual([]);
  });

  it.each([
    ['stale', 'another client'],
    ['unknown', 'no client'],
  ] as const)('is left where the answer is: %s', async (answer, whose) => {
    const { asked, left, passes } = asking('held', answer, 'adopted');
    await passes(10_000);
    expect([asked, left]).toEqual([['held', answer], [whose]]);
  });

  it('is left when its client goes meanwhile', async () => {
    const { asked, left, clientGoes, passes } = asking('held', 'adopted');
    await passes(0);
    clientGoes();
    await passes(10_000);
    expect([asked, left]).toEqual([['held'], ['no client']]);
  });

  it('is asked for while a client is at the door that has claimed it here', async () => {
    const { asked, left, session, clientGoes, passes } = asking('held', 'held', 'adopted');
    session.expected = true;
    clientGoes();
    await passes(10_000);
    expect([asked, left]).toEqual([['held', 'held', 'adopted'], []]);
  });

  it('is asked for on when its client goes that had said something', async () => {
    const { asked, left, session, clientGoes, passes } = asking('held', 'held', 'adopted');
    await passes(0);
    const told: string[] = [];
    session.fence!.hold(() => told.push('confirmed'));
    clientGoes();
    await passes(10_000);
    expect([asked, left, told]).toEqual([['held', 'held', 'adopted'], [], []]);
    session.fence!.open();
    expect(told).toEqual(['confirmed']);
  });

  it('is left, once, when the process ends, also where it is lost only then', async () => {
    const { asked, left, again, stop, passes } = asking('held', 'stale');
    await passes(0);
    stop();
    await passes(10_000);
    again();
    expect([asked, left]).toEqual([
      ['held', 'stale'],
      ['the end', 'the end'],
    ]);
  });

  it('is not left when it has ended meanwhile, and asked for once, however often it was lost', async () => {
    const { asked, left, again, sessionGoes, passes } = asking('held', 'held');
    again();
    await passes(0);
    sessionGoes();
    await passes(10_000);
    expect([asked, left]).toEqual([['held'], []]);
  });
});
