// A session that another instance asks for: when it is given back, by when its client came and when it was asked for.
import { expect, it } from 'vitest';
import type { ResumableSession } from '../../src/connection/resumable-session.ts';
import type { RedisStore } from '../../src/journal/redis/redis-store.ts';
import type { Host } from '../../src/journal/redis/taken.ts';
import { attachShared, type SharedDeps } from '../../src/sidecar/shared-store.ts';

/** A session whose client came at 100, by the clock of the instance; that of Redis is 1000 ahead. */
function asked(attended: boolean, askedAt: number | undefined) {
  const left: number[] = [];
  const session = {
    connection: { attended, facts: { openedAt: 100 } },
    leave: (code: number) => void left.push(code),
  } as unknown as ResumableSession;
  let host: Host | undefined;
  const shared = {
    attach(attached: Host) {
      host = attached;
    },
    ...{ clock: { wallOf: (at: number) => at + 1000 }, members: { lapsedAt: () => undefined } },
  } as unknown as RedisStore;
  const registry = { find: () => session };
  attachShared(shared, { sessions: 0, deliveries: 0, lost: 0 }, { registry, now: () => 200 } as unknown as SharedDeps);
  return { gone: host!.letGo('s-1', 'asked', askedAt), left };
}

it.each([
  ['after its client came', true, 1101, true],
  ['by an instance of an earlier version, which does not say when', true, undefined, true],
  ['before its client came, which has gone since', false, 1099, true],
  ['before its client came: the notice was read late', true, 1099, false],
])('[R10] a session that was asked for %s', (_, attended, askedAt, gone) => {
  expect(asked(attended, askedAt)).toEqual({ gone, left: gone ? [4409] : [] });
});
