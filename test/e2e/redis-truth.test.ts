// One truth over several instances: what an application says at one of them about an event of another, and what people read at any of them.
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openApp } from '../support/agent-runs.ts';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { startShared } from '../support/shared-store.ts';
import type { SidecarProcess } from '../support/sidecar-process.ts';
import { wallClock } from '../support/wall-clock.ts';

afterEach(closeAll);

const CONFIG = {
  identity: { user: [{ query: 'user' }], trust: 'upstream' },
  events: { rules: [{ match: '*', confirm: 'processed', timeout: '60s', attempts: [] }] },
};

/** A client without the SDK, at that instance. Ends with the test's backend. */
async function connect({ ws }: SidecarProcess, user: string): Promise<WebSocket> {
  const client = new WebSocket(`${ws}/ws?user=${user}`);
  await new Promise((resolve, reject) => client.once('open', resolve).once('error', reject));
  return client;
}

const confirm = (client: WebSocket, event_id: string, more: object = {}): void =>
  client.send(JSON.stringify({ type: 'event_confirmation', event_id, status: 'confirmed', ...more }));

/** One event, sent to the user's client at `first`, which answers pings and says nothing. */
async function oneEvent(env: Readonly<Record<string, string>> = {}) {
  const shared = await startShared(CONFIG);
  const [first, second] = [await shared.start(), await shared.start({}, env)];
  const silent = await connect(first, 'ann');
  const run = await shared.runOf('ann');
  shared.backend.emit(run);
  await first.reach({ pending: 1 });
  // Its receipt is proven, by a pong to a barrier of an attempt or of the end of the turn.
  await eventually(async () => {
    const { deliveries } = (await (await fetch(`${first.admin}/api/v1/deliveries`)).json()) as {
      deliveries: { received_ms: number | null }[];
    };
    expect(deliveries[0]!.received_ms).not.toBeNull();
  });
  return { shared, first, second, silent, run };
}

describe.skipIf(missing('redis-server'))('[D6] a confirmation at another instance', () => {
  it('of the same user confirms the event, once', async () => {
    const { first, second } = await oneEvent();
    const other = await connect(second, 'ann');
    confirm(other, 'ann-1');
    await first.reach({ confirmed: 1, pending: 0 });
    confirm(other, 'ann-1');
    await eventually(async () =>
      expect(await first.sum('ackspan_confirmation_unmatched_total', { reason: 'duplicate' })).toBe(1),
    );
    expect(await second.stats()).toMatchObject({ tracked: 0, confirmed: 0 });
    expect(await second.sum('ackspan_confirmation_unmatched_total')).toBe(0);
  });

  it('rejects it, if that is what it says', async () => {
    const { first, second } = await oneEvent();
    confirm(await connect(second, 'ann'), 'ann-1', { status: 'failed', error: 'no room' });
    await first.reach({ failed: 1, pending: 0 });
  });

  it('of another user, or of nobody known, changes nothing and is counted', async () => {
    const { first, second } = await oneEvent();
    confirm(await connect(second, 'bob'), 'ann-1');
    await eventually(async () =>
      expect(await second.sum('ackspan_confirmation_unmatched_total', { reason: 'unknown' })).toBe(1),
    );
    expect(await first.stats()).toMatchObject({ pending: 1, confirmed: 0 });
  });

  it('of an event that was sent to the user at two instances is ambiguous, and changes nothing', async () => {
    const { shared, first, second } = await oneEvent();
    const third = await shared.start();
    const also = await connect(second, 'ann');
    const run = await shared.runOf('ann');
    // The same event again, to the client at the second instance.
    run.sent = 0;
    shared.backend.emit(run);
    await second.reach({ pending: 1 });
    confirm(await connect(third, 'ann'), 'ann-1');
    await eventually(async () =>
      expect(await third.sum('ackspan_confirmation_unmatched_total', { reason: 'unknown' })).toBe(1),
    );
    expect(await first.stats()).toMatchObject({ pending: 1, confirmed: 0 });
    expect(await second.stats()).toMatchObject({ pending: 1, confirmed: 0 });
    also.terminate();
  });

  it.skipIf(missing('faketime'))(
    '[P9] of an instance whose clock is 5 s ahead or behind confirms as well',
    async () => {
      for (const seconds of [5, -5]) {
        const { first, second } = await oneEvent(wallClock(seconds).env);
        expect(Math.abs(startOf(second) - startOf(first))).toBeGreaterThan(3000);
        confirm(await connect(second, 'ann'), 'ann-1');
        await first.reach({ confirmed: 1, pending: 0 });
      }
    },
  );
});

