// The reaper against a real Redis: what a dead instance has left, where the one that sees to it dies in the middle.
import { afterEach, describe, expect, it } from 'vitest';
import { keysOf } from '../../src/journal/redis/keys.ts';
import { Reaper } from '../../src/journal/redis/reaper.ts';
import { CLAIM, FENCE, TAKE } from '../../src/journal/redis/scripts.ts';
import { closeAll } from '../support/backends.ts';
import { missing } from '../support/component.ts';
import { linkOf } from '../support/redis-link.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';

afterEach(closeAll);

const KEYS = keysOf('test');

/**
 * `dies`: on which claim its process ends, when Redis has run it and before it does anything more.
 * `take`: what happens when it has taken deliveries, before it ends them. `took`: and when it has
 * taken a session. `look`: when it has looked at the instance, and has not taken any of them.
 */
async function reaperOf(
  redis: RedisServer,
  instance: string,
  dies = 0,
  take = () => {},
  took = async () => {},
  look = async () => {},
) {
  const link = await linkOf(redis, KEYS, instance);
  const adopted: string[] = [];
  let claims = 0;
  const inherit = async (session: string, dead: string) => {
    const args = [instance, '-1', dead, 'reaper', '60000', '0'];
    const [kind] = (await link.run(CLAIM, [KEYS.session(session)], args)) as [string];
    if (++claims === dies) throw new Error('killed');
    if (kind !== 'yours') return 'held' as const;
    adopted.push(session);
    await redis.client.sadd(KEYS.held(instance), session);
    await took();
    return 'adopted' as const;
  };
  const ended: number[] = [];
  const clock = { now: 0 };
  const reaper = new Reaper({
    ...{ keys: KEYS, claims: { inherit, homeless: new Set<string>() }, instance, leaseMs: 1000, lifeMs: 60_000 },
    link: {
      send: link.send.bind(link),
      read: link.read.bind(link),
      write: link.write.bind(link),
      async run(script, keys, args) {
        if (script === TAKE) await look();
        const answer = await link.run(script, keys, args);
        if (script === TAKE) take();
        return answer;
      },
    },
    host: { endAsLost: (open) => void ended.push(...open.map(({ delivery }) => delivery.seq)) },
    ...{ room: () => true, redisNow: () => clock.now },
  });
  return { reaper, adopted, ended, clock };
}

/** An instance has said goodbye, or is taken for dead by everybody. */
const gone = (redis: RedisServer, instance: string) => redis.client.zadd(KEYS.leases, 0, instance);

