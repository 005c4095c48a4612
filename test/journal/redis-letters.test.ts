// Dead letters in Redis: the contract of every engine, and what Redis alone can do: go away, lose an answer, be shared.
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { openClient } from '../../src/journal/redis/client.ts';
import { keysOf } from '../../src/journal/redis/keys.ts';
import { LETTER_SCRIPTS } from '../../src/journal/redis/letter-scripts.ts';
import { RedisLetters } from '../../src/journal/redis/letters.ts';
import { Link } from '../../src/journal/redis/link.ts';
import { SCRIPTS } from '../../src/journal/redis/scripts.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { KEEP_MS, LOST_AT, letterOf, lettersContract, type OpenedLetters } from '../support/letters-contract.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';

afterEach(closeAll);

interface Options {
  readonly keepMs?: number;
  readonly limitBytes?: number;
  readonly waitingBytes?: number;
}

/** One instance's letters, whose clock is the test's. */
async function openOn(
  redis: RedisServer,
  { keepMs = KEEP_MS, limitBytes = 1 << 20, waitingBytes = 4000 }: Options = {},
) {
  const state = { wall: LOST_AT + 60_000, now: 1, open: false };
  const said: string[] = [];
  const place = {
    ...{ nodes: [{ host: '127.0.0.1', port: redis.port }], master: undefined, tls: false, ca: undefined },
    ...{ username: undefined, password: undefined, database: 0 },
  };
  const link: Link = new Link({
    ...{ redis: openClient(place, 'letters'), writes: openClient(place, 'letters, written') },
    ...{ keys: keysOf('test'), instance: randomUUID(), limitBytes: 1 << 24, now: () => performance.now() },
    async opened() {
      await Promise.all([...SCRIPTS, ...LETTER_SCRIPTS].map(({ text }) => link.send('script', ['load', text])));
      await link.prepare();
      state.open = true;
    },
    doubtful() {},
    refused() {},
    closed() {
      state.open = false;
    },
    told() {},
    fault() {},
  });
  const letters = new RedisLetters({
    ...{ link, keys: keysOf('test'), keepMs, limitBytes, waitingBytes },
    ready: () => state.open,
    now: () => state.now,
    wall: () => state.wall,
    report: ({ error }) => void said.push((error as Error).message),
  });
  const beat = setInterval(() => link.look(performance.now()), 20);
  atEnd(() => {
    clearInterval(beat);
    return link.end(100);
  });
  await eventually(() => expect(state.open).toBe(true));
  return { letters, state, said, link };
}

const lose = (letters: RedisLetters, ...all: Parameters<typeof letterOf>[]): void => {
  for (const each of all) letters.add(letterOf(...each), undefined);
  letters.handOver();
};
const seqsOf = async (letters: RedisLetters) =>
  (await letters.find({}, { limit: 10_000, messages: false })).found.map(({ letter }) => letter.seq);
// Which instances write is noted apart.
const keysLeft = async (redis: RedisServer) =>
  (await redis.client.keys('*')).filter((key) => key !== keysOf('test').marks).sort();

