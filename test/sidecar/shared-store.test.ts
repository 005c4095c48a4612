// A session that another instance asks for: when it is given back, by when its client came and when it was asked for.
import { describe, expect, it, vi } from 'vitest';
import { Fence } from '../../src/connection/fence.ts';
import type { ResumableSession } from '../../src/connection/resumable-session.ts';
import type { Leaving } from '../../src/connection/session-deps.ts';
import type { Delivery } from '../../src/delivery/record.ts';
import type { SessionEntry } from '../../src/journal/entry.ts';
import type { RedisStore } from '../../src/journal/redis/redis-store.ts';
import type { Host } from '../../src/journal/redis/taken.ts';
import { attachShared, createFetch, type SharedDeps } from '../../src/sidecar/shared-store.ts';
import { fakeTimers } from '../support/fake-timers.ts';

/** An instance with that session. The clock of Redis is 1000 ahead of its own, which says 200. */
function attached(session: object, lapsedAt?: number, journal: object = {}, deps: object = {}) {
  let host: Host | undefined;
  const shared = {
    attach(attached: Host) {
      host = attached;
    },
    ...{ clock: { wallOf: (at: number) => at + 1000 }, members: { lapsedAt: () => lapsedAt }, journal },
  } as unknown as RedisStore;
  const registry = { find: () => session as unknown as ResumableSession };
  attachShared(shared, { sessions: 0, deliveries: 0, lost: 0 }, {
    registry,
    now: () => 200,
    ...deps,
  } as unknown as SharedDeps);
  return { host: host! };
}

/** A session whose client came at 100, by the clock of the instance; `more`: what else it shows. */
function asked(isAttended: boolean, askedAt: number | undefined, more: object = {}) {
  const left: number[] = [];
  const { host } = attached({
    connection: { attended: isAttended, facts: { openedAt: 100 } },
    leave: (code: number) => void left.push(code),
    ...more,
  });
  return { gone: host.letGo('s-1', 'asked', { at: askedAt }), left };
}

it.each([
  ['after its client came', true, 1101, true],
  ['by an instance of an earlier version, which does not say when', true, undefined, true],
  ['before its client came, which has gone since', false, 1099, true],
  ['before its client came: the notice was read late', true, 1099, false],
])('[R10] a session that was asked for %s', (_, attended, askedAt, gone) => {
  expect(asked(attended, askedAt)).toEqual({ gone, left: gone ? [4409] : [] });
});

it.each([
  ['before its client claimed it here, whose backend has not answered yet', 1149, true, false],
  ['after that', 1151, true, true],
  ['before its client claimed it here, which has got it and gone since', 1149, false, true],
])('[R10] a session that was asked for %s', (_, askedAt, expected, gone) => {
  expect(asked(false, askedAt, { expected, cameAt: 150 }).gone).toBe(gone);
});

it('[P8] whether a session is given back waits while the instance does not know whether it has it', async () => {
  const fence = new Fence();
  const { host } = attached({ evidenceFence: fence });
  const steps: string[] = [];
  host.whenClear('s-1', () => steps.push('clear'));
  fence.hold(() => steps.push('a client at the door'));
  expect(steps).toEqual([]);
  fence.open();
  await new Promise((resolve) => setImmediate(resolve));
  expect(steps).toEqual(['a client at the door', 'clear']);
  attached({ evidenceFence: undefined }).host.whenClear('s-1', () => steps.push('at once'));
  expect(steps).toHaveLength(3);
});

it.each([
  ['up to the ordinal that Redis had when it was taken, whenever it was sent', 7, 100, [true, true, false]],
  ['of before its lease ran out, where Redis does not say what it had', undefined, 15, [true, false, false]],
  ['of any time, where Redis does not say it and the lease did not run out', undefined, undefined, [true, true, true]],
])('[P8] another instance has what was sent here %s', (_, had, lapsedAt, expected) => {
  const has: boolean[] = [];
  const sent = [
    { ordinal: 6, sentAt: 10 },
    { ordinal: 7, sentAt: 20 },
    { ordinal: 8, sentAt: 30 },
  ] as Delivery[];
  const leave = (_: number, __: string, { elsewhere }: Leaving) => void has.push(...sent.map(elsewhere));
  attached({ connection: undefined, leave }, lapsedAt).host.letGo('s-1', 'client', { had });
  expect(has).toEqual(expected);
});

