// Close frames that came before the application had spoken (SPEC D24), where another process goes on with the session.
import { afterEach, describe, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { freePort } from '../support/free-port.ts';
import { asking, optIn } from '../support/opted-in.ts';
import { startRedis } from '../support/redis-server.ts';
import { type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { newDirectory } from '../support/store-directory.ts';
import { startWsBackend } from '../support/ws-peers.ts';

afterEach(closeAll);

const ENV = { ACKSPAN_SHUTDOWN_GRACE: '2s' };

async function outcomes(sidecar: SidecarProcess): Promise<string[]> {
  const rows = await sidecar.deliveries();
  return rows.map((row) => `${row.event_id} ${row.status} ${row.unverifiable_reason ?? row.error_type}`).sort();
}

/**
 * A sidecar on that store, and a client that has opted in, has the events `a` and `b`, and says
 * nothing by itself. `timeout`, `ttl`: of its events and its session.
 */
async function silentClient(store: 'file' | 'redis', timeout: string, ttl: string) {
  const at = store === 'file' ? `file:${newDirectory()}` : (await startRedis()).url;
  const backend = await startWsBackend();
  const config = {
    ...{ store: { at }, events: { rules: [{ match: '*', timeout }] } },
    ...{ sessions: { ttl }, limits: { patience: '300ms' } },
  };
  const port = await freePort();
  const start = () => startSidecar({ upstream: backend.address, port, config, env: ENV });
  const first = await start();
  const client = await optIn(`${first.ws}/ws`);
  const { socket } = await backend.peer(0);
  for (const id of ['a', 'b']) socket.send(JSON.stringify({ type: 'answer', event_id: id }));
  await client.frames(2);
  await eventually(async () =>
    expect((await first.deliveries()).map(({ level }) => level)).toEqual(['received', 'received']),
  );
  return { first, client, backend, start };
}

describe.each(['file', 'redis'] as const)('[D24] with the store %s, and a sidecar that restarts', (store) => {
  const it_ = it.skipIf(store === 'redis' && missing('redis-server'));

  it_.each([
    ['its time runs out', '60s', '1s'],
    ['its deadlines come first', '2s', '60s'],
  ])('the client was closed upon, and does not come again until %s: nobody can say', async (_, timeout, ttl) => {
    const { first, client, start } = await silentClient(store, timeout, ttl);
    first.signal('SIGTERM');
    expect(await client.closed).toBe(1012);
    await first.exited;
    const second = await start();
    await eventually(async () =>
      expect(await outcomes(second)).toEqual(['a', 'b'].map((id) => `${id} unverifiable closed`)),
    );
  });

  it_('the client had closed with 1001 by itself, and does not come again: nobody can say', async () => {
    const { first, client, start } = await silentClient(store, '2s', '60s');
    client.socket.close(1001);
    await client.closed;
    await eventually(async () => expect(await first.sum('ackspan_session_waiting')).toBe(1));
    first.signal('SIGTERM');
    await first.exited;
    const second = await start();
    await eventually(async () =>
      expect(await outcomes(second)).toEqual(['a', 'b'].map((id) => `${id} unverifiable client_left`)),
    );
  });

  it_.each([
    ['dies', 'SIGKILL'],
    ['stops', 'SIGTERM'],
  ] as const)(
    'the client comes back, goes without a Close frame, and the sidecar %s: it could have spoken',
    async (_, how) => {
      const { first, client, start } = await silentClient(store, '3s', '60s');
      first.signal('SIGTERM');
      await client.closed;
      await first.exited;
      const second = await start();
      const back = await optIn(`${second.ws}/ws`, asking(client.welcome, 2));
      expect(back.welcome.recovered).toBe(true);
      back.socket.terminate();
      await eventually(async () => expect(await second.sum('ackspan_session_waiting')).toBe(1));
      second.signal(how);
      await second.exited;
      const third = await start();
      await eventually(async () =>
        expect(await outcomes(third)).toEqual(['a', 'b'].map((id) => `${id} timeout timeout`)),
      );
    },
  );
});
