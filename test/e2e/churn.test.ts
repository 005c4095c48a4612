// 1,000 connections that open and drop abruptly, in every way a connection can: afterwards memory, descriptors, connections and deliveries are level.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { closeAll, handshake } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { clientFrame } from '../support/raw-frames.ts';
import { expectHealthyLog, type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const TOTAL = 1000;
const AT_ONCE = 50;
/** Until here memory grows whatever happens: optimised code, allocator arenas. */
const WARM_UP = 2200;
const KiB = 1024;

const message = clientFrame(JSON.stringify({ type: 'user_message', text: 'x'.repeat(2000) }));

/** Each leaves the connection in another state. */
const DROPS: readonly ((socket: Socket) => void)[] = [
  (socket) => socket.resetAndDestroy(),
  (socket) => socket.end(),
  (socket) => socket.destroy(),
  (socket) => socket.write(message.subarray(0, 700), () => socket.resetAndDestroy()),
  (socket) => socket.end(message.subarray(0, 1)),
  (socket) => socket.end(Buffer.concat([message, message.subarray(0, 3)])),
];

/**
 * Opens one connection, waits for `until` the upgrade or the first event, and drops it. Every tenth
 * is dropped before the upgrade is through.
 */
async function visit({ port }: SidecarProcess, number: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  // Being cut off is what this is about.
  socket.on('error', () => {});
  await once(socket, 'connect');
  const gone = once(socket, 'close');
  const request = handshake();
  if (number % 10 === 0) socket.write(number % 20 === 0 ? request : request.slice(0, 60));
  else {
    socket.write(request);
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      if (number % 2 === 0 || String(chunk).includes('event_id')) break;
    }
  }
  DROPS[number % DROPS.length]!(socket);
  socket.resume();
  await gone;
}

async function churn(sidecar: SidecarProcess, count: number): Promise<void> {
  for (let first = 0; first < count; first += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => visit(sidecar, first + i)));
  }
  await sidecar.idle();
}

it('leaves no connection, delivery, descriptor or memory behind', { timeout: 120_000 }, async () => {
  const backend = await startWsBackend({ deflate: true });
  // Some events are under way when the end comes.
  backend.server.on('connection', (socket) => {
    for (let n = 1; n <= 5; n++) socket.send(JSON.stringify(event(`e-${n}`)));
  });
  const sidecar = await startSidecar({
    upstream: backend.address,
    config: { limits: { history: 500 } },
    measured: true,
  });
  await churn(sidecar, WARM_UP);
  await eventually(() => expect(backend.peers.every(({ socket }) => socket.readyState === socket.CLOSED)).toBe(true));
  const before = await sidecar.memory();
  const descriptors = sidecar.descriptors();

  await churn(sidecar, TOTAL);
  await eventually(async () => {
    const after = await sidecar.memory();
    expect((after.heapUsed - before.heapUsed) / KiB, 'heap').toBeLessThan(800);
    expect((after.rss - before.rss) / KiB, 'resident').toBeLessThan(10 * 1024);
  });
  await eventually(() => expect(sidecar.descriptors()).toBeLessThanOrEqual(descriptors + 4));
  await eventually(() => expect(backend.peers.every(({ socket }) => socket.readyState === socket.CLOSED)).toBe(true));

  const { tracked, confirmed, failed, unverifiable, timeout } = await sidecar.stats();
  expect(tracked).toBeGreaterThan(TOTAL);
  expect(confirmed + failed + unverifiable + timeout).toBe(tracked);
  const client = await openClient(sidecar.ws);
  tell(backend.peers.at(-1)!, event('last'));
  await eventually(() => expect(client.texts).toHaveLength(6));
  await sidecar.reach({ confirmed: confirmed + 6, pending: 0 });
  expectHealthyLog(sidecar);
});