describe.skipIf(missing('redis-server', 'faketime'))('[P9] a session that moves between clocks', () => {
  it.each([
    ['10 s apart', -5, 5],
    ['3 days apart, longer than a token is good', -3 * 86_400, 0],
  ])('%s keeps its deadlines: what has time left does not end, and ends when its time is up', async (_, one, other) => {
    const shared = await startShared({ events: { rules: [{ match: '*', timeout: '8s', attempts: [] }] } });
    const [first, second] = [await shared.start({}, wallClock(one).env), await shared.start({}, wallClock(other).env)];
    expect(startOf(second) - startOf(first)).toBeGreaterThan((other - one) * 1000 - 2000);
    shared.balancer.target = first.port;
    const app = openApp(shared.url('ann'), () => new Promise(() => {}));
    const run = await shared.runOf('ann');
    shared.backend.emit(run);
    await eventually(() => expect(app.numbers).toEqual([1]));
    shared.balancer.target = second.port;
    shared.balancer.cut();
    await second.reach({ tracked: 1, pending: 1, timeout: 0 });
    await second.reach({ timeout: 1, pending: 0 });
    expect(await first.stats()).toMatchObject({ tracked: 0, timeout: 0 });
    const took = await second.sum('ackspan_delivery_duration_seconds_sum', { error_type: 'timeout' });
    expect(took).toBeGreaterThan(7.9);
  });
});

describe.skipIf(missing('redis-server', 'faketime'))('[P9] a clock of Redis that is set', () => {
  it.each([
    ['10 h forward', 36_000],
    ['10 h back', -36_000],
  ])('%s ends no delivery of a session that moves, and keeps none open', async (_, seconds) => {
    const clock = wallClock();
    const rules = [{ match: '*', confirm: 'processed', timeout: '8s', attempts: [] }];
    const shared = await startShared({ events: { rules } }, [], clock);
    const [first, second] = [await shared.start(), await shared.start()];
    // An instance notices by its own deliveries, so that each of the two has one.
    for (const [user, { port }] of [['bob', second] as const, ['ann', first] as const]) {
      shared.balancer.target = port;
      const app = openApp(shared.url(user), () => new Promise(() => {}));
      shared.backend.emit(await shared.runOf(user));
      await eventually(() => expect(app.numbers).toEqual([1]));
    }
    const times = async (): Promise<number[]> => {
      const { client } = shared.redis;
      const texts: string[] = [];
      for (const key of await client.keys('ackspan*'))
        if ((await client.type(key)) === 'hash') texts.push(...(await client.hvals(key)));
      return texts.flatMap((text) => Array.from(text.matchAll(/"sentAt":([\d.]+)/g), ([, at]) => Number(at)));
    };
    await eventually(async () => expect(await times()).toHaveLength(2));
    clock.set(seconds);
    await eventually(async () => {
      for (const at of await times()) expect(Math.abs(at - clock.now())).toBeLessThan(60_000);
    });
    shared.balancer.target = second.port;
    shared.balancer.cut();
    await second.reach({ tracked: 2, timeout: 2, pending: 0 });
    const took = await second.sum('ackspan_delivery_duration_seconds_sum', { error_type: 'timeout' });
    expect(took).toBeGreaterThan(15.9);
    expect(took).toBeLessThan(3600);
    expect(await first.stats()).toMatchObject({ tracked: 0, timeout: 0 });
  });
});

