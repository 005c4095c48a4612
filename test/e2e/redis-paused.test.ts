// An instance that stands still for longer than its lease, and wakes when others have its sessions.
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { hold, openApp } from '../support/agent-runs.ts';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { asking, optIn } from '../support/opted-in.ts';
import { startShared } from '../support/shared-store.ts';
import { expectHealthyLog } from '../support/sidecar-process.ts';

afterEach(closeAll);

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
/** The key of the deliveries in flight, without a session, of the only instance that has some. */
const openOf = async ({ redis }: Awaited<ReturnType<typeof startShared>>): Promise<string> =>
  (await redis.client.keys('*:open'))[0] ?? 'none yet';
const NO_LOSS = { failed: 0, timeout: 0, unverifiable: 0 };

describe.skipIf(missing('redis-server'))('[P8] a paused holder', () => {
  it('that wakes after its session was taken is fenced: one outcome each, over both instances', async () => {
    const shared = await startShared();
    const [first, second] = [await shared.start(), await shared.start()];
    shared.balancer.target = first.port;
    const { handle, release } = hold();
    const app = openApp(shared.url('ann'), handle);
    const run = await shared.runOf('ann');
    for (let i = 0; i < 4; i++) shared.backend.emit(run);
    await eventually(() => expect(app.numbers).toEqual(upTo(4)));
    first.signal('SIGSTOP');
    shared.balancer.target = second.port;
    shared.balancer.cut();
    await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
    const again = await shared.runOf('ann');
    await second.reach({ pending: 4 });
    first.signal('SIGCONT');
    await first.reach({ pending: 0, confirmed: 0, ...NO_LOSS });
    release();
    shared.backend.emit(again);
    await second.reach({ pending: 0, confirmed: 5, ...NO_LOSS });
    expect(app.numbers).toEqual(upTo(5));
    expect(await first.stats()).toMatchObject({ pending: 0, confirmed: 0, ...NO_LOSS });
    for (const each of [first, second]) expectHealthyLog(each);
  });

  it('whose deadlines have passed meanwhile ends nothing that a survivor has ended', async () => {
    const shared = await startShared({ events: { rules: [{ match: '*', confirm: 'processed', timeout: '4s' }] } });
    const [first, second] = [await shared.start(), await shared.start()];
    shared.balancer.target = first.port;
    const app = openApp(shared.url('ann'), () => new Promise(() => {}));
    const run = await shared.runOf('ann');
    for (let i = 0; i < 4; i++) shared.backend.emit(run);
    await eventually(() => expect(app.numbers).toEqual(upTo(4)));
    first.signal('SIGSTOP');
    shared.balancer.target = second.port;
    shared.balancer.cut();
    await second.reach({ timeout: 4, pending: 0 });
    first.signal('SIGCONT');
    await first.reach({ pending: 0 });
    expect(await first.stats()).toMatchObject({ confirmed: 0, ...NO_LOSS });
    expect(await second.sum('ackspan_dead_letters_total')).toBe(4);
    expect(await shared.redis.client.xlen('ackspan:{letters}:all')).toBe(4);
  });

  it('reads what a client without a session said meanwhile when it knows what a survivor has ended', async () => {
    const shared = await startShared();
    const [first, second] = [await shared.start(), await shared.start()];
    const ann = new WebSocket(`${first.ws}/ws?user=ann`, { autoPong: false });
    let answers = true;
    const pings: Buffer[] = [];
    ann.on('ping', (payload) => (answers ? ann.pong(payload) : pings.push(payload)));
    const run = await shared.runOf('ann');
    shared.backend.emit(run);
    await first.reach({ confirmed: 1 });
    answers = false;
    for (let i = 0; i < 3; i++) shared.backend.emit(run);
    await eventually(async () => expect(await shared.redis.client.hlen(await openOf(shared))).toBe(3));
    await eventually(() => expect(pings.length).toBeGreaterThan(0));
    first.signal('SIGSTOP');
    // The answers, and the end, lie in the socket of the one that stands still.
    for (const ping of pings) ann.pong(ping);
    ann.close(1000);
    await second.reach({ failed: 3 });
    first.signal('SIGCONT');
    await first.reach({ pending: 0 });
    expect(await first.stats()).toMatchObject({ ...NO_LOSS, confirmed: 1 });
    expect(await second.stats()).toMatchObject({ failed: 3, confirmed: 0 });
  });

  it('one token shown at two instances at a time: one of the clients keeps the session, with all that it missed', async () => {
    const shared = await startShared();
    const all = [await shared.start(), await shared.start(), await shared.start()] as const;
    for (let round = 0; round < 10; round++) {
      const user = `user${round}`;
      const client = await optIn(`${all[0].ws}/ws`, `user=${user}&ackspan=1`);
      const run = await shared.runOf(user);
      for (let i = 0; i < 3; i++) shared.backend.emit(run);
      await client.frames(3);
      client.socket.terminate();
      const query = `user=${user}&${asking(client.welcome, 1)}`;
      const both = await Promise.allSettled([optIn(`${all[1].ws}/ws`, query), optIn(`${all[2].ws}/ws`, query)]);
      const welcomes = both.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      // The same token may be shown again, by a client that has not got its welcome: the later one
      // has the session.
      const holders = welcomes.filter(({ welcome }) => welcome.session === client.welcome.session);
      expect(holders.length).toBeGreaterThan(0);
      const open = () => holders.filter(({ socket }) => socket.readyState === WebSocket.OPEN);
      await eventually(() => expect(open()).toHaveLength(1));
      const [winner] = open();
      // Messages 2 and 3 again, each announced. On a slow machine the first one is sent again, too:
      // nobody has confirmed it.
      await eventually(() => expect(winner!.texts.filter((text) => /"n":[23]\b/.test(text))).toHaveLength(4));
      winner!.say({ ackspan: 'confirm', through: 3 });
    }
    await eventually(async () => {
      const stats = await Promise.all(all.map((each) => each.stats()));
      const of = (key: 'pending' | 'confirmed' | 'failed') => stats.reduce((sum, one) => sum + one[key], 0);
      expect({ pending: of('pending'), confirmed: of('confirmed'), failed: of('failed') }).toEqual({
        ...{ pending: 0, confirmed: 30, failed: 0 },
      });
    });
  });
});
