// Limits over real sockets (SPEC D7): each has an outcome and a counter, and no event is held back by one.
import { afterEach, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { expectHealthyLog, startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

it('[D7] connections: one too many is answered 503 and counted; a free place is given again', async () => {
  const backend = await startWsBackend();
  const sidecar = await startSidecar({ upstream: backend.address, config: { limits: { connections: 3 } } });
  const clients = [await openClient(sidecar.ws), await openClient(sidecar.ws), await openClient(sidecar.ws)];
  await expect(openClient(sidecar.ws)).rejects.toThrow('503');
  await expect(openClient(sidecar.ws)).rejects.toThrow('503');
  expect(await sidecar.sum('ackspan_connection_rejected_total', { reason: 'connections' })).toBe(2);
  expect(await sidecar.sum('ackspan_connection_active')).toBe(3);
  expect(backend.peers).toHaveLength(3);
  await sidecar.line(({ err }) => JSON.stringify(err ?? '').includes('limits.connections'));

  clients[0]!.socket.close(1000);
  await eventually(async () => expect(await sidecar.sum('ackspan_connection_active')).toBe(2));
  const next = await openClient(sidecar.ws);
  tell(await backend.peer(3), event('e1'));
  await sidecar.reach({ confirmed: 1 });
  expect(next.texts).toHaveLength(1);
  expectHealthyLog(sidecar);
});

it.each([
  ['pending', { pending: 20 }],
  ['pending_per_user', { pending_per_user: 20 }],
])('[D7] %s: LOW is shed first, CRITICAL last, and every event arrives all the same', async (reason, limits) => {
  const priorities = ['low', 'normal', 'high', 'critical'] as const;
  const rules = priorities.map((priority) => ({ match: priority, priority, confirm: 'processed', timeout: '60s' }));
  const backend = await startWsBackend();
  const sidecar = await startSidecar({ upstream: backend.address, config: { events: { rules }, limits } });
  const client = await openClient(sidecar.ws);
  const peer = await backend.peer(0);
  for (const priority of priorities) for (let n = 1; n <= 20; n++) tell(peer, event(`${priority}-${n}`, priority));
  // 80 %, 90 %, 95 % and all of 20; then CRITICAL takes the places of 16 LOW ones and 2 NORMAL
  // ones.
  await sidecar.reach({ tracked: 38, pending: 20, shed: 42, unverifiable: 18 });
  const shed = await Promise.all(
    priorities.map((priority) => sidecar.sum('ackspan_delivery_shed_total', { reason, priority })),
  );
  expect(shed).toEqual([4, 18, 19, 1]);
  expect(await sidecar.sum('ackspan_delivery_unverifiable_total', { reason: 'limit' })).toBe(18);
  await eventually(() => expect(client.texts).toHaveLength(80));
  expect(client.texts.map((text) => JSON.parse(text).event_id)).toEqual(
    priorities.flatMap((priority) => Array.from({ length: 20 }, (_, i) => `${priority}-${i + 1}`)),
  );
  client.socket.close(1000);
  await sidecar.reach({ tracked: 38, pending: 0, failed: 20, shed: 42 });
  expectHealthyLog(sidecar);
});

it.each([
  ['uncompressed', false],
  ['compressed, each message on its own', { serverNoContextTakeover: true, threshold: 0 }],
])(
  '[D7] message bytes, %s: [D21] a longer message is relayed unread, counted, and proven like any other',
  async (_, deflate) => {
    const backend = await startWsBackend({ deflate });
    const sidecar = await startSidecar({ upstream: backend.address, config: { limits: { message_bytes: '64KiB' } } });
    const client = await openClient(sidecar.ws);
    expect(client.extensions !== '').toBe(deflate !== false);
    const peer = await backend.peer(0);
    const long = JSON.stringify(event('long', 'agent_thinking', { reasoning: 'x'.repeat(100_000) }));
    for (let n = 1; n <= 3; n++) {
      peer.socket.send(long);
      tell(peer, event(`short-${n}`));
    }
    await sidecar.reach({ tracked: 6, confirmed: 6 });
    await eventually(() => expect(client.texts).toHaveLength(6));
    expect(client.texts.filter((text) => text === long)).toHaveLength(3);
    expect((await sidecar.stats()).unread).toEqual({ text: 3, binary: 0, json: 0, array: 0 });
    expect(await sidecar.sum('ackspan_decode_untracked_total')).toBe(0);
    expectHealthyLog(sidecar);
  },
);

it('[D7] message bytes, compressed with a shared window: what can no longer be read is relayed and counted too', async () => {
  const backend = await startWsBackend({ deflate: true });
  const sidecar = await startSidecar({ upstream: backend.address, config: { limits: { message_bytes: '64KiB' } } });
  const client = await openClient(sidecar.ws);
  const peer = await backend.peer(0);
  tell(peer, event('before'));
  await sidecar.reach({ tracked: 1, confirmed: 1 });
  const long = JSON.stringify(event('long', 'agent_thinking', { reasoning: 'x'.repeat(100_000) }));
  peer.socket.send(long);
  tell(peer, event('after'));
  await eventually(() => expect(client.texts).toHaveLength(3));
  expect(client.texts[1]).toBe(long);
  expect(JSON.parse(client.texts[2]!).event_id).toBe('after');
  const { unread } = await sidecar.reach({ tracked: 3, confirmed: 3 });
  expect(unread.text).toBeGreaterThanOrEqual(1);
  expect(await sidecar.sum('ackspan_relay_faults_total')).toBe(0);
  expectHealthyLog(sidecar);
});

it('[D7] memory: LOW and NORMAL events pass untracked, new connections are answered 503, and the log says so', async () => {
  const rules = [{ match: 'critical', priority: 'critical' }, { match: 'normal' }];
  const backend = await startWsBackend();
  // Less than any process needs: the bound is exceeded from the start.
  const config = { limits: { memory: 0.000_001 }, events: { rules } };
  const sidecar = await startSidecar({ upstream: backend.address, config });
  await expect(openClient(sidecar.ws)).rejects.toThrow('503');
  expect(await sidecar.sum('ackspan_connection_rejected_total', { reason: 'memory' })).toBe(1);
  expect(await sidecar.sum('ackspan_connection_rejected_total', { reason: 'connections' })).toBe(0);
  expect(await sidecar.sum('ackspan_memory_used_ratio')).toBeGreaterThan(0.95);
  expect(await sidecar.sum('ackspan_memory_limit_bytes')).toBeGreaterThan(0);
  for (const effect of ['LOW and NORMAL events pass untracked', 'new connections are refused'])
    await sidecar.line(({ err }) => JSON.stringify(err ?? '').includes(effect));
});

it('[D7] long messages under way cost their beginnings: 100 clients with 4 MiB each, byte for byte', async () => {
  const CLIENTS = 100;
  const payload = `{"type":"audio","event_id":"long","data":"${'a'.repeat(4 * 1024 * 1024)}"}`;
  const backend = await startWsBackend();
  const config = { limits: { connections_per_user: CLIENTS }, events: { rules: [{ match: 'audio' }] } };
  const sidecar = await startSidecar({ upstream: backend.address, config, measured: true });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(sidecar.ws)));
  const before = await sidecar.memory();
  const accepted = await Promise.all(clients.map((_, i) => backend.peer(i)));
  const peers = accepted.map(({ socket }) => socket);
  for (const peer of peers) peer.send(payload.slice(0, -2), { fin: false });
  // A ping between the fragments has come through: so has what was sent before it.
  await Promise.all(peers.map((peer, i) => pinged(clients[i]!.socket, peer)));
  const { rss } = await sidecar.memory();
  // 400 MiB are under way.
  expect(rss - before.rss).toBeLessThan(150 * 1024 * 1024);
  for (const peer of peers) peer.send(payload.slice(-2), { fin: true });
  await sidecar.reach({ tracked: CLIENTS, confirmed: CLIENTS });
  await eventually(() => expect(clients.every(({ texts }) => texts.length === 1)).toBe(true));
  expect(clients.every(({ texts }) => texts[0] === payload)).toBe(true);
  expectHealthyLog(sidecar);
});

function pinged(socket: WebSocket, peer: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('ping', (data) => {
      if (data.toString() === 'half') resolve();
    });
    peer.ping('half');
  });
}
