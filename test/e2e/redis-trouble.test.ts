// A Redis in trouble: away, emptied, standing still, refusing. The sidecar relays on, says what is wrong, and tells Redis everything again.
import { afterEach, describe, expect, it } from 'vitest';
import { type App, openApp, type Run } from '../support/agent-runs.ts';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { startShared } from '../support/shared-store.ts';
import { expectHealthyLog, type SidecarProcess } from '../support/sidecar-process.ts';

afterEach(closeAll);

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

interface Health {
  readonly ready: boolean;
  readonly status?: string;
  readonly degraded?: readonly string[];
}

const readyz = async ({ admin }: SidecarProcess): Promise<Health> =>
  (await (await fetch(`${admin}/readyz`)).json()) as Health;
const degraded = (sidecar: SidecarProcess, reason: string) =>
  eventually(async () => {
    const health = await readyz(sidecar);
    expect(health).toMatchObject({ ready: true, status: 'degraded' });
    expect(JSON.stringify(health)).toContain(reason);
    expect(await sidecar.sum('ackspan_store_degraded')).toBe(1);
  });
const sound = (sidecar: SidecarProcess) =>
  eventually(async () => {
    expect((await readyz(sidecar)).status).not.toBe('degraded');
    expect(await sidecar.sum('ackspan_store_degraded')).toBe(0);
  });

type Shared = Awaited<ReturnType<typeof startShared>>;

/** One sidecar with one client with a session, which has been handed three events. */
async function begin(shared: Shared, store: object = {}) {
  const first = await shared.start(store);
  shared.balancer.target = first.port;
  const app = openApp(shared.url('ann'));
  const run = await shared.runOf('ann');
  for (let i = 0; i < 3; i++) shared.backend.emit(run);
  await first.reach({ confirmed: 3, pending: 0 });
  return { first, app, run };
}

/** The relay goes on, whatever Redis does. */
async function goesOn({ backend }: Shared, first: SidecarProcess, run: Run): Promise<void> {
  const { confirmed } = await first.stats();
  backend.emit(run);
  await first.reach({ confirmed: confirmed + 1, pending: 0 });
}

/**
 * What is known of the session outlives the process again: killed, another instance goes on with
 * it.
 */
async function outlives(shared: Shared, first: SidecarProcess, app: App, run: Run): Promise<void> {
  const second = await shared.start();
  await sound(second);
  shared.balancer.target = second.port;
  await first.kill();
  await eventually(() => expect(app.resumed.at(-1)).toEqual({ recovered: true, rejoined: false }));
  await shared.runOf('ann');
  shared.backend.emit(run);
  await eventually(() => expect(app.numbers).toEqual(upTo(run.sent)));
  expectHealthyLog(second);
}

