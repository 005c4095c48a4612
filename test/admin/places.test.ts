// [D7] Silence shuts nobody out of the admin port: whoever has been quiet longest gives its place to a newcomer.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createAdminCounters, createPlaces } from '../../src/admin/places.ts';
import { eventually } from '../support/child.ts';

async function start(limit: number, stallMs = 60_000) {
  const counters = createAdminCounters();
  const faults: unknown[] = [];
  const held: ServerResponse[] = [];
  const server = createServer((request, response) => {
    places.answering(request.socket, response);
    if (request.url === '/held') held.push(response.writeHead(200));
    else if (request.url === '/large') response.end(Buffer.alloc(50_000_000));
    else response.end('ok');
  });
  const places = createPlaces(server, { limit, stallMs, counters, report: (fault) => faults.push(fault.error) });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const open = async (path?: string): Promise<Socket & { text: string }> => {
    const before = places.taken;
    const socket = Object.assign(connect(port, '127.0.0.1'), { text: '' });
    onTestFinished(() => void socket.destroy());
    socket
      .on('error', () => {})
      .on('data', (data) => {
        socket.text += data;
      });
    await once(socket, 'connect');
    if (path !== undefined) socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    else await eventually(() => expect([before + 1, limit]).toContain(places.taken));
    return socket;
  };
  return { open, counters, faults, held, places };
}

test('whoever has been quiet longest gives way, silent or answered', async () => {
  const { open, counters, faults, places } = await start(3);
  const all = [await open(), await open(), await open()];
  for (let i = 1; i <= 5; i++) {
    const probe = await open('/probe');
    all.push(probe);
    await eventually(() => expect(probe.text).toContain('ok'));
    await eventually(() => expect(all.map(({ closed }) => closed)).toEqual(all.map((_, n) => n < i)));
  }
  expect([places.taken, faults.length]).toEqual([3, 5]);
  expect(counters).toEqual({ evicted: 5, refused: 0, stalled: 0 });
});

test('a connection that is being answered keeps its place; where all are, a newcomer is refused', async () => {
  const { open, counters, held, places } = await start(2);
  const first = await open('/held');
  const second = await open('/held');
  await eventually(() => expect(held).toHaveLength(2));
  const third = await open('/probe');
  await eventually(() => expect(third.closed).toBe(true));
  expect(counters).toEqual({ evicted: 0, refused: 1, stalled: 0 });
  held[0]!.end();
  await eventually(() => expect(first.text).toContain('0\r\n\r\n'));
  const fourth = await open('/probe');
  await eventually(() => expect(fourth.text).toContain('ok'));
  expect([second.closed, places.taken, counters.evicted]).toEqual([false, 2, 1]);
});

test('an answer that nobody reads is given up', async () => {
  const { open, counters } = await start(2, 200);
  const socket = await open('/large');
  socket.pause();
  await eventually(() => expect(counters.stalled).toBe(1));
});

test('answers that were pipelined behind one that lasts end with their connection', async () => {
  const { open, held, places } = await start(2);
  const socket = await open('/held');
  socket.write('GET /held HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2));
  await eventually(() => expect(held).toHaveLength(3));
  const ended = Promise.all(held.map((response) => once(response, 'close')));
  socket.destroy();
  await ended;
  expect([places.taken, held.map(({ destroyed }) => destroyed)]).toEqual([0, [true, true, true]]);
});
