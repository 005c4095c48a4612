// A Redis that forgets, goes back in time or is full in the middle of a claim, and a client that never stays.
import { afterEach, describe, expect, it } from 'vitest';
import { startGateway } from '../failures/gateway.ts';
import { hold, openApp } from '../support/agent-runs.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { startShared } from '../support/shared-store.ts';
import type { SidecarProcess } from '../support/sidecar-process.ts';

afterEach(closeAll);

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const RECOVERED = { recovered: true, rejoined: false };

/** Outcomes over all instances. */
async function outcomes(...all: readonly SidecarProcess[]) {
  const stats = await Promise.all(all.map((each) => each.stats()));
  const of = (key: 'pending' | 'confirmed' | 'failed' | 'timeout' | 'unverifiable') =>
    stats.reduce((sum, one) => sum + one[key], 0);
  return {
    pending: of('pending'),
    confirmed: of('confirmed'),
    lost: of('failed') + of('timeout') + of('unverifiable'),
  };
}

describe.skipIf(missing('redis-server'))('[P10] against instances that share a Redis', () => {
  it('emptied while nobody has anything to say: who starts then knows the tokens and the numbers of the others', async () => {
    const shared = await startShared();
    const { client } = shared.redis;
    const first = await shared.start();
    shared.balancer.target = first.port;
    const { handle, release } = hold();
    const ann = openApp(shared.url('ann'), handle);
    const run = await shared.runOf('ann');
    for (let i = 0; i < 3; i++) shared.backend.emit(run);
    await first.reach({ pending: 3 });
    await client.flushall();
    const second = await shared.start();
    shared.balancer.target = second.port;
    const bob = openApp(shared.url('bob'), handle);
    const his = await shared.runOf('bob');
    for (let i = 0; i < 3; i++) shared.backend.emit(his);
    await second.reach({ pending: 3 });
    // The first one has noticed: it says with what it signs before it tells of its sessions.
    const key = `ackspan:session:{${ann.socket.resumption?.session}}`;
    await eventually(async () => expect(await client.exists(key)).toBe(1));
    await first.kill();
    await eventually(() => expect(ann.resumed).toEqual([RECOVERED]));
    await second.reach({ pending: 6 });
    expect(new Set((await second.deliveries()).map(({ id }) => id)).size).toBe(6);
    release();
    await second.reach({ pending: 0, confirmed: 6 });
    expect([ann.numbers, bob.numbers]).toEqual([upTo(3), upTo(3)]);
  });

  it('gone back to a time before the session moved: its client goes on with all that it has', async () => {
    const shared = await startShared();
    const { redis, balancer, backend } = shared;
    const [first, second] = [await shared.start(), await shared.start()];
    balancer.target = first.port;
    const { handle, release } = hold();
    const app = openApp(shared.url('ann'), handle);
    const emit = async (count: number): Promise<void> => {
      const run = await shared.runOf('ann');
      for (let i = 0; i < count; i++) backend.emit(run);
      await eventually(() => expect(app.numbers).toEqual(upTo(run.sent)));
    };
    await emit(3);
    await eventually(async () => expect(Number(await redis.client.hget(keyOf(), 'ordinal'))).toBe(3));
    await redis.client.save();
    balancer.target = second.port;
    balancer.cut();
    await eventually(() => expect(app.resumed).toEqual([RECOVERED]));
    await emit(4);
    await redis.kill();
    await redis.start();
    // To the one that Redis calls the holder again, at once.
    balancer.target = first.port;
    balancer.cut();
    await eventually(() => expect(app.resumed).toEqual([RECOVERED, RECOVERED]));
    await emit(2);
    await eventually(async () => expect(await outcomes(first, second)).toMatchObject({ pending: 9 }));
    release();
    await eventually(async () => expect(await outcomes(first, second)).toEqual({ pending: 0, confirmed: 9, lost: 0 }));

    function keyOf(): string {
      return `ackspan:session:{${app.socket.resumption?.session}}`;
    }
  });

  it('full in the middle of a claim: the client is asked to come again, and goes on when there is room', async () => {
    const shared = await startShared();
    const { redis, balancer, backend } = shared;
    const [first, second] = [await shared.start(), await shared.start()];
    balancer.target = first.port;
    const { handle, release } = hold();
    const app = openApp(shared.url('ann'), handle);
    const run = await shared.runOf('ann');
    for (let i = 0; i < 3; i++) backend.emit(run);
    await eventually(() => expect(app.numbers).toEqual(upTo(3)));
    await first.reach({ pending: 3 });
    await redis.client.config('SET', 'maxmemory', '1');
    balancer.target = second.port;
    balancer.cut();
    await eventually(async () => expect(await second.sum('ackspan_connection_rejected_total')).toBeGreaterThan(1));
    expect(app.resumed).toEqual([]);
    await redis.client.config('SET', 'maxmemory', '0');
    await eventually(() => expect(app.resumed).toEqual([RECOVERED]));
    const again = await shared.runOf('ann');
    backend.emit(again);
    release();
    await eventually(async () => expect(await outcomes(first, second)).toEqual({ pending: 0, confirmed: 4, lost: 0 }));
    expect(app.numbers).toEqual(upTo(4));
  });

  it('[P8] out of reach of a holder for longer than the lease: its client stays, and every delivery has one outcome', async () => {
    const shared = await startShared();
    const { redis, balancer, backend } = shared;
    const path = await startGateway(redis.port);
    atEnd(() => path.close());
    const first = await shared.start({ at: `redis://127.0.0.1:${path.port}` });
    const second = await shared.start();
    balancer.target = first.port;
    const { handle, release } = hold();
    // Two are confirmed before, two while it is cut off, the rest after that.
    let through = 2;
    const app = openApp(shared.url('ann'), (n) => (n <= through ? undefined : handle()));
    const run = await shared.runOf('ann');
    for (let i = 0; i < 4; i++) backend.emit(run);
    await first.reach({ confirmed: 2, pending: 2 });
    await eventually(async () => expect(await redis.client.hkeys(keyOf())).toContain('ordinal'));
    let back = (): void => {};
    const cut = path.cut(new Promise((resolve) => (back = () => resolve())));
    await eventually(async () => expect(await first.sum('ackspan_store_degraded')).toBe(1));
    through = 6;
    for (let i = 0; i < 4; i++) backend.emit(run);
    await first.reach({ confirmed: 4, pending: 4 });
    await second.reach({ pending: 2 });
    expect(app.numbers).toEqual(upTo(8));
    back();
    await cut;
    await second.reach({ pending: 0 });
    await eventually(async () => expect(await first.sum('ackspan_store_degraded')).toBe(0));
    await first.reach({ confirmed: 4, pending: 4 });
    release();
    backend.emit(run);
    await first.reach({ confirmed: 9, pending: 0 });
    expect(await outcomes(first, second)).toEqual({ pending: 0, confirmed: 9, lost: 0 });
    expect([app.closes, app.resumed]).toEqual([[], []]);
    // What it tells Redis counts again.
    balancer.target = second.port;
    await first.kill();
    await eventually(() => expect(app.resumed).toEqual([RECOVERED]));

    function keyOf(): string {
      return `ackspan:session:{${app.socket.resumption?.session}}`;
    }
  });

  it('[P8] a holder that stood still for longer than the lease, and whose client stayed, has its session back', async () => {
    const shared = await startShared();
    const { balancer, backend } = shared;
    const [first, second] = [await shared.start(), await shared.start()];
    balancer.target = first.port;
    const { handle, release } = hold();
    const app = openApp(shared.url('ann'), handle);
    const run = await shared.runOf('ann');
    for (let i = 0; i < 3; i++) backend.emit(run);
    await first.reach({ pending: 3 });
    await eventually(() => expect(app.numbers).toEqual(upTo(3)));
    first.signal('SIGSTOP');
    await second.reach({ pending: 3 });
    first.signal('SIGCONT');
    await second.reach({ pending: 0 });
    release();
    backend.emit(run);
    await first.reach({ confirmed: 4, pending: 0 });
    expect(await outcomes(first, second)).toEqual({ pending: 0, confirmed: 4, lost: 0 });
    expect([app.numbers, app.closes, app.resumed]).toEqual([upTo(4), [], []]);
  });

  it('a client that changes between two instances all the time: what was read is handed over once and confirmed', async () => {
    const shared = await startShared();
    const { balancer, backend } = shared;
    const [first, second] = [await shared.start(), await shared.start()];
    let turn = 0;
    balancer.target = () => (turn++ % 2 === 0 ? first.port : second.port);
    const app = openApp(shared.url('ann'));
    for (let flip = 0; flip < 100; flip++) {
      const run = await shared.runOf('ann');
      const [from, count] = [run.bySocket.length, app.numbers.length];
      for (let i = 0; i < 5; i++) backend.emit(run);
      await eventually(() => expect(app.numbers.length).toBeGreaterThan(count));
      balancer.cut();
      await eventually(() => expect(run.bySocket.length).toBeGreaterThan(from));
    }
    await eventually(async () => {
      const { pending, confirmed, lost } = await outcomes(first, second);
      expect({ pending, confirmed, lost }).toEqual({ pending: 0, confirmed: app.numbers.length, lost: 0 });
    });
    expect(app.numbers).toEqual([...new Set(app.numbers)].sort((a, b) => a - b));
    expect(app.resumed.every(({ recovered }) => recovered)).toBe(true);
  });
});