describe.skipIf(missing('redis-server'))('[P10] a Redis in trouble', () => {
  it('killed and started again, empty: degraded meanwhile, then everything is told again', async () => {
    const shared = await startShared();
    const { first, app, run } = await begin(shared);
    await shared.redis.kill();
    await degraded(first, 'Redis');
    await goesOn(shared, first, run);
    await shared.redis.start();
    await sound(first);
    const said = first.lines.filter(({ stage }) => stage === 'store').map((line) => JSON.stringify(line));
    expect(said[0]).toContain('the sidecar goes on with its memory');
    expect(said.at(-1)).toContain('Redis takes what it is told again');
    await outlives(shared, first, app, run);
  });

  it('emptied while it runs: noticed at the next word, and told everything again', async () => {
    const shared = await startShared();
    const { first, app, run } = await begin(shared);
    const other = openApp(shared.url('bob'));
    await shared.runOf('bob');
    await first.reach({ pending: 0 });
    await shared.redis.client.flushall();
    await goesOn(shared, first, run);
    await eventually(async () => expect(await shared.redis.client.keys('ackspan:session:*')).toHaveLength(2));
    expect(other.numbers).toEqual([]);
    await outlives(shared, first, app, run);
  });

  it('standing still: nothing waits for it, and what it was told meanwhile it takes in afterwards', async () => {
    const shared = await startShared();
    const { first, app, run } = await begin(shared);
    shared.redis.freeze();
    await goesOn(shared, first, run);
    await degraded(first, 'Redis answers late');
    await goesOn(shared, first, run);
    expect(await first.sum('ackspan_store_waiting_bytes')).toBeGreaterThan(0);
    shared.redis.thaw();
    await sound(first);
    expect(await first.sum('ackspan_store_commands_dropped_total')).toBe(0);
    await outlives(shared, first, app, run);
  });

  it('standing still for more than the kernel takes: what has changed waits, is told once, and nothing is given up', async () => {
    const shared = await startShared({
      ...{ sessions: { ttl: '60s', retained_bytes: '64MiB' }, limits: { retained_bytes_per_user: '64MiB' } },
    });
    const { first, app, run } = await begin(shared);
    shared.redis.freeze();
    const long = JSON.stringify({ type: 'agent_thinking', text: '.'.repeat(900_000) });
    for (let i = 0; i < 24; i++) {
      run.sent++;
      run.socket!.send(long.replace('{', `{"n":${run.sent},`));
    }
    await eventually(() => expect(app.numbers).toEqual(upTo(run.sent)));
    await first.reach({ pending: 0, confirmed: run.sent });
    await degraded(first, 'Redis answers late');
    // What the kernel has, and what was being handed to it when it was full.
    expect(await first.sum('ackspan_store_waiting_bytes')).toBeLessThan(12 * 1024 * 1024);
    expect(await first.sum('ackspan_store_held')).toBe(1);
    shared.redis.thaw();
    await sound(first);
    expect(await first.sum('ackspan_store_commands_dropped_total')).toBe(0);
    expect(await first.sum('ackspan_store_held')).toBe(0);
    await outlives(shared, first, app, run);
  });

  it.each([
    ['out of memory', 'OOM', ['maxmemory', '1'], ['maxmemory', '0']],
    ['short of replicas', 'NOREPLICAS', ['min-replicas-to-write', '1'], ['min-replicas-to-write', '0']],
  ] as const)('%s: says so, and goes on when it is over', async (_, word, bad, good) => {
    const shared = await startShared();
    const { first, app, run } = await begin(shared);
    await shared.redis.client.config('SET', ...bad);
    await goesOn(shared, first, run);
    await degraded(first, word);
    await goesOn(shared, first, run);
    await shared.redis.client.config('SET', ...good);
    await sound(first);
    await outlives(shared, first, app, run);
  });

  it('something else under the name of a session: says so until it is gone', async () => {
    const shared = await startShared();
    const { first, app, run } = await begin(shared);
    const key = (await shared.redis.client.keys('ackspan:session:*'))[0]!;
    await shared.redis.client.set(key, 'in its place');
    await goesOn(shared, first, run);
    await degraded(first, 'WRONGTYPE');
    await goesOn(shared, first, run);
    await shared.redis.client.del(key);
    await sound(first);
    await outlives(shared, first, app, run);
  });

  it('cut off from the sidecar, and back: no delivery is lost or ends twice', async () => {
    const shared = await startShared();
    const proxy = await startFaultProxy(shared.redis.port, () => undefined);
    const { first, app, run } = await begin(shared, { at: `redis://127.0.0.1:${proxy.port}` });
    proxy.open = false;
    proxy.storm();
    await degraded(first, 'Redis');
    await goesOn(shared, first, run);
    proxy.open = true;
    await sound(first);
    await outlives(shared, first, app, run);
  });

  it('not there at the start: the sidecar starts all the same, and is whole when Redis comes', async () => {
    const shared = await startShared();
    await shared.redis.kill();
    const first = await shared.start();
    expect(await readyz(first)).toMatchObject({ ready: true, status: 'degraded' });
    shared.balancer.target = first.port;
    const app = openApp(shared.url('ann'));
    const run = await shared.runOf('ann');
    for (let i = 0; i < 3; i++) shared.backend.emit(run);
    await first.reach({ confirmed: 3 });
    await shared.redis.start();
    await sound(first);
    await outlives(shared, first, app, run);
  });
});
