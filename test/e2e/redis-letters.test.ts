// Dead letters over two instances with one Redis, as a user meets them: listed, exported and purged at either, by the command line.
import { afterEach, describe, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { runCli } from '../support/build.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { optIn } from '../support/opted-in.ts';
import { startRedis } from '../support/redis-server.ts';
import { expectHealthyLog, startSidecar } from '../support/sidecar-process.ts';
import { wallClock } from '../support/wall-clock.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

describe.skipIf(missing('redis-server'))('dead letters of several instances', () => {
  it('[P6] are one list with the instance named, outlive it, and are purged at another one', async () => {
    const backend = await startWsBackend();
    const redis = await startRedis();
    const config = {
      store: { at: redis.url, lease: '1500ms' },
      events: {
        rules: [
          { match: 'answer', confirm: 'processed', timeout: '60s', keep_lost: true },
          { match: 'note', confirm: 'processed', timeout: '60s' },
        ],
      },
      identity: { user: 'query:user', trust: 'upstream' },
      admin: { payloads: true },
    };
    const options = { upstream: backend.address, config };
    const first = await startSidecar(options);
    const second = await startSidecar(options);
    const ann = await optIn(`${first.ws}/ws`, 'ackspan=1&user=ann');
    await openClient(`${first.ws}/ws?user=bob`);
    tell(await backend.peer(0), event('e-1', 'answer', { text: 'forty-two' }));
    tell(await backend.peer(1), event('e-2', 'note'));
    await ann.frames(1);
    ann.say({ ackspan: 'reject', n: 1, reason: 'no room' });
    await first.reach({ failed: 1 });
    await eventually(async () => expect(await first.sum('ackspan_dead_letters_total', { result: 'kept' })).toBe(1));
    // Bob's event is in flight when its instance dies: the other one ends it, and writes its
    // letter.
    await eventually(async () => expect(await redis.client.keys('ackspan:*:open')).toHaveLength(1));
    await first.kill();
    await eventually(async () => expect(await second.sum('ackspan_dead_letters_total', { result: 'kept' })).toBe(1));

    const ask = (...args: string[]) => runCli(['dead-letters', '--admin', second.admin, ...args]);
    const lines = async (...args: string[]) =>
      (await ask('--export', ...args)).stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));
    const all = await lines();
    expect(all).toMatchObject([
      { event_id: 'e-2', error_type: 'instance_lost', user: 'bob', message: null },
      { event_id: 'e-1', error_type: 'rejected', user: 'ann', error_text: 'no room' },
    ]);
    expect(JSON.parse(all[1].message)).toMatchObject({ text: 'forty-two' });
    expect(all[0].instance).not.toBe(all[1].instance);
    expect(await lines('--reason', 'timeout')).toEqual([]);
    const purged = await ask('--purge', '--user', 'ann', '--why', 'case 812');
    expect([purged.code, purged.stdout]).toEqual([0, 'Removed 1 dead letter of "ann".\n']);
    expect(await lines()).toMatchObject([{ event_id: 'e-2' }]);

    await redis.kill();
    await eventually(async () => {
      const away = await ask('--purge', '--user', 'bob', '--why', 'case 813');
      expect([away.code, away.stderr]).toEqual([3, expect.stringContaining('cannot be reached')]);
    });
    expectHealthyLog(second);
  });

  it.skipIf(missing('faketime'))(
    '[P9] are found by how long ago they were lost, also at instances whose own clocks are wrong',
    async () => {
      const backend = await startWsBackend();
      const redis = await startRedis();
      const rules = [{ match: '*', confirm: 'processed', timeout: '60s' }];
      const options = { upstream: backend.address, config: { store: { at: redis.url }, events: { rules } } };
      const first = await startSidecar(options);
      const [ahead, behind] = [
        await startSidecar({ ...options, env: wallClock(7200).env }),
        await startSidecar({ ...options, env: wallClock(-7200).env }),
      ];
      const ann = await optIn(`${first.ws}/ws`);
      tell(await backend.peer(0), event('e-1'));
      await ann.frames(1);
      ann.say({ ackspan: 'reject', n: 1, reason: 'no room' });
      await first.reach({ failed: 1 });
      const found = async ({ admin }: { admin: string }, filter: string) => {
        const { dead_letters: letters } = await (await fetch(`${admin}/api/v1/dead-letters?${filter}`)).json();
        return letters.length;
      };
      for (const each of [first, ahead, behind]) {
        await eventually(async () => expect(await found(each, '')).toBe(1));
        expect(await found(each, 'since=1h')).toBe(1);
        expect(await found(each, 'until=1h')).toBe(0);
      }
    },
  );
});
