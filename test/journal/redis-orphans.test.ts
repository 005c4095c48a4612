// Claims against a real Redis, by an instance that is killed in the middle: no session is left that nobody finds.
import { afterEach, describe, expect, it } from 'vitest';
import { Claims } from '../../src/journal/redis/claims.ts';
import { keysOf } from '../../src/journal/redis/keys.ts';
import { Members } from '../../src/journal/redis/members.ts';
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
    const clock = { sample() {} } as never;
    const members = new Members({ link, keys, clock, instance: 'b', leaseMs: 1000, now: () => 0, about: () => ({}) });
    const claims = new Claims({
      ...{ link, keys, members, wire: new Wire(link, keys), instance: 'b', lifeMs: 60_000, patienceMs: 60_000 },
      ...{ ready: () => true, keeps: () => false, giveBack() {}, adopt() {} },
      refused(error) {
        throw error;
      },
    });
    const write = (owner: string, used = 0) => {
      const numbers = { ordinal: '3', serial: '1', used: String(used), heard: '0' };
      const begun = JSON.stringify({ traceparent: '' });
      return redis.client.hset(keys.session('s-1'), { epoch: '1', owner, begun, capability: 'none', ...numbers });
    };
    return { redis, claims, write, held: () => redis.client.smembers(keys.held('b')) };
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
