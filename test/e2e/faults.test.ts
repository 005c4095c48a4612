// Processes that freeze or die on either side: afterwards nothing is pending, no connection is open, and the sidecar serves on.
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { startPythonBackend, startPythonClient } from '../support/python-backend.ts';
import { expectHealthyLog, type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { openClient, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const STREAM = { type: 'emit', count: 100_000, every: 0.002 };

/** [D1] Whatever happened to them, all have one outcome. */
async function expectSettled(sidecar: SidecarProcess): Promise<void> {
  await sidecar.idle();
  const { tracked, confirmed, failed, timeout, unverifiable, pending } = await sidecar.stats();
  expect(pending).toBe(0);
  expect(confirmed + failed + timeout + unverifiable).toBe(tracked);
}

describe.skipIf(missing('python:websockets'))('a process that', () => {
  it('is the client and is killed (kill -9) in mid-stream: its deliveries end, the backend learns of it', async () => {
    const backend = await startPythonBackend('websockets');
    const sidecar = await startSidecar({ upstream: backend.address });
    const client = await startPythonClient(sidecar.ws, [STREAM]);
    await client.line(({ received }) => received === 50);
    // Frozen first, so that it surely dies with deliveries in flight.
    client.signal('SIGSTOP');
    await eventually(async () => expect((await sidecar.stats()).pending).toBeGreaterThan(10));
    const { confirmed } = await sidecar.stats();
    await client.kill();
    await backend.line(({ closed }) => closed === 1006);
    await expectSettled(sidecar);
    expect(await sidecar.stats()).toMatchObject({ confirmed, timeout: 0, unverifiable: 0 });
    const { failed } = await sidecar.stats();
    expect(failed).toBeGreaterThan(10);
    expect(await sidecar.sum('ackspan_delivery_duration_seconds_count', { error_type: 'disconnected' })).toBe(failed);
    const other = await openClient(sidecar.ws);
    tell(other, { type: 'emit', count: 5 });
    await sidecar.reach({ confirmed: confirmed + 5, pending: 0 });
    expectHealthyLog(sidecar);
  });

  it('is the client, frozen (kill -STOP) under a full stream, holds nobody else up', async () => {
    const backend = await startPythonBackend('websockets');
    const rules = [{ match: '*', timeout: '3s', attempts: ['100ms'] }];
    const sidecar = await startSidecar({ upstream: backend.address, config: { events: { rules } } });
    const frozen = await startPythonClient(sidecar.ws, [{ ...STREAM, every: 0.0005 }]);
    await frozen.line(({ received }) => received === 50);
    frozen.signal('SIGSTOP');
    await eventually(async () => expect((await sidecar.stats()).timeout).toBeGreaterThan(10));
    const { confirmed } = await sidecar.stats();
    const other = await openClient(sidecar.ws);
    tell(other, { type: 'emit', count: 50 });
    await eventually(() => expect(other.texts).toHaveLength(50));
    await eventually(async () => expect((await sidecar.stats()).confirmed).toBe(confirmed + 50));
    await frozen.kill();
    other.socket.close();
    await expectSettled(sidecar);
    expectHealthyLog(sidecar);
  });

  it('is the backend and freezes (kill -STOP): what was sent is confirmed, and the stream goes on when it thaws', async () => {
    const backend = await startPythonBackend('websockets', { interval: 0.5, timeout: 20 });
    const sidecar = await startSidecar({ upstream: backend.address });
    const client = await openClient(sidecar.ws);
    tell(client, STREAM);
    await eventually(() => expect(client.texts.length).toBeGreaterThan(50));
    backend.signal('SIGSTOP');
    await sidecar.reach({ pending: 0, failed: 0, timeout: 0 });
    // Frozen: the kernel still takes its connections, and the sidecar still answers.
    tell(client, { type: 'note', n: 1 });
    expect((await fetch(`${sidecar.admin}/readyz`)).status).toBe(200);
    const seen = client.texts.length;
    backend.signal('SIGCONT');
    await eventually(() => expect(client.texts.length).toBeGreaterThan(seen + 50));
    client.socket.close(1000);
    await backend.line(({ closed }) => closed === 1000);
    await expectSettled(sidecar);
    // What was under way when the client closed in good order is all that nobody can say.
    const { timeout, unverifiable } = await sidecar.stats();
    const left = await sidecar.sum('ackspan_delivery_unverifiable_total', { reason: 'client_left' });
    expect([timeout, unverifiable]).toEqual([0, left]);
    expectHealthyLog(sidecar);
  });

  it('is the backend and is killed (kill -9): clients see it end, further ones get 502, and a new backend serves', async () => {
    const backend = await startPythonBackend('websockets');
    const sidecar = await startSidecar({ upstream: backend.address });
    const clients = await Promise.all(['/a', '/b', '/c'].map((path) => openClient(sidecar.ws + path)));
    for (const client of clients) tell(client, STREAM);
    await eventually(() => expect(Math.min(...clients.map(({ texts }) => texts.length))).toBeGreaterThan(20));
    await backend.kill();
    const codes = await Promise.all(clients.map(({ closed }) => closed));
    expect(
      codes.every((code) => code === 1006 || code === 1012 || code === 1013),
      String(codes),
    ).toBe(true);
    await expectSettled(sidecar);
    await expect(openClient(sidecar.ws)).rejects.toThrow('502');
    expect((await fetch(sidecar.http)).status).toBe(502);
    expect(await sidecar.sum('ackspan_connection_rejected_total', { reason: 'upstream_down' })).toBe(1);

    await startPythonBackend('websockets', { port: backend.port });
    const { confirmed } = await sidecar.stats();
    tell(await openClient(sidecar.ws), { type: 'emit', count: 5 });
    await sidecar.reach({ confirmed: confirmed + 5, pending: 0 });
    expectHealthyLog(sidecar);
  });

  it('[D15] is the backend and dies right behind its last events: they have arrived, and are confirmed', async () => {
    const backend = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(backend, 'listening');
    backend.on('connection', (socket: WebSocket & { _socket?: Socket }) => {
      for (const id of ['a', 'b', 'c']) socket.send(JSON.stringify({ type: 'tool_completed', event_id: id }));
      // A FIN and no Close frame, as when its process ends.
      socket._socket?.end();
    });
    const sidecar = await startSidecar({ upstream: `http://127.0.0.1:${(backend.address() as AddressInfo).port}` });
    const client = await openClient(sidecar.ws);
    // As it would directly: no Close frame is made up for it (D20).
    expect(await client.closed).toBe(1006);
    await sidecar.reach({ tracked: 3, confirmed: 3, failed: 0 });
    backend.close();
  });
});
