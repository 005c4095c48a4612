// Claims against a real Redis, by an instance that is killed in the middle: no session is left that nobody finds.
import { afterEach, describe, expect, it } from 'vitest';
import { Claims } from '../../src/journal/redis/claims.ts';
import { keysOf } from '../../src/journal/redis/keys.ts';
import { Members } from '../../src/journal/redis/members.ts';
import { Reaper } from '../../src/journal/redis/reaper.ts';
import { DO, RELEASE } from '../../src/journal/redis/scripts.ts';
import type { TakenSession } from '../../src/journal/redis/taken.ts';
import { Wire } from '../../src/journal/redis/wire.ts';
import { closeAll } from '../support/backends.ts';
import { missing } from '../support/component.ts';
import { linkOf } from '../support/redis-link.ts';
import { startRedis } from '../support/redis-server.ts';

afterEach(closeAll);

describe.skipIf(missing('redis-server'))('[P8] a session that is claimed for a client', () => {
  const keys = keysOf('test');
  /** Instance `b`, which ends when a claim has been run, before it does anything more. */
  async function dying() {
    const redis = await startRedis();
    const link = await linkOf(redis, keys, 'b');
    const clock = { sample() {}, wallOf: (at: number) => at } as never;
    const members = new Members({ link, keys, clock, instance: 'b', leaseMs: 1000, now: () => 0, about: () => ({}) });
    const state = { full: false };
    const adopted: number[] = [];
    // As the sidecar does where it has no room.
    const adopt = ({ entry, epoch, awayMs }: TakenSession): boolean => {
      adopted.push(awayMs);
      if (!state.full) return true;
      link.write(RELEASE, [keys.session(entry.key)], [epoch]);
      link.write(DO, [keys.held('b')], ['SREM', entry.key]);
      return false;
    };
    const claims = new Claims({
      ...{ link, keys, members, wire: new Wire(link, keys), instance: 'b', lifeMs: 60_000, patienceMs: 60_000 },
      ...{ ready: () => true, keeps: () => false, giveBack: () => true, adopt },
      whenClear: (_, next) => next(),
      refused(error) {
        throw error;
      },
    });
    const write = (owner: string, used = 0) => {
      const numbers = { ordinal: '3', serial: '1', used: String(used), heard: '0' };
      const begun = JSON.stringify({ traceparent: '' });
      return redis.client.hset(keys.session('s-1'), { epoch: '1', owner, begun, capability: 'none', ...numbers });
    };
    const reaper = new Reaper({
      ...{ link, keys, claims, instance: 'b', leaseMs: 1000, lifeMs: 60_000, host: { endAsLost() {} } },
      ...{ room: () => !state.full, redisNow: () => 0 },
    });
    const owner = () => redis.client.hget(keys.session('s-1'), 'owner');
    return {
      redis,
      link,
      claims,
      write,
      reaper,
      state,
      adopted,
      owner,
      held: () => redis.client.smembers(keys.held('b')),
    };
  }

  it('is among those of the instance, also where that one is killed right after the claim', async () => {
    const { claims, write, held } = await dying();
    await write('');
    expect(await claims.claim('s-1', { serial: 1, last: 0 })).toBe('adopted');
    expect(await held()).toEqual(['s-1']);
  });

  it('is not among those of the instance where the claim was refused', async () => {
    const { claims, write, held } = await dying();
    // Nobody is there who could know of it.
    expect(await claims.claim('s-1', { serial: 1, last: 0 })).toBe('held');
    await write('c', 5);
    expect(await claims.claim('s-1', { serial: 1, last: 0 })).toBe('stale');
    expect(await held()).toEqual([]);
  });

  it('and has no room is given back, found by others, and taken in when there is room', async () => {
    const { link, claims, write, reaper, state, adopted, owner, held } = await dying();
    await write('');
    state.full = true;
    expect(await claims.claim('s-1', { serial: 1, last: 0 })).toBe('full');
    await link.read();
    expect([await owner(), await held()]).toEqual(['', ['s-1']]);
    await reaper.see([]);
    expect(adopted).toHaveLength(1);
    state.full = false;
    await reaper.see([]);
    expect([adopted.length, await owner(), await held()]).toEqual([2, 'b', ['s-1']]);
    await reaper.see([]);
    expect(adopted).toHaveLength(2);
  });

  it('and has no room is not taken in again where its client has come meanwhile', async () => {
    const { link, claims, write, reaper, state, adopted, held } = await dying();
    await write('');
    state.full = true;
    await claims.claim('s-1', { serial: 1, last: 0 });
    await link.read();
    state.full = false;
    expect(await claims.claim('s-1', { serial: 1, last: 0 })).toBe('adopted');
    await reaper.see([]);
    expect([adopted.length, await held()]).toEqual([2, ['s-1']]);
  });

  it('and has no room is not taken in where another instance has it by then', async () => {
    const { redis, link, claims, write, reaper, state, adopted, held } = await dying();
    await write('');
    state.full = true;
    await claims.claim('s-1', { serial: 1, last: 0 });
    await link.read();
    await redis.client.hset(keys.session('s-1'), { owner: 'c', epoch: '3' });
    state.full = false;
    await reaper.see([]);
    expect([adopted.length, await held()]).toEqual([1, []]);
  });

  it.each([
    ['that has it', 'b'],
    ['that asked for it, where it was given back and nobody has it', ''],
  ])('stays among those of the instance %s, where the claim is refused', async (_, owner) => {
    const { redis, claims, write, held } = await dying();
    await write(owner, 5);
    await redis.client.sadd(keys.held('b'), 's-1');
    expect(await claims.claim('s-1', { serial: 1, last: 0 })).toBe('stale');
    expect(await held()).toEqual(['s-1']);
  });
});