describe.skipIf(missing('redis-server'))('dead letters in Redis', () => {
  const opened = async (redis: RedisServer): Promise<OpenedLetters> => {
    const { letters, state } = await openOn(redis);
    return {
      letters,
      at: (wall) => {
        state.wall = wall;
      },
      reopen: () => opened(redis),
    };
  };
  lettersContract(async () => opened(await startRedis()));

  it('more letters than are read at a time come in order, with and without an owner, page by page', async () => {
    const { letters } = await openOn(await startRedis(), { waitingBytes: 1 << 20 });
    const all = Array.from({ length: 230 }, (_, i) => i + 1);
    lose(letters, ...all.map((seq): [number, object] => [seq, { user: seq % 2 ? 'ann' : 'bob' }]));
    expect(await seqsOf(letters)).toEqual([...all].reverse());
    const ofAnn: number[] = [];
    for (let after: string | undefined, more = true; more; ) {
      const page = await letters.find({ user: 'ann' }, { after, limit: 7, messages: false });
      ofAnn.push(...page.found.map(({ letter }) => letter.seq));
      after = page.found.at(-1)?.cursor;
      more = page.more;
    }
    expect(ofAnn).toEqual(all.filter((seq) => seq % 2).reverse());
  });

  it('[P6] letters of two instances are one list, each with its instance', async () => {
    const redis = await startRedis();
    const [a, b] = [await openOn(redis), await openOn(redis)];
    lose(a.letters, [1, { instance: 'a' }]);
    await eventually(() => expect(a.letters.counters.kept).toBe(1));
    lose(b.letters, [2, { instance: 'b' }]);
    const { found } = await b.letters.find({}, { limit: 10, messages: false });
    expect(found.map(({ letter }) => [letter.seq, letter.instance])).toEqual([
      [2, 'b'],
      [1, 'a'],
    ]);
    expect(await b.letters.purge({ user: 'ann' })).toBe(2);
    expect(await seqsOf(a.letters)).toEqual([]);
  });

  it('[P6] after a purge nothing in Redis names the user, in a key or in a value', async () => {
    const redis = await startRedis();
    const { letters } = await openOn(redis);
    letters.add(letterOf(1, { user: 'ann-the-user' }), Buffer.from('secret of ann'));
    letters.handOver();
    expect(await letters.purge({ user: 'ann-the-user' })).toBe(1);
    const left = await keysLeft(redis);
    expect(left).toEqual(['test:{letters}:once:1', expect.stringMatching(/^test:\{letters\}:purged:[\w-]{43}$/)]);
    for (const key of left) {
      expect(await redis.client.get(key)).toMatch(/^\d+$/);
      expect(await redis.client.pttl(key)).toBeGreaterThan(0);
    }
    expect(letters.bytes).toBe(0);
  });

  it('[P6] a letter that has waited at one instance while another one purged its user does not come afterwards', async () => {
    const redis = await startRedis();
    const [a, b] = [await openOn(redis), await openOn(redis)];
    b.state.open = false;
    lose(b.letters, [1], [2, { user: 'bob' }]);
    a.state.wall++;
    expect(await a.letters.purge({ user: 'ann' })).toBe(0);
    b.state.open = true;
    b.letters.handOver();
    expect(await seqsOf(b.letters)).toEqual([2]);
    expect(b.letters.counters).toEqual({ kept: 1, failed: 0 });
  });

  it('a delivery has one letter, also where the answer to the first was lost or two instances have lost it', async () => {
    const redis = await startRedis();
    const { letters, link, state } = await openOn(redis);
    redis.freeze();
    lose(letters, [1]);
    link.giveUp('a test');
    redis.thaw();
    await eventually(() => expect(state.open).toBe(true));
    letters.handOver();
    await eventually(async () => expect(await seqsOf(letters)).toEqual([1]));
    const other = await openOn(redis);
    lose(other.letters, [1]);
    expect(await seqsOf(other.letters)).toEqual([1]);
    expect(other.letters.counters).toEqual({ kept: 0, failed: 0 });
  });

  it('Redis away: as many letters wait as have room, the rest is counted and said once, and a search says that it failed', async () => {
    const redis = await startRedis();
    const { letters, state, said } = await openOn(redis);
    await redis.kill();
    await eventually(() => expect(state.open).toBe(false));
    for (let seq = 1; seq <= 20; seq++) lose(letters, [seq]);
    const { failed } = letters.counters;
    expect(failed).toBeGreaterThan(5);
    expect(said).toEqual(['dead letters cannot be written down: too many wait for Redis']);
    expect(letters.degraded).toBe(said[0]);
    await expect(letters.find({}, { limit: 1, messages: false })).rejects.toThrow('cannot be reached');
    await expect(letters.purge({ user: 'ann' })).rejects.toThrow('cannot be reached');
    await redis.start();
    await eventually(() => expect(state.open).toBe(true));
    letters.look(state.now);
    const kept = 20 - failed;
    expect(await seqsOf(letters)).toEqual(Array.from({ length: kept }, (_, i) => kept - i));
    expect(letters.counters).toEqual({ kept, failed });
    expect(letters.degraded).toBeUndefined();
  });

  it('a letter that has waited for an hour is given up: a purge is remembered no longer', async () => {
    const redis = await startRedis();
    const { letters, state, said } = await openOn(redis);
    state.open = false;
    lose(letters, [1]);
    state.wall += 3_600_001;
    state.open = true;
    letters.look(state.now);
    expect(await seqsOf(letters)).toEqual([]);
    expect(letters.counters).toEqual({ kept: 0, failed: 1 });
    expect(said).toEqual(['dead letters cannot be written down: Redis has been away for an hour']);
  });

  it('the stop says how many letters it takes along', async () => {
    const { letters, state, said } = await openOn(await startRedis());
    state.open = false;
    lose(letters, [1], [2]);
    letters.close();
    expect(letters.counters).toEqual({ kept: 0, failed: 2 });
    expect(said).toEqual(['dead letters cannot be written down: the process ends and Redis is away']);
  });

  it.each([
    [
      'out of memory',
      'OOM',
      (r: RedisServer) => r.client.config('SET', 'maxmemory', '1'),
      (r: RedisServer) => r.client.config('SET', 'maxmemory', '0'),
    ],
    [
      'another type under the key',
      'WRONGTYPE',
      (r: RedisServer) => r.client.set('test:{letters}:all', 'x'),
      (r: RedisServer) => r.client.del('test:{letters}:all'),
    ],
  ] as const)('%s: said once, and the letter comes when it is over', async (_, word, bad, good) => {
    const redis = await startRedis();
    const { letters, state, said } = await openOn(redis);
    await bad(redis);
    lose(letters, [1]);
    await eventually(() => expect(letters.degraded).toContain(word));
    state.now += 500;
    letters.look(state.now);
    await good(redis);
    state.now += 1000;
    letters.look(state.now);
    await eventually(async () => expect(await seqsOf(letters)).toEqual([1]));
    expect(said).toHaveLength(1);
    expect(letters.degraded).toBeUndefined();
  });

  it('too old or beyond the limit of bytes: the oldest go from Redis itself, and the figure follows', async () => {
    const redis = await startRedis();
    const { letters, state } = await openOn(redis, { limitBytes: 2500, waitingBytes: 1 << 20 });
    lose(letters, ...Array.from({ length: 12 }, (_, i): [number] => [i + 1]));
    letters.look(state.now);
    await eventually(() => expect(letters.bytes).toBeLessThanOrEqual(2500));
    const left = await seqsOf(letters);
    expect(left).toEqual(Array.from(left, (_, i) => 12 - i));
    expect(left.length).toBeGreaterThan(1);
    expect(await redis.client.xlen('test:{letters}:all')).toBe(left.length);
    state.wall = LOST_AT + KEEP_MS + 13_000;
    state.now += 10_000;
    letters.look(state.now);
    await eventually(() => expect(letters.bytes).toBe(0));
    expect(await redis.client.exists('test:{letters}:all')).toBe(0);
    expect(await redis.client.keys('*of:*')).toEqual([]);
  });

  it('[P6] letters that are kept for longer than when they were written are found by their user, and purged', async () => {
    const redis = await startRedis();
    const before = await openOn(redis, { keepMs: 1 });
    lose(before.letters, [1, { claimedUser: 'bob' }]);
    await eventually(() => expect(before.letters.counters.kept).toBe(1));
    // Whatever has a life in Redis that short is over.
    const at = () => redis.client.time().then(([s, us]) => Number(s) * 1000 + Number(us) / 1000);
    const written = await at();
    await eventually(async () => expect(await at()).toBeGreaterThan(written + 10));
    const { letters } = await openOn(redis);
    for (const user of [{ user: 'ann' }, { claimedUser: 'bob' }])
      expect((await letters.find(user, { limit: 10, messages: false })).found).toHaveLength(1);
    expect(await letters.purge({ user: 'ann' })).toBe(1);
    expect((await keysLeft(redis)).filter((key) => !/:(once|purged):/.test(key))).toEqual([]);
  });

  it('[P6] with `store.keep` 0 those of earlier processes go', async () => {
    const redis = await startRedis();
    lose((await openOn(redis)).letters, [1], [2]);
    const { letters, state } = await openOn(redis, { keepMs: 0 });
    await eventually(async () => expect(await redis.client.xlen('test:{letters}:all')).toBe(2));
    lose(letters, [3]);
    letters.look(state.now);
    await eventually(async () => expect(await redis.client.keys('*{letters}:[abo][lyf]*')).toEqual([]));
  });
});
