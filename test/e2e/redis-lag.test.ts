// A Redis that is behind when the instance that told it something is killed.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { type App, openApp } from '../support/agent-runs.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually, exitOf } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { startShared } from '../support/shared-store.ts';
import { expectHealthyLog } from '../support/sidecar-process.ts';

afterEach(closeAll);

const EVENTS = 1500;
/** Dead letters, some 250 KB: a busy machine's kernel takes that from a sender at once. */
const LETTERS = 200;
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

type Shared = Awaited<ReturnType<typeof startShared>>;

/** One sidecar with one client that has a session, keeps its events in flight, and has got one. */
async function begin(shared: Shared) {
  const first = await shared.start();
  shared.balancer.target = first.port;
  const app = openApp(shared.url('ann'), () => new Promise(() => {}));
  const run = await shared.runOf('ann');
  shared.backend.emit(run);
  await eventually(() => expect(app.numbers).toHaveLength(1));
  const ordinal = async () => Number(await shared.redis.client.hget(keyOf(app), 'ordinal'));
  await eventually(async () => expect(await ordinal()).toBe(1));
  return { first, app, run, ordinal };
}

const keyOf = ({ socket }: App): string => `ackspan:session:{${socket.resumption?.session}}`;

/** How many connections the one instance writes on, as Redis sees it. */
async function connections(client: Redis): Promise<number> {
  const [channel] = (await client.pubsub('CHANNELS', 'ackspan:presence:*')) as string[];
  return channel === undefined ? 0 : Number(((await client.pubsub('NUMSUB', channel)) as [string, number])[1]);
}

/**
 * A path to Redis that can hold what is said, and be cut: what is held gets there later, and then
 * the end.
 */
async function startPath(port: number) {
  const pairs = new Set<{ near: Socket; far: Socket; held: Buffer[] | undefined }>();
  let cut: (typeof pairs extends Set<infer P> ? P : never)[] = [];
  const server = createServer((near) => {
    const pair = { near, far: connect(port, '127.0.0.1'), held: undefined as Buffer[] | undefined };
    pairs.add(pair);
    near.on('data', (chunk) => (pair.held === undefined ? pair.far.write(chunk) : pair.held.push(chunk)));
    near.on('error', () => {});
    pair.far.on('error', () => {}).pipe(near);
  });
  atEnd(() => {
    for (const { near, far } of [...pairs, ...cut]) for (const socket of [near, far]) socket.destroy();
    server.close();
  });
  return {
    port: await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
    ),
    hold() {
      for (const pair of pairs) pair.held = [];
    },
    held: () => [...pairs].map(({ held = [] }) => Buffer.concat(held).toString('latin1')).join(''),
    /** The sidecar sees its connections end; Redis does not see that yet. */
    cut() {
      cut = [...pairs];
      pairs.clear();
      for (const { near } of cut) near.destroy();
    },
    release() {
      for (const { far, held = [] } of cut) far.end(Buffer.concat(held));
    },
  };
}

