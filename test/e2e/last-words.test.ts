// A client that has opted in, and Close frames that come before its application has spoken (SPEC D24): over real sockets.
import { afterEach, describe, expect, it } from 'vitest';
import { openApp, startAgentBackend } from '../support/agent-runs.ts';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { optIn } from '../support/opted-in.ts';
import { bugs, type SidecarHere, sidecarHere } from '../support/sidecar-here.ts';
import { startWsBackend } from '../support/ws-peers.ts';

afterEach(closeAll);

interface Row {
  readonly event_id: string;
  readonly status: string;
  readonly error_type: string | null;
  readonly unverifiable_reason: string | null;
  readonly level: string | null;
}

async function outcomes(sidecar: SidecarHere): Promise<string[]> {
  const { deliveries } = await sidecar.get<{ deliveries: Row[] }>('/api/v1/deliveries');
  return deliveries
    .map((row) => `${row.event_id} ${row.status} ${row.error_type ?? row.unverifiable_reason ?? row.level}`)
    .sort();
}

/**
 * A client that has opted in and says nothing by itself. `type`: of the three events that the
 * backend sends it.
 */
async function silentClient(settings: object = {}, type = 'answer') {
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address, { limits: { patience: '300ms' }, ...settings });
  const client = await optIn(`${sidecar.ws}/ws`);
  const { socket: server } = await backend.peer(0);
  const send = (...ids: string[]): void => {
    for (const id of ids) server.send(JSON.stringify({ type, event_id: id }));
  };
  send('a', 'b', 'c');
  await client.frames(3);
  return { backend, sidecar, client, server, send };
}

/** Its stack has answered for all three. */
async function received(sidecar: SidecarHere): Promise<void> {
  await eventually(async () => {
    const { deliveries } = await sidecar.get<{ deliveries: Row[] }>('/api/v1/deliveries');
    expect(deliveries.map(({ level }) => level)).toEqual(['received', 'received', 'received']);
  });
}

/** Outcomes of its three events. */
const all = (outcome: string): string[] => ['a', 'b', 'c'].map((id) => `${id} ${outcome}`);

describe('[D24] the backend closes right behind its last event', () => {
  it.each([1000, 1001, 1011, 4000])('with %i: the SDK still says that the application has it', async (code) => {
    const backend = await startWsBackend();
    const sidecar = await sidecarHere(backend.address, { limits: { patience: '20s' } });
    const app = openApp(`${sidecar.ws}/ws`);
    const { socket: server } = await backend.peer(0);
    for (const n of [1, 2, 3]) server.send(JSON.stringify({ type: 'answer', event_id: `e${n}`, n }));
    server.close(code, 'done');
    await eventually(async () =>
      expect(await outcomes(sidecar)).toEqual([1, 2, 3].map((n) => `e${n} confirmed processed`)),
    );
    expect([app.numbers, bugs(sidecar)]).toEqual([[1, 2, 3], []]);
  });

  it('and the application never says a word: it has the events, and nobody can say what became of them', async () => {
    const { sidecar, client, server } = await silentClient();
    server.close(1000);
    expect(await client.closed).toBe(1000);
    await eventually(async () => expect(await outcomes(sidecar)).toEqual(all('unverifiable closed')));
  });

  it('where a rule asks for `processed`, that is a loss: the operator has said so', async () => {
    const events = { rules: [{ match: 'answer', confirm: 'processed' }] };
    const { sidecar, client, server } = await silentClient({ events });
    server.close(1000);
    expect(await client.closed).toBe(1000);
    await eventually(async () => expect(await outcomes(sidecar)).toEqual(all('failed disconnected')));
  });

  it('a rejection in that time counts as one', async () => {
    const { sidecar, client, server } = await silentClient({ limits: { patience: '20s' } });
    server.close(1000);
    client.say({ ackspan: 'reject', n: 2, reason: 'broken' });
    client.say({ ackspan: 'confirm', through: 3, also: [] });
    expect(await client.closed).toBe(1000);
    await eventually(async () =>
      expect(await outcomes(sidecar)).toEqual(['a confirmed processed', 'b failed rejected', 'c confirmed processed']),
    );
  });
});