/** A session that is taken back with that many messages: Redis had five of it when it was taken. */
function takenBack(ordinal: number) {
  const did: string[] = [];
  const inFlight = [
    { seq: 1, ordinal: 5 },
    { seq: 2, ordinal: 6 },
  ] as Delivery[];
  const resumable = {
    ...{ serial: 3, used: 1, heard: 4, session: { inFlight: () => inFlight } },
    openFence: () => void did.push('its words count'),
    leave: (code: number, _: string, { elsewhere }: Leaving) =>
      void did.push(`left with ${code}, and ${inFlight.filter((one) => !elsewhere(one)).map(({ seq }) => seq)} ends`),
  };
  const journal = {
    ledgerOf: () => ({ epoch: '1' }),
    restoredSession: (_: unknown, { serial, used, heard }: SessionEntry, epoch: string) =>
      void did.push(`goes on in epoch ${epoch}: ${serial} ${used} ${heard}`),
    restoredDelivery: ({ seq }: Delivery) => void did.push(`${seq} goes on`),
    ...{ miss() {}, left() {} },
  };
  const { host } = attached(resumable, undefined, journal, {
    tracker: { handOver: ({ seq }: Delivery) => void did.push(`${seq} ended elsewhere`) },
    // No session of another process is made of it here.
    owners: {
      acquire() {
        throw new Error('begins as it is in Redis');
      },
    },
  });
  const entry = { key: 's-1', ordinal, serial: 7, used: 1, heard: 2 } as SessionEntry;
  const taken = { entry, open: [], dropped: 0, taken: new Map([['1', 5]]), epoch: '3', awayMs: 0 };
  try {
    host.adopt(taken);
  } catch (error) {
    did.push((error as Error).message);
  }
  return { did, resumable };
}

it('[P8] a session that is taken back goes on with what it is here and what clients said elsewhere', () => {
  const { did, resumable } = takenBack(5);
  expect(did[0]).toBe('1 ended elsewhere');
  expect(did).toContain('goes on in epoch 3: 7 1 4');
  expect(did.at(-1)).toBe('its words count');
  expect(resumable).toMatchObject({ serial: 7, used: 1, heard: 4 });
});

it('[P8] a session whose numbers others have given to other messages begins here as it is by then', () => {
  expect(takenBack(6).did).toEqual(['left with 1012, and 2 ends', 'begins as it is in Redis']);
});

describe('[P8] a client at the door of an instance that does not know whether it has its session', () => {
  function atTheDoor() {
    fakeTimers();
    const fence = new Fence();
    const claims: string[] = [];
    let found: object | undefined = { evidenceFence: fence };
    const shared = {
      clock: { wallOf: (at: number) => at },
      claims: { claim: async (session: string) => claims.push(session) && 'adopted' },
      gate: { soon: () => false },
    };
    const fetch = createFetch({
      shared: shared as never,
      registry: { find: () => found as never, hasToken: () => found as never, full: false },
      tokens: { verify: () => ({ fault: undefined, serial: 1 }) as never },
      now: () => 0,
    });
    const optIn = { session: 's-1', token: 't', last: 0 } as never;
    const refusal = fetch({ optIn, user: undefined, claim: undefined }, async () => true);
    const goes = (): void => {
      found = undefined;
    };
    return { fence, claims, refusal, goes };
  }

  it('is let in when that is clear, with a session that is fetched where it has gone', async () => {
    const stays = atTheDoor();
    stays.fence.open();
    expect([await stays.refusal, stays.claims]).toEqual([undefined, []]);
    const gone = atTheDoor();
    gone.goes();
    gone.fence.open();
    expect([await gone.refusal, gone.claims]).toEqual([undefined, ['s-1']]);
  });

  it('is asked to come again after a while, and nothing is fetched for it later', async () => {
    const { fence, claims, refusal, goes } = atTheDoor();
    const answered = refusal!.then((refused) => refused?.status);
    await vi.advanceTimersByTimeAsync(1100);
    expect(await answered).toBe(503);
    goes();
    fence.open();
    expect(claims).toEqual([]);
  });
});