describe.skipIf(missing('redis-server'))('a Redis that is behind', () => {
  it('[P7] loses nothing of an instance that is killed meanwhile: all that its client got is there', async () => {
    const shared = await startShared();
    const { redis, backend, balancer, runOf } = shared;
    const { first, app, run } = await begin(shared);
    const second = await shared.start();
    redis.freeze();
    for (let i = 1; i < EVENTS; i++) {
      backend.emit(run);
      // Some of them in turns of their own.
      if (i % 50 === 0) await eventually(() => expect(app.numbers.length).toBeGreaterThanOrEqual(i));
    }
    await eventually(() => expect(app.numbers).toHaveLength(EVENTS));
    balancer.target = 0;
    await first.kill();
    redis.thaw();
    const key = keyOf(app);
    balancer.target = second.port;
    await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
    expect(Number(await redis.client.hget(key, 'ordinal'))).toBe(EVENTS);
    await second.reach({ tracked: EVENTS, pending: EVENTS, failed: 0 });
    const again = await runOf('ann');
    for (let i = 0; i < 5; i++) backend.emit(again);
    await eventually(() => expect(app.numbers).toEqual(upTo(EVENTS + 5)));
    expectHealthyLog(second);
  });

  it('[P7] has not read yet that a session began: its client is asked to come again, and goes on', async () => {
    const shared = await startShared();
    const path = await startPath(shared.redis.port);
    const first = await shared.start({ at: `redis://127.0.0.1:${path.port}` });
    const second = await shared.start();
    path.hold();
    shared.balancer.target = first.port;
    const app = openApp(shared.url('ann'), () => new Promise(() => {}));
    shared.backend.emit(await shared.runOf('ann'));
    await eventually(() => expect(app.numbers).toEqual([1]));
    await eventually(() => expect(path.held()).toContain('"ann-1"'));
    await first.kill();
    shared.balancer.target = second.port;
    const refused = () => second.sum('ackspan_connection_rejected_total');
    await eventually(async () => expect(app.resumed.length + (await refused())).toBeGreaterThan(0));
    expect(app.resumed).toEqual([]);
    path.cut();
    path.release();
    await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
    await second.reach({ pending: 1, tracked: 1 });
    expectHealthyLog(second);
  });

  it('answers late while an instance ends: its sessions are handed over all the same', async () => {
    const shared = await startShared();
    const { first, app } = await begin(shared);
    const second = await shared.start();
    shared.redis.freeze();
    shared.backend.emit(await shared.runOf('ann'));
    await eventually(() => expect(app.numbers).toEqual([1, 2]));
    await eventually(async () => expect(await first.sum('ackspan_store_degraded')).toBe(1));
    shared.balancer.target = second.port;
    first.signal('SIGTERM');
    expect((await exitOf(first)).code).toBe(0);
    shared.redis.thaw();
    await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
    await second.reach({ pending: 2, tracked: 2, failed: 0 });
  });

  it('keeps the dead letters of an instance that is killed meanwhile', async () => {
    const shared = await startShared({ events: { rules: [{ match: '*', confirm: 'processed', timeout: '1s' }] } });
    const { first, run } = await begin(shared);
    shared.redis.freeze();
    for (let i = 1; i < LETTERS; i++) shared.backend.emit(run);
    await first.reach({ timeout: LETTERS });
    await first.kill();
    shared.redis.thaw();
    await eventually(async () => expect(await shared.redis.client.xlen('ackspan:{letters}:all')).toBe(LETTERS));
  });

  it('that answers BUSY has dropped what it was told meanwhile, and is told again', async () => {
    const shared = await startShared({}, ['--busy-reply-threshold', '50']);
    const { first, app, run, ordinal } = await begin(shared);
    const { client } = shared.redis;
    const busy = client.duplicate();
    const spins = busy.eval('while true do end', 0).catch((error: Error) => error.message);
    await eventually(async () => expect(await client.ping().catch((error: Error) => error.message)).toContain('BUSY'));
    for (let i = 1; i < 50; i++) shared.backend.emit(run);
    await eventually(() => expect(app.numbers).toHaveLength(50));
    // It reads one connection after the other: what was written before has been dropped by then.
    await eventually(async () => expect(await first.sum('ackspan_store_degraded')).toBe(1));
    await client.script('KILL');
    expect(await spins).toContain('killed');
    busy.disconnect();
    await eventually(async () => expect(await ordinal()).toBe(50));
    await eventually(async () => expect(await first.sum('ackspan_store_degraded')).toBe(0));
  });

  it('[P10] has read all of an earlier connection before it is told everything anew: nothing old comes back', async () => {
    const shared = await startShared();
    const { redis, backend, balancer, runOf } = shared;
    const path = await startPath(redis.port);
    const first = await shared.start({ at: `redis://127.0.0.1:${path.port}`, lease: '10m' });
    balancer.target = first.port;
    let handled = (): void => {};
    const handling = new Promise<void>((resolve) => {
      handled = resolve;
    });
    const app = openApp(shared.url('ann'), () => handling);
    const run = await runOf('ann');
    const left = async () => (await redis.client.hkeys(keyOf(app))).filter((field) => /^[dmx]\d+$/.test(field));
    backend.emit(run);
    await eventually(async () => expect(await left()).not.toEqual([]));
    path.hold();
    for (let i = 1; i < EVENTS; i++) backend.emit(run);
    await first.reach({ pending: EVENTS });
    await eventually(() => expect(path.held()).toContain(`"ann-${EVENTS}"`));
    path.cut();
    handled();
    await first.reach({ confirmed: EVENTS, pending: 0 });
    await eventually(async () => expect(await connections(redis.client)).toBe(2));
    // It has every chance to begin too early.
    for (let i = 0; i < 10 && (await first.sum('ackspan_store_degraded')) === 1; i++) await redis.client.ping();
    path.release();
    await eventually(async () => expect(await connections(redis.client)).toBe(1));
    await eventually(async () => expect(await first.sum('ackspan_store_degraded')).toBe(0));
    await eventually(async () => expect(Number(await redis.client.hget(keyOf(app), 'ordinal'))).toBe(EVENTS));
    await eventually(async () => expect(await left()).toEqual([]));
    expect(await redis.client.hexists(keyOf(app), 'epoch')).toBe(1);
  });

  it('that has forgotten our scripts is noticed, and told again', async () => {
    const shared = await startShared();
    const { app, run, ordinal } = await begin(shared);
    await shared.redis.client.script('FLUSH');
    for (let i = 1; i < 5; i++) shared.backend.emit(run);
    await eventually(() => expect(app.numbers).toHaveLength(5));
    await eventually(async () => expect(await ordinal()).toBe(5));
  });

  it.each(['writes', 'asks'])('that cuts the connection which %s is told everything on new ones', async (which) => {
    const shared = await startShared();
    const { app, run, ordinal } = await begin(shared);
    const { client } = shared.redis;
    const list = String(await client.client('LIST')).split('\n');
    const ours = list.filter((line) => line.includes('name=ackspan'));
    const one = ours.find((line) => line.includes('-writes ') === (which === 'writes'));
    await client.client('KILL', 'ID', /id=(\d+)/.exec(one ?? '')![1]!);
    for (let i = 1; i < 5; i++) shared.backend.emit(run);
    await eventually(() => expect(app.numbers).toHaveLength(5));
    await eventually(async () => expect(await ordinal()).toBe(5));
  });

  it('does not let answers be turned off: said, and sessions move as elsewhere', async () => {
    const shared = await startShared();
    await shared.redis.client.acl('SETUSER', 'default', '-client|reply');
    const { first, app, run } = await begin(shared);
    expect(JSON.stringify(first.lines)).toContain('CLIENT REPLY');
    const second = await shared.start();
    shared.balancer.target = second.port;
    await first.kill();
    await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
    expect(run.sent).toBe(1);
    await second.reach({ pending: 1 });
  });
});