async function withSessions(redis: RedisServer, owners: Readonly<Record<string, string>>): Promise<void> {
  for (const [session, owner] of Object.entries(owners)) {
    await redis.client.hset(KEYS.session(session), { epoch: '1', owner, ordinal: '0' });
    await redis.client.sadd(KEYS.held('dead'), session);
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

/** Deliveries of clients without a session, numbered from 1. */
async function withDeliveries(redis: RedisServer, count: number): Promise<void> {
  const state = { receivedAt: 0, attempts: [], word: '', errorText: '', missed: false, kept: false };
  const facts = {
    session: 'c-1',
    capability: 'received',
    connection: 'c-1',
    ordinal: 1,
    type: 'x',
    bytes: 1,
    sentAt: 1,
  };
  for (const seq of upTo(count)) {
    const text = JSON.stringify({ delivery: { ...facts, seq, required: 'received', traceparent: '' }, state });
    await redis.client.hset(KEYS.open('dead'), String(seq), text);
  }
}

describe.skipIf(missing('redis-server'))('[P8] an instance that sees to a dead one', () => {
  it('and is killed right after a claim leaves that session too to the next one', async () => {
    const redis = await startRedis();
    await withSessions(redis, { a: 'dead', b: 'dead', c: '' });
    await gone(redis, 'dead');
    const first = await reaperOf(redis, 'first', 2);
    await expect(first.reaper.see([{ instance: 'dead', at: 0 }])).rejects.toThrow('killed');
    await gone(redis, 'first');
    // Whoever else came first has its turn again when that one is gone.
    await redis.client.del(KEYS.reapers);
    const second = await reaperOf(redis, 'second');
    await second.reaper.see([
      { instance: 'dead', at: 0 },
      { instance: 'first', at: 0 },
    ]);
    expect(second.adopted.sort()).toEqual(['a', 'b', 'c']);
    expect(await redis.client.keys('*:held')).toEqual([KEYS.held('second')]);
  });

  it('takes no session more when the dead one is back', async () => {
    const redis = await startRedis();
    await withSessions(redis, { a: 'dead', b: 'dead', c: 'dead' });
    await gone(redis, 'dead');
    const comesBack = async () => void (await redis.client.zadd(KEYS.leases, Date.now() + 60_000, 'dead'));
    const { reaper, adopted } = await reaperOf(redis, 'first', 0, undefined, comesBack);
    await reaper.see([{ instance: 'dead', at: 0 }]);
    expect(adopted).toHaveLength(1);
    expect((await redis.client.smembers(KEYS.held('dead'))).sort()).toEqual(
      ['a', 'b', 'c'].filter((session) => !adopted.includes(session)),
    );
    expect(reaper.buried).toBe(0);
  });

  it('does not bury one that has been back, and gone again, meanwhile: it may have left more', async () => {
    const redis = await startRedis();
    await withSessions(redis, { a: 'dead', b: 'dead' });
    const { client } = redis;
    const at = Date.now() - 60_000;
    await client.zadd(KEYS.leases, at, 'dead');
    let back = false;
    const { reaper, adopted } = await reaperOf(redis, 'first', 0, undefined, async () => {
      if (back || adopted.length < 2) return;
      back = true;
      await withSessions(redis, { c: '' });
      await gone(redis, 'dead');
    });
    await reaper.see([{ instance: 'dead', at }]);
    expect([adopted.sort(), reaper.buried]).toEqual([['a', 'b'], 0]);
    expect(await client.zscore(KEYS.leases, 'dead')).toBe('0');
    await client.del(KEYS.reapers);
    await reaper.see([{ instance: 'dead', at: 0 }]);
    expect([adopted.sort(), reaper.buried]).toEqual([['a', 'b', 'c'], 1]);
    expect(await client.exists(KEYS.leases)).toBe(0);
  });

  it('notes nothing of sessions that are elsewhere, or are over', async () => {
    const redis = await startRedis();
    await withSessions(redis, { a: 'another', b: 'dead' });
    await redis.client.sadd(KEYS.held('dead'), 'over');
    await gone(redis, 'dead');
    const { reaper, adopted } = await reaperOf(redis, 'first');
    await reaper.see([{ instance: 'dead', at: 0 }]);
    expect(adopted).toEqual(['b']);
    expect(await redis.client.smembers(KEYS.held('first'))).toEqual(['b']);
    expect(await redis.client.exists(KEYS.held('dead'))).toBe(0);
  });

  it('and is killed when it has taken deliveries leaves them to the next one, which ends each once', async () => {
    const redis = await startRedis();
    await withDeliveries(redis, 150);
    await gone(redis, 'dead');
    const dying = () => {
      throw new Error('killed');
    };
    const first = await reaperOf(redis, 'first', 0, dying);
    await expect(first.reaper.see([{ instance: 'dead', at: 0 }])).rejects.toThrow('killed');
    expect(first.ended).toEqual([]);
    await redis.client.del(KEYS.reapers);
    const second = await reaperOf(redis, 'second');
    await second.reaper.see([{ instance: 'dead', at: 0 }]);
    expect(second.ended.sort((a, b) => a - b)).toEqual(upTo(150));
    // One that comes back finds out what it has lost.
    expect(await redis.client.scard(KEYS.taken('dead'))).toBe(150);
    expect((await redis.client.keys('*dead*')).sort()).toEqual([KEYS.taken('dead')]);
  });

  it('takes none of the deliveries of one that comes back when it has just been seen to be dead', async () => {
    const redis = await startRedis();
    await withDeliveries(redis, 3);
    await gone(redis, 'dead');
    const dead = await linkOf(redis, KEYS, 'dead');
    let taken: unknown;
    const comesBack = async () => {
      await redis.client.zadd(KEYS.leases, Date.now() + 60_000, 'dead');
      taken = await dead.run(FENCE, [KEYS.fence('dead'), KEYS.taken('dead')], ['60000']);
    };
    const first = await reaperOf(redis, 'first', 0, undefined, undefined, comesBack);
    await first.reaper.see([{ instance: 'dead', at: 0 }]);
    expect([taken, first.ended, first.reaper.buried]).toEqual([[], [], 0]);
    expect((await redis.client.hkeys(KEYS.open('dead'))).sort()).toEqual(['1', '2', '3']);
    // When it is dead again, the next one takes them.
    await gone(redis, 'dead');
    await redis.client.del(KEYS.reapers);
    const second = await reaperOf(redis, 'second');
    await second.reaper.see([{ instance: 'dead', at: 0 }]);
    expect(second.ended.sort()).toEqual([1, 2, 3]);
  });

  it('and stands still when it has taken deliveries ends none of them: another one may have begun', async () => {
    const redis = await startRedis();
    await withDeliveries(redis, 3);
    await gone(redis, 'dead');
    const first = await reaperOf(redis, 'first', 0, () => {
      first.clock.now += 1001;
    });
    await first.reaper.see([{ instance: 'dead', at: 0 }]);
    expect([first.ended, first.reaper.buried]).toEqual([[], 0]);
    await redis.client.del(KEYS.reapers);
    const second = await reaperOf(redis, 'second');
    await second.reaper.see([{ instance: 'dead', at: 0 }]);
    expect(second.ended.sort()).toEqual([1, 2, 3]);
  });
});
