// Clients that pipeline, and answers that do not fit into a socket: everything arrives, and nobody who left is waited for.
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
    const peers = [await upstream.next(), await upstream.next(), await upstream.next()];
    for (const peer of peers) await peer.head();
    // The last one is answered, and waits for its turn.
    peers[2]!.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(front.listener.answering()).toBe(3);
    client.socket.resetAndDestroy();
    for (const peer of peers.slice(0, 2)) await peer.gone();
    await eventually(() => expect(front.listener.answering()).toBe(0));
    expect(front.faults).toEqual([]);
  },
);

it('bytes that are no request, behind an answer that is being written, are not answered inside it', async () => {
  const upstream = await rawUpstream();
  const front = await startFront(upstream.address);
  const client = rawClient(front.port);
  client.send(get('/1') + get('/2'));
  const first = await upstream.next();
  await first.head();
  first.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin');
  await client.until('begin');
  client.send('no request\r\n\r\n');
  await client.gone();
  expect(client.text).toBe('');
});