describe.skipIf(missing('redis-server'))('what people read at one instance of all', () => {
  interface Page {
    readonly deliveries: { event_id: string; instance: string; id: string }[];
    readonly sessions: { user: string; instance: string }[];
    readonly instances: string[];
    readonly missing: number;
    readonly next_cursor: string | null;
  }
  const read = async ({ admin }: SidecarProcess, path: string): Promise<Page> =>
    (await (await fetch(`${admin}/api/v1/instances/${path}`)).json()) as Page;

  it('deliveries and sessions of every instance, each with its name, in pages without gap or repetition', async () => {
    const shared = await startShared(CONFIG);
    const [first, second] = [await shared.start(), await shared.start()];
    await connect(first, 'ann');
    const ann = await shared.runOf('ann');
    await connect(second, 'bob');
    const bob = await shared.runOf('bob');
    for (let i = 0; i < 5; i++) shared.backend.emit(ann);
    for (let i = 0; i < 3; i++) shared.backend.emit(bob);
    await first.reach({ pending: 5 });
    await second.reach({ pending: 3 });
    for (const asked of [first, second]) {
      const page = await read(asked, 'deliveries');
      expect(page).toMatchObject({ missing: 0, next_cursor: null });
      expect(new Set(page.instances).size).toBe(2);
      expect(page.deliveries.map(({ event_id }) => event_id).sort()).toEqual(
        [...[1, 2, 3, 4, 5].map((n) => `ann-${n}`), ...[1, 2, 3].map((n) => `bob-${n}`)].sort(),
      );
      expect(new Set(page.deliveries.map(({ id }) => id)).size).toBe(8);
      const of = (user: string) =>
        new Set(page.deliveries.filter(({ event_id }) => event_id.startsWith(user)).map(({ instance }) => instance));
      expect([of('ann').size, of('bob').size, new Set([...of('ann'), ...of('bob')]).size]).toEqual([1, 1, 2]);
    }
    const only = await read(second, 'deliveries?user=ann&limit=2');
    expect(only.deliveries.map(({ event_id }) => event_id)).toEqual(['ann-5', 'ann-4']);
    const seen = [...only.deliveries];
    for (let { next_cursor: next } = only; next !== null; ) {
      const page = await read(second, `deliveries?user=ann&limit=2&cursor=${next}`);
      seen.push(...page.deliveries);
      next = page.next_cursor;
    }
    expect(seen.map(({ event_id }) => event_id)).toEqual([5, 4, 3, 2, 1].map((n) => `ann-${n}`));
    const one = (await read(second, 'deliveries/ann-3')) as unknown as { event_id: string; instance: string };
    expect(one).toMatchObject({ event_id: 'ann-3', instance: seen[0]!.instance });
    const sessions = await read(first, 'sessions');
    expect(sessions.sessions.map(({ user }) => user).sort()).toEqual(['ann', 'bob']);
    await second.kill();
    const alone = await read(first, 'deliveries');
    expect(new Set(alone.deliveries.map(({ event_id }) => event_id.slice(0, 3)))).toEqual(new Set(['ann']));
  });

  it('one that stands still is missing, and the others are shown', async () => {
    const shared = await startShared(CONFIG);
    const [first, second] = [await shared.start({ lease: '60s' }), await shared.start({ lease: '60s' })];
    second.signal('SIGSTOP');
    expect(await read(first, 'deliveries')).toMatchObject({ missing: 1, deliveries: [] });
    second.signal('SIGCONT');
    await eventually(async () => expect(await read(first, 'deliveries')).toMatchObject({ missing: 0 }));
  });
});

/** When the process began to listen, by its own clock, ms since the epoch. */
function startOf({ lines }: SidecarProcess): number {
  return Date.parse(String(lines.find(({ msg }) => msg === 'listening')!.time));
}
