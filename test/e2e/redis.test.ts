// Several sidecars on one Redis, each a process of its own: a client that comes back at another instance, instances that die, a Redis in trouble.
import { afterEach, describe, expect, it } from 'vitest';
import { hold, openApp } from '../support/agent-runs.ts';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { startShared as setUp } from '../support/shared-store.ts';
import { expectHealthyLog } from '../support/sidecar-process.ts';

afterEach(closeAll);

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe.skipIf(missing('redis-server'))('with a store in Redis', () => {
  it('[P7] a client that comes back at another instance: the same session, every event once and in order', async () => {
    const { backend, balancer, start, url, runOf } = await setUp();
    const [first, second] = [await start(), await start()];
    balancer.target = first.port;
    const app = openApp(url('ann'));
    const run = await runOf('ann');
    for (let i = 0; i < 20; i++) backend.emit(run);
    await first.reach({ confirmed: 20 });
    balancer.target = second.port;
    balancer.cut();
    // The backend's connection is still there: what it emits meanwhile is kept.
    for (let i = 0; i < 5; i++) backend.emit(run);
    await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
    await runOf('ann');
    for (let i = 0; i < 5; i++) backend.emit(run);
    await second.reach({ pending: 0, confirmed: 10 });
    await eventually(() => expect(app.numbers).toEqual(upTo(run.sent)));
    expect(await first.stats()).toMatchObject({ pending: 0, failed: 0, timeout: 0, unverifiable: 0, confirmed: 20 });
    expect(await first.sum('ackspan_session_ended_total', { reason: 'moved' })).toBe(1);
    for (const each of [first, second]) expectHealthyLog(each);
  });

  it('[P7] killed in the middle of a run: the client goes on at another instance at once, one outcome each', async () => {
    const { backend, balancer, start, url, runOf } = await setUp();
    const [first, second] = [await start(), await start()];
    balancer.target = first.port;
    const app = openApp(url('ann'));
    const run = await runOf('ann');
    for (let i = 0; i < 20; i++) backend.emit(run);
    await first.reach({ confirmed: 20 });
    for (let i = 0; i < 10; i++) backend.emit(run);
    await eventually(() => expect(app.numbers).toHaveLength(30));
    balancer.target = second.port;
    await first.kill();
    await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
    await runOf('ann');
    for (let i = 0; i < 5; i++) backend.emit(run);
    await second.reach({ pending: 0, failed: 0, timeout: 0 });
    await eventually(() => expect(app.numbers).toEqual(upTo(35)));
    expectHealthyLog(second);
  });

  it('[P7] POST /drain: the client goes on at another instance while the drained one still runs, and has nothing in flight lost', async () => {
    const { backend, balancer, start, url, runOf } = await setUp();
    const [first, second] = [await start(), await start()];
    balancer.target = first.port;
    const { handle, release } = hold();
    const app = openApp(url('ann'), (number) => (number > 3 ? handle() : undefined));
    const run = await runOf('ann');
    for (let i = 0; i < 8; i++) backend.emit(run);
    await eventually(() => expect(app.numbers).toHaveLength(8));
    await first.reach({ confirmed: 3, pending: 5 });
    balancer.target = second.port;
    const answer = await fetch(`${first.admin}/drain`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-ackspan-request': '1' },
      body: JSON.stringify({ reason: 'roll-out' }),
    });
    expect(answer.status).toBe(200);
    await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
    await runOf('ann');
    release();
    for (let i = 0; i < 2; i++) backend.emit(run);
    await second.reach({ pending: 0, confirmed: 7, failed: 0, timeout: 0, unverifiable: 0 });
    await eventually(() => expect(app.numbers).toEqual(upTo(10)));
    expect(await first.stats()).toMatchObject({ pending: 0, confirmed: 3, failed: 0, timeout: 0, unverifiable: 0 });
    for (const each of [first, second]) expectHealthyLog(each);
  });

  it('[P7] one instance, killed and started again: the client goes on as if its connection had been lost', async () => {
    const { backend, balancer, start, url, runOf } = await setUp();
    const first = await start();
    balancer.target = first.port;
    const app = openApp(url('ann'), () => new Promise(() => {}));
    const run = await runOf('ann');
    for (let i = 0; i < 4; i++) backend.emit(run);
    await eventually(() => expect(app.numbers).toHaveLength(4));
    balancer.target = 0;
    await first.kill();
    const second = await start();
    balancer.target = second.port;
    await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
    expect(await second.stats()).toMatchObject({ tracked: 4, pending: 4, failed: 0 });
    expect(app.numbers).toEqual(upTo(4));
  });

  it('[P8] a dead instance: its other deliveries end as lost once over all survivors, and a session that nobody claims waits at one of them', async () => {
    const { backend, balancer, start, url, runOf, redis } = await setUp({
      events: { rules: [{ match: '*', confirm: 'processed', timeout: '60s' }] },
    });
    const [first, second, third] = [await start(), await start(), await start()];
    balancer.target = first.port;
    const app = openApp(url('ann'), () => new Promise(() => {}));
    const { WebSocket } = await import('ws');
    const bob = new WebSocket(url('bob'));
    const [own, other] = [await runOf('ann'), await runOf('bob')];
    for (let i = 0; i < 3; i++) backend.emit(own);
    for (let i = 0; i < 150; i++) backend.emit(other);
    await eventually(() => expect(app.numbers).toHaveLength(3));
    await eventually(async () => {
      const open = (await redis.client.keys('ackspan:{*}:open'))[0];
      expect(await redis.client.hlen(open ?? '')).toBe(150);
    });
    balancer.target = 0;
    await first.kill();
    bob.terminate();
    const survivors = [second, third];
    const sum = async (name: string, labels: Record<string, string>): Promise<number> => {
      const all = await Promise.all(survivors.map((each) => each.sum(name, labels)));
      return all.reduce((a, b) => a + b, 0);
    };
    await eventually(async () =>
      expect(await sum('ackspan_delivery_duration_seconds_count', { error_type: 'instance_lost' })).toBe(150),
    );
    await eventually(async () => expect(await sum('ackspan_store_restored_total', { kind: 'sessions' })).toBe(1));
    const holder = (await second.stats()).pending === 3 ? second : third;
    expect((await holder.stats()).pending).toBe(3);
    // The client comes back where its session is not.
    const another = holder === second ? third : second;
    balancer.target = another.port;
    await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
    expect((await another.stats()).pending).toBe(3);
    expect((await holder.stats()).pending).toBe(0);
    expect(await sum('ackspan_delivery_duration_seconds_count', { error_type: 'instance_lost' })).toBe(150);
    const left = await redis.client.zrange('ackspan:{instances}:leases', '0', '-1');
    expect(left).toHaveLength(2);
    for (const each of survivors) expectHealthyLog(each);
  });

  it('[P7] SIGTERM: the sessions go to the next instance, and nothing of them has failed', async () => {
    const { backend, balancer, start, url, runOf } = await setUp({ shutdown: { grace: '3s' } });
    const [first, second] = [await start(), await start()];
    balancer.target = first.port;
    const app = openApp(url('ann'), () => new Promise(() => {}));
    const run = await runOf('ann');
    for (let i = 0; i < 4; i++) backend.emit(run);
    await eventually(() => expect(app.numbers).toHaveLength(4));
    balancer.target = second.port;
    first.signal('SIGTERM');
    await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
    expect(await first.exited).toEqual({ code: 0, signal: null });
    expect(await second.stats()).toMatchObject({ tracked: 4, pending: 4, failed: 0 });
    expect(app.numbers).toEqual(upTo(4));
    for (const each of [first, second]) expectHealthyLog(each);
  });

  it('[P7] [D24] SIGTERM, and no client comes back: what was in flight ends at a survivor, once, and nobody can say how', async () => {
    const { backend, balancer, start, url, runOf } = await setUp({
      ...{ shutdown: { grace: '2s' }, sessions: { ttl: '1s', reload: '0s' } },
    });
    const [first, second] = [await start(), await start()];
    balancer.target = first.port;
    const app = openApp(url('ann'), () => new Promise(() => {}));
    const run = await runOf('ann');
    for (let i = 0; i < 4; i++) backend.emit(run);
    await eventually(() => expect(app.numbers).toHaveLength(4));
    balancer.target = 0;
    first.signal('SIGTERM');
    await first.exited;
    await second.reach({ tracked: 4, pending: 0, unverifiable: 4, failed: 0 });
  });
});