describe('[D24] the client goes', () => {
  it('with a Close frame of its own and without a word: nobody can say', async () => {
    const { sidecar, client } = await silentClient();
    await received(sidecar);
    client.socket.close(1000);
    await eventually(async () => expect(await outcomes(sidecar)).toEqual(all('unverifiable client_left')));
  });

  it('with 1001 and for good: what it had is not lost, what came when it was away is', async () => {
    const { sidecar, client, send } = await silentClient({ sessions: { reload: '1s' } });
    await received(sidecar);
    client.socket.close(1001);
    await client.closed;
    await eventually(async () => expect(await sidecar.sum('ackspan_session_waiting')).toBe(1));
    send('away');
    await eventually(async () =>
      expect(await outcomes(sidecar)).toEqual([
        ...all('unverifiable client_left').slice(0, 1),
        'away failed disconnected',
        ...all('unverifiable client_left').slice(1),
      ]),
    );
  });

  it('because it was asked to come again, and does not: what it had is not lost, what came when it was away is', async () => {
    const { sidecar, client, send } = await silentClient({ limits: { connection_age: '1s' }, sessions: { ttl: '1s' } });
    await received(sidecar);
    expect(await client.closed).toBe(1012);
    await eventually(async () => expect(await sidecar.sum('ackspan_session_waiting')).toBe(1));
    send('away');
    await eventually(async () =>
      expect(await outcomes(sidecar)).toEqual([
        'a unverifiable closed',
        'away failed disconnected',
        ...['b', 'c'].map((id) => `${id} unverifiable closed`),
      ]),
    );
  });

  it.each([
    ['without a code', undefined, 'client_left'],
    ['because it was asked to come again', '1s', 'closed'],
  ])('%s, and a deadline comes before its session is over: nobody can say', async (_, age, reason) => {
    const events = { rules: [{ match: '*', timeout: '3s' }] };
    const limits = { patience: '300ms', ...(age && { connection_age: age }) };
    const { sidecar, client, send } = await silentClient({ events, limits });
    await received(sidecar);
    if (age === undefined) client.socket.close();
    await client.closed;
    await eventually(async () => expect(await sidecar.sum('ackspan_session_waiting')).toBe(1));
    // A Close frame without a code ends the upstream connection, too.
    if (age !== undefined) send('away');
    await eventually(async () =>
      expect((await outcomes(sidecar)).filter((one) => !one.startsWith('away'))).toEqual(all(`unverifiable ${reason}`)),
    );
    if (age !== undefined)
      await eventually(async () => expect(await outcomes(sidecar)).toContain('away timeout timeout'));
    expect(await sidecar.sum('ackspan_session_waiting')).toBe(1);
  });

  it('because it was asked to come again, without an answer to that, and does not: nobody can say', async () => {
    const { sidecar, client } = await silentClient({ limits: { connection_age: '1s' }, sessions: { ttl: '1s' } });
    await received(sidecar);
    client.socket.pause();
    await eventually(async () => expect(await outcomes(sidecar)).toEqual(all('unverifiable closed')));
  });

  it('because its backend has died, and does not come again: nobody can say', async () => {
    const { sidecar, client, server } = await silentClient({ sessions: { ttl: '1s' } });
    await received(sidecar);
    server.terminate();
    expect(await client.closed).toBe(1013);
    await eventually(async () => expect(await outcomes(sidecar)).toEqual(all('unverifiable closed')));
  });

  it.each([1002, 1003, 1007, 1009, 1010])(
    'with the complaint %i: it can say no more of what it has, and did not take the rest',
    async (code) => {
      const { sidecar, client, send } = await silentClient();
      await received(sidecar);
      client.socket.pong = () => {};
      send('d');
      await client.frames(4);
      client.socket.close(code);
      await eventually(async () =>
        expect(await outcomes(sidecar)).toEqual([...all('unverifiable client_left'), 'd failed disconnected']),
      );
    },
  );

  it('because its backend was lost, without an answer to the Close frame, and does not come again: nobody can say', async () => {
    const { sidecar, client, server } = await silentClient({ sessions: { ttl: '1s' } });
    await received(sidecar);
    const told = new Promise((resolve) => {
      client.socket.close = (code) => {
        resolve(code);
        client.socket.terminate();
      };
    });
    server.terminate();
    expect(await told).toBe(1013);
    await eventually(async () => expect(await outcomes(sidecar)).toEqual(all('unverifiable closed')));
  });

  it('because it was asked to come again, and its backend is lost before it has answered: nobody can say', async () => {
    const limits = { connection_age: '1s', patience: '3s' };
    const { sidecar, client, server } = await silentClient({ limits, sessions: { ttl: '1s' } });
    await received(sidecar);
    const told = new Promise((resolve) => {
      client.socket.close = resolve;
    });
    expect(await told).toBe(1012);
    server.terminate();
    await eventually(async () => expect(await outcomes(sidecar)).toEqual(all('unverifiable closed')));
  });

  it('without a Close frame, while that of its backend waits for its words: it could have come back to speak', async () => {
    const { sidecar, client, server } = await silentClient({ limits: { patience: '20s' }, sessions: { ttl: '1s' } });
    await received(sidecar);
    const bytes = () => sidecar.sum('ackspan_relay_bytes_total', { direction: 'down' });
    const before = await bytes();
    server.close(1012);
    await eventually(async () => expect(await bytes()).toBe(before + 4));
    client.socket.terminate();
    await eventually(async () => expect(await outcomes(sidecar)).toEqual(all('failed disconnected')));
  });

  it('not yet, because it has not read the Close frame, and a deadline comes first: nobody can say', async () => {
    const events = { rules: [{ match: '*', timeout: '1s' }] };
    const { sidecar, client, server } = await silentClient({ events, limits: { patience: '100ms' } });
    await received(sidecar);
    client.socket.pause();
    server.close(1000);
    await eventually(async () => expect(await outcomes(sidecar)).toEqual(all('unverifiable closed')));
    expect(await sidecar.sum('ackspan_connection_active')).toBe(1);
  });

  it('without a Close frame, and a deadline comes first: it could have come back to speak', async () => {
    const { sidecar, client } = await silentClient({ events: { rules: [{ match: '*', timeout: '1s' }] } });
    client.socket.terminate();
    await eventually(async () => expect(await outcomes(sidecar)).toEqual(all('timeout timeout')));
  });

  it('without a Close frame, and its time runs out: it could have come back to speak', async () => {
    const { sidecar, client } = await silentClient({ sessions: { ttl: '1s' } });
    client.socket.terminate();
    await eventually(async () => expect(await outcomes(sidecar)).toEqual(all('failed disconnected')));
  });
});

it('[D24] a stop under load: nothing that an application was handed is called lost', async () => {
  const backend = await startAgentBackend();
  const settings = { shutdown: { grace: '4s' }, limits: { patience: '1s' } };
  const sidecar = await sidecarHere(`http://127.0.0.1:${backend.port}`, settings);
  const app = openApp(`${sidecar.ws}/ws?user=ann`);
  await eventually(() => expect(backend.runs.get('ann')?.socket).toBeDefined());
  const run = backend.runs.get('ann')!;
  // Never quiet: something is in flight at every moment.
  const load = setInterval(() => backend.emit(run), 1);
  await eventually(() => expect(app.numbers.length).toBeGreaterThan(20));
  await sidecar.sidecar.stop('the test stops it');
  clearInterval(load);
  const { confirmed, failed, tracked, unverifiable } = sidecar.sidecar.stats();
  expect([unverifiable, tracked]).toEqual([0, confirmed + failed]);
  expect(confirmed).toBe(app.numbers.length);
});
