// Clients that pipeline, and answers that do not fit into a socket: everything arrives, and nobody who left is waited for.
import type { Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import {
  closeAll,
  handshake,
  httpUpstream,
  rawClient,
  rawUpstream,
  startFront,
  switching,
} from '../support/backends.ts';
import { eventually } from '../support/child.ts';

afterEach(closeAll);

/** More than the kernel keeps of a connection on loopback. */
const LARGE = 16 * 1024 * 1024;
const get = (path: string, lines: readonly string[] = []) =>
  [`GET ${path} HTTP/1.1`, 'Host: a', ...lines, '\r\n'].join('\r\n');
/** How curl and the HTTP client of Java ask for HTTP/2 in the clear. */
const H2C = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'];

it('a large answer of a backend that ignores the Upgrade arrives whole, and so does the next one', async () => {
  const { address } = await httpUpstream(({ url }, response) =>
    response.end(url === '/large' ? 'x'.repeat(LARGE) : 'next'),
  );
  const front = await startFront(address);
  const client = rawClient(front.port);
  client.send(get('/large', H2C));
  await client.head();
  expect(await client.take(LARGE)).toBe('x'.repeat(LARGE));
  client.send(get('/next'));
  await client.head();
  expect(await client.take(4)).toBe('next');
});

it('large answers before an upgrade that was pipelined behind them arrive whole', async () => {
  const { address, server } = await httpUpstream((_, response) => response.end('x'.repeat(LARGE)));
  server.on('upgrade', (_, socket) => socket.write(`${switching()}hello`));
  const front = await startFront(address);
  const client = rawClient(front.port);
  client.send(get('/one') + get('/two') + handshake());
  for (const _ of ['/one', '/two']) {
    await client.head();
    expect(await client.take(LARGE)).toBe('x'.repeat(LARGE));
  }
  expect((await client.head()).start).toContain('101');
  expect(await client.take(5)).toBe('hello');
});

it('pipelined requests are passed on one at a time, on one connection, and answered in order', async () => {
  const paths: string[] = [];
  let connections = 0;
  let open = 0;
  const { address, server } = await httpUpstream((request, response) => {
    paths.push(`${request.url} ${++open}`);
    setImmediate(() => {
      open--;
      response.end(request.url);
    });
  });
  server.on('connection', () => connections++);
  const front = await startFront(address);
  const client = rawClient(front.port);
  // More than wait while the connection is read, in several chunks.
  const count = 5000;
  const all = Array.from({ length: count }, (_, i) => `/${String(i).padStart(4, '0')}`);
  client.send(all.map((path) => get(path)).join(''));
  for (const path of all) {
    await client.head();
    expect(await client.take(5)).toBe(path);
  }
  expect(paths).toEqual(all.map((path) => `${path} 1`));
  expect(connections).toBeLessThan(count / 100);
});

it('a connection that is not read while its requests wait is given time for the rest of a head', async () => {
  const upstream = await rawUpstream();
  const front = await startFront(upstream.address, { headersTimeoutMs: 150 });
  const client = rawClient(front.port);
  client.send(`${get('/first')}${get('/more').repeat(200)}GET /cut HTTP/1.1\r\n`);
  const first = await upstream.next();
  await first.head();
  // Whoever came later and has said nothing is told so.
  expect((await rawClient(front.port).head()).start).toContain('408');
  first.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst');
  await client.head();
  expect(await client.take(5)).toBe('first');
});

it.each([
  ['nothing', ''],
  ['an upgrade', handshake()],
])(
  '[D10] a client that leaves takes all requests along that it has pipelined, with %s behind them',
  async (_, behind) => {
    const upstream = await rawUpstream();
    const front = await startFront(upstream.address);
    const client = rawClient(front.port);
    client.send(get('/1') + get('/2') + get('/3') + behind);
    const peer = await upstream.next();
    await peer.head();
    expect(front.listener.answering()).toBe(1);
    client.socket.resetAndDestroy();
    await peer.gone();
    await eventually(() => expect(front.listener.answering()).toBe(0));
    expect([upstream.accepted.length, front.faults]).toEqual([1, []]);
  },
);

it.each([
  ['that is being written', 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nbegi'],
  ['that is still to come', ''],
])('bytes that are no request are answered behind the answer %s', async (_, begun) => {
  const upstream = await rawUpstream();
  const front = await startFront(upstream.address);
  const client = rawClient(front.port);
  client.send(get('/1'));
  const peer = await upstream.next();
  await peer.head();
  peer.send(begun);
  if (begun !== '') await client.until('begi');
  client.send('no request\r\n\r\n');
  await eventually(() => expect(front.counters.badRequests).toBe(1));
  peer.send(begun === '' ? 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nbegin it' : 'n it');
  await client.until('n it');
  expect((await client.head()).start).toBe('HTTP/1.1 400 Bad Request');
  await client.gone();
});

it('an answer that lasts is not cut off because the next head is not through', async () => {
  const upstream = await rawUpstream();
  const front = await startFront(upstream.address, { headersTimeoutMs: 150 });
  const client = rawClient(front.port);
  client.send(`${get('/1')}GET /next HTTP/1.1\r\n`);
  const peer = await upstream.next();
  await peer.head();
  peer.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nbegi');
  await client.until('begi');
  // Whoever came later and has said nothing is told so.
  expect((await rawClient(front.port).head()).start).toContain('408');
  peer.send('n it');
  await client.until('n it');
});

it.each([
  ['a WebSocket', handshake()],
  ['another protocol', get('/tunnel', ['Connection: Upgrade', 'Upgrade: tcp'])],
  ['no protocol that is passed on', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n'],
])(
  'a client that is reset with an answer on its way, and with an upgrade to %s and more than is read behind it, ends nothing else',
  async (_, behind) => {
    const upstream = await rawUpstream();
    const front = await startFront(upstream.address);
    const sockets: Socket[] = [];
    front.listener.server.on('connection', (socket) => sockets.push(socket));
    const client = rawClient(front.port);
    client.send(get('/1') + behind + 'x'.repeat(LARGE));
    const peer = await upstream.next();
    await peer.head();
    // The connection is read no further. Nobody hears of the reset until the answer is written.
    const { readableHighWaterMark } = sockets[0]!;
    await eventually(() => expect(sockets[0]!.readableLength).toBeGreaterThanOrEqual(readableHighWaterMark));
    client.socket.resetAndDestroy();
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst');
    await eventually(() => expect(front.listener.answering()).toBe(0));
    const other = rawClient(front.port);
    other.send(get('/2'));
    await peer.head();
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother');
    await other.head();
    expect([await other.take(5), front.faults]).toEqual(['other', []]);
  },
);

it.each([
  ['a WebSocket', handshake()],
  ['another protocol', get('/tunnel', ['Connection: Upgrade', 'Upgrade: tcp'])],
])(
  'a client that ended its side behind an upgrade to %s gets the answer before it, and has left then',
  async (_, behind) => {
    const upstream = await rawUpstream();
    const front = await startFront(upstream.address);
    const sockets: Socket[] = [];
    front.listener.server.on('connection', (socket) => sockets.push(socket));
    const client = rawClient(front.port);
    client.send(get('/1') + behind);
    client.socket.end();
    const peer = await upstream.next();
    await peer.head();
    await eventually(() => expect(sockets[0]!.readableEnded).toBe(true));
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst');
    await client.head();
    expect(await client.take(5)).toBe('first');
    await client.gone();
    expect([upstream.accepted.length, front.counters.clientGone, front.faults]).toEqual([1, 1, []]);
  },
);
