// A client at the door of an instance that was taken for dead and wakes: the session is asked for before it goes on.
import { afterEach, describe, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { asking, type OptedInClient, optIn, type Welcome } from '../support/opted-in.ts';
import { startShared } from '../support/shared-store.ts';
import { expectHealthyLog, type SidecarProcess } from '../support/sidecar-process.ts';

afterEach(closeAll);

const RULES = { events: { rules: [{ match: '*', confirm: 'processed', timeout: '60s', attempts: [] }] } };

/**
 * A session whose client is away, at the first of two instances, which stands still; the second one
 * has reaped it.
 */
async function reaped() {
  const shared = await startShared(RULES);
  const [first, second] = [await shared.start(), await shared.start()];
  const client = await optIn(`${first.ws}/ws`, 'user=ann&ackspan=1');
  const run = await shared.runOf('ann');
  for (let i = 0; i < 3; i++) shared.backend.emit(run);
  await client.frames(3);
  client.socket.terminate();
  await eventually(async () => expect(await first.sum('ackspan_session_waiting')).toBe(1));
  first.signal('SIGSTOP');
  await eventually(async () => expect(await second.sum('ackspan_session_waiting')).toBe(1));
  return { shared, first, second, client };
}

it.skipIf(missing('redis-server'))(
  '[P8] an instance that wakes lets go of a session that was taken from it, although nothing happens in that',
  async () => {
    const { redis, backend, runOf, start } = await startShared(RULES);
    const alone = await start();
    const client = await optIn(`${alone.ws}/ws`, 'user=ann&ackspan=1');
    backend.emit(await runOf('ann'));
    await client.frames(1);
    client.socket.terminate();
    await eventually(async () => expect(await alone.sum('ackspan_session_waiting')).toBe(1));
    alone.signal('SIGSTOP');
    const [, seen] = await redis.client.zrange('ackspan:{instances}:leases', '0', '-1', 'WITHSCORES');
    await eventually(async () => {
      const [seconds] = await redis.client.time();
      expect(Number(seconds) * 1000).toBeGreaterThan(Number(seen) + 1500);
    });
    // As another instance takes it for its client, before any looks after what this one has left.
    const key = `ackspan:session:{${client.welcome.session}}`;
    await redis.client.hset(key, { owner: 'another', by: 'client', epoch: '2' });
    alone.signal('SIGCONT');
    await alone.reach({ tracked: 0, pending: 0, failed: 0, timeout: 0, unverifiable: 0 });
    expect(await alone.sum('ackspan_session_waiting')).toBe(0);
  },
);

/** Comes to an instance that stands still, and again where it asks for that. */
function comeBack(to: SidecarProcess, path: string, welcome: Welcome, last: number): Promise<OptedInClient> {
  const come = () => optIn(`${to.ws}${path}`, `user=ann&${asking(welcome, last)}`);
  return come().catch(() => eventually(come));
}

describe.skipIf(missing('redis-server'))('[P7] [P8] a client at the door of an instance that wakes', () => {
  it.each([
    ['where its connection to the backend is there', '/ws'],
    ['where the backend is asked for another one', '/other'],
  ])('gets its session, with all that it missed, although another instance has reaped that: %s', async (_, path) => {
    const { first, second, client } = await reaped();
    const back = comeBack(first, path, client.welcome, 1);
    first.signal('SIGCONT');
    const { welcome, frames, say } = await back;
    expect(welcome).toMatchObject({ session: client.welcome.session, recovered: true });
    expect((await frames(4)).filter((text) => text.includes('"n":'))).toHaveLength(4);
    say({ ackspan: 'confirm', through: 3, s: 1 });
    await first.reach({ pending: 0, confirmed: 3, failed: 0, unverifiable: 0 });
    await second.reach({ pending: 0, confirmed: 0, failed: 0 });
    for (const each of [first, second]) expectHealthyLog(each);
  });

  it('[R4] proves nothing there by what it has, where another instance has ended that: one outcome each', async () => {
    const { first, second, client } = await reaped();
    const moved = await optIn(`${second.ws}/ws`, `user=ann&${asking(client.welcome, 3)}`);
    moved.say({ ackspan: 'confirm', through: 3, s: 1 });
    await second.reach({ pending: 0, confirmed: 3 });
    moved.socket.terminate();
    const back = comeBack(first, '/ws', moved.welcome, 3);
    first.signal('SIGCONT');
    const { welcome, say } = await back;
    expect(welcome).toMatchObject({ session: client.welcome.session, recovered: true });
    say({ ackspan: 'confirm', through: 3, s: 2 });
    await first.reach({ pending: 0 });
    expect(await first.stats()).toMatchObject({ confirmed: 0, failed: 0, timeout: 0, unverifiable: 0 });
  });
});
