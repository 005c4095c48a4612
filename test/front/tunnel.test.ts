// Upgrades that are no WebSockets: passed on with their body, tunnelled after a 101, answered like any request otherwise.
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { atEnd, closeAll, listenOn, rawClient, rawUpstream, startFront } from '../support/backends.ts';
import { eventually } from '../support/child.ts';

afterEach(closeAll);

const request = (lines: readonly string[] = [], start = 'POST /exec/1/start') =>
  [`${start} HTTP/1.1`, 'Host: a', 'Connection: Upgrade', 'Upgrade: tcp', ...lines, '\r\n'].join('\r\n');
const SWITCHED = 'HTTP/1.1 101 UPGRADED\r\nContent-Type: raw\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n';

async function ask(text: string, overrides: Parameters<typeof startFront>[1] = {}) {
  const upstream = await rawUpstream();
  const front = await startFront(upstream.address, overrides);
  const client = rawClient(front.port);
  client.send(text);
  const peer = await upstream.next();
  return { upstream, front, client, peer };
}

async function tunnel(text = request()) {
  const all = await ask(text);
  await all.peer.head();
  all.peer.send(SWITCHED);
  await all.client.head();
  return all;
}

describe('the request', () => {
  it('reaches the upstream with its Upgrade, its body and nothing that was not sent', async () => {
    const { client, peer } = await ask(request(['Content-Length: 6', 'X-A: 1']));
    const head = await peer.head();
    expect([head.start, ...head.raw]).toEqual([
      ...['POST /exec/1/start HTTP/1.1', 'Host', 'a', 'Connection', 'Upgrade', 'Upgrade', 'tcp'],
      ...['Content-Length', '6', 'X-A', '1'],
      ...['X-Forwarded-For', '127.0.0.1', 'X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'a'],
    ]);
    client.send('one');
    expect(await peer.take(3)).toBe('one');
    client.send('two');
    expect(await peer.take(3)).toBe('two');
  });

  it('with h2c keeps the settings that belong to it, and no other header that Connection names', async () => {
    const lines = ['HTTP2-Settings: AAMAAABk', 'X-Private: 1', 'X-Forwarded-For: 1.2.3.4'];
    const connection = 'Connection: keep-alive, Upgrade, HTTP2-Settings, X-Private, X-Forwarded-For';
    const { peer } = await ask(
      ['GET / HTTP/1.1', 'Host: a', connection, 'Upgrade: h2c', ...lines, '\r\n'].join('\r\n'),
    );
    const head = await peer.head();
    expect(head.get('connection')).toBe('Upgrade, HTTP2-Settings');
    expect(head.get('http2-settings')).toBe('AAMAAABk');
    expect(head.get('x-private')).toBeUndefined();
    expect(head.get('x-forwarded-for')).toBe('127.0.0.1');
  });

  it.each([
    ['a body in chunks', ['Transfer-Encoding: chunked'], '0\r\n\r\n'],
    ['an expectation', ['Expect: 100-continue', 'Content-Length: 0'], ''],
  ])('with %s goes on without its Upgrade', async (_, lines, body) => {
    const { peer } = await ask(request(lines) + body);
    expect((await peer.head()).get('upgrade')).toBeUndefined();
  });

  it('[D7] over the limit of connections goes on without its Upgrade', async () => {
    const { peer } = await ask(request(), { room: () => false });
    expect((await peer.head()).get('upgrade')).toBeUndefined();
  });
});

describe('a 101', () => {
  it('reaches the client as it is; after it bytes pass both ways, those that came early first', async () => {
    const { front, client, peer } = await ask(`${request()}early `);
    await peer.head();
    client.send('birds ');
    peer.send(`${SWITCHED}hello `);
    expect(await client.until('\r\n\r\n')).toBe(SWITCHED);
    expect(await client.take(6)).toBe('hello ');
    expect(await peer.take(12)).toBe('early birds ');
    peer.send('down');
    client.send('up');
    expect([await client.take(4), await peer.take(2)]).toEqual(['down', 'up']);
    expect(front.counters).toMatchObject({ tunnels: 1, requests: 1, requestErrors: 0, upgraded: 0 });
    expect([front.listener.handshaking, front.faults]).toEqual([1, []]);
  });

  it('may come before the body is through', async () => {
    const { client, peer } = await tunnel(`${request(['Content-Length: 6'])}one`);
    expect(await peer.take(3)).toBe('one');
    client.send('two and more');
    expect(await peer.take(12)).toBe('two and more');
  });

  it('an end passes in each direction while the other goes on', async () => {
    const { front, client, peer } = await tunnel();
    client.socket.end('last words');
    expect(await peer.rest()).toBe('last words');
    peer.send('still here');
    expect(await client.take(10)).toBe('still here');
    peer.socket.end();
    await client.gone();
    await eventually(() => expect(front.listener.handshaking).toBe(0));
  });

  it('the last bytes reach a client that takes its time, though the upstream is gone', async () => {
    const upstream = await rawUpstream();
    const front = await startFront(upstream.address);
    const accepted = once(front.listener.server, 'connection') as Promise<[Socket]>;
    const client = rawClient(front.port);
    client.send(request());
    const peer = await upstream.next();
    await peer.head();
    peer.send(SWITCHED);
    await client.head();
    const [toClient] = await accepted;
    client.socket.end();
    client.socket.pause();
    // Until the system takes no more for the client: the last bytes wait in the front.
    let sent = 0;
    while (toClient.writableLength === 0) {
      const piece = 'x'.repeat(8192);
      sent += piece.length;
      await new Promise((resolve) => peer.socket.write(piece, resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    peer.socket.end();
    await once(peer.socket, 'close');
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    client.socket.resume();
    expect((await client.rest()).length).toBe(sent);
    await client.gone();
    await eventually(() => expect(front.listener.handshaking).toBe(0));
  });

  it.each(['client', 'peer'] as const)('a reset by the %s ends the other side', async (side) => {
    const both = await tunnel();
    both[side].socket.resetAndDestroy();
    await both[side === 'client' ? 'peer' : 'client'].gone();
    await eventually(() => expect(both.front.listener.handshaking).toBe(0));
  });

  it('counts as long as it lasts, and ends when the listener closes', async () => {
    const { front, client, peer } = await tunnel();
    await front.listener.stopAccepting();
    peer.send('in flight');
    expect(await client.take(9)).toBe('in flight');
    await front.listener.close();
    await Promise.all([client.gone(), peer.gone()]);
  });

  it('back-pressure: what the client does not read is not read from the upstream', async () => {
    const { client, peer } = await tunnel();
    client.socket.pause();
    const chunk = Buffer.alloc(1 << 20);
    let written = 0;
    while (peer.socket.write(chunk) || written < 8) written++;
    client.socket.resume();
    await once(peer.socket, 'drain');
    expect((await client.take(4)).length).toBe(4);
  });
});

describe('another answer', () => {
  it('goes back as it is, and the next request on that connection is read by itself', async () => {
    const smuggled = 'GET /next HTTP/1.1\r\nHost: b\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n';
    const { upstream, front, client, peer } = await ask(`${request(['Content-Length: 3'])}abc${smuggled}`);
    await peer.head();
    expect(await peer.take(3)).toBe('abc');
    peer.send('HTTP/1.1 200 OK\r\nX-B: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n');
    const head = await client.head();
    expect([head.start, head.get('x-b'), head.get('connection')]).toEqual(['HTTP/1.1 200 OK', '2', 'keep-alive']);
    expect(await client.until('1\r\n\r\n')).toBe('2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n');
    // Not on the connection of the first one: there it would have come unseen.
    const next = await upstream.next();
    expect((await next.head()).get('x-forwarded-for')).toBe('127.0.0.1');
    expect(peer.text).toBe('');
    next.send('HTTP/1.1 204 No Content\r\n\r\n');
    expect((await client.head()).start).toBe('HTTP/1.1 204 No Content');
    client.send(request());
    const third = await upstream.next();
    await third.head();
    third.send(SWITCHED);
    expect((await client.head()).start).toBe('HTTP/1.1 101 UPGRADED');
    expect(front.counters).toMatchObject({ requests: 3, requestErrors: 0, tunnels: 1 });
  });

  it.each([
    ['200', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', ''],
    ['426 behind a body', 'HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n', 'abc'],
  ])('%s: its connection to the upstream ends with it, while the client stays', async (_, answer, body) => {
    const { client, peer } = await ask(request([`Content-Length: ${body.length}`]) + body);
    await peer.head();
    await peer.take(body.length);
    peer.send(answer);
    await client.head();
    await peer.gone();
    expect([client.ended, client.closed]).toEqual([false, false]);
  });

  it('before the body is through ends the connection: what follows would be read as a request', async () => {
    const { client, peer } = await ask(`${request(['Content-Length: 100'])}GET /half HTTP/1.1`);
    await peer.head();
    peer.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
    const head = await client.head();
    expect([head.start, head.get('connection')]).toEqual(['HTTP/1.1 403 Forbidden', 'close']);
    expect(await client.rest()).toBe('no');
  });

  it('that begins before the body is through: the body goes on, and what has no reader any more does not', async () => {
    const { client, peer } = await ask(`${request(['Content-Length: 9'])}one`);
    await peer.head();
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none');
    expect((await client.head()).get('connection')).toBe('close');
    expect(await client.take(3)).toBe('one');
    client.send('two');
    expect(await peer.take(6)).toBe('onetwo');
    peer.send('two');
    expect(await client.take(3)).toBe('two');
    await peer.gone();
    client.send('end');
    expect(await client.rest()).toBe('');
  });

  it('interim ones pass', async () => {
    const { client, peer } = await ask(request());
    await peer.head();
    peer.send('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n');
    expect((await client.head()).start).toBe('HTTP/1.1 103 Early Hints');
    expect((await client.head()).start).toBe('HTTP/1.1 204 No Content');
  });

  it('that breaks off is broken off', async () => {
    const { front, client, peer } = await ask(request());
    await peer.head();
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
    await client.take(4);
    peer.socket.destroy();
    await client.gone();
    expect(front.counters.requestErrors).toBe(1);
  });
});

describe('no answer', () => {
  it('[D7] where nobody listens: 502, counted', async () => {
    const server = createServer();
    const port = await listenOn(server);
    await new Promise((resolve) => server.close(resolve));
    const front = await startFront(`http://127.0.0.1:${port}`);
    const client = rawClient(front.port);
    client.send(request());
    expect((await client.head()).start).toBe('HTTP/1.1 502 Bad Gateway');
    expect(front.counters).toMatchObject({ requests: 1, requestErrors: 1 });
    expect(front.faults).toMatchObject([{ stage: 'relay.tunnel' }]);
    expect(front.listener.handshaking).toBe(0);
  });

  it('a client that leaves takes its request along', async () => {
    const { front, client, peer } = await ask(request());
    await peer.head();
    client.socket.resetAndDestroy();
    await peer.gone();
    await eventually(() => expect(front.counters.clientGone).toBe(1));
    expect(front.listener.handshaking).toBe(0);
  });
});

it('a silent server still answers plain requests while tunnels are open', async () => {
  const { upstream, client, peer, front } = await tunnel();
  const other = rawClient(front.port);
  other.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const plain = await upstream.next();
  await plain.head();
  plain.send('HTTP/1.1 204 No Content\r\n\r\n');
  expect((await other.head()).start).toContain('204');
  atEnd(() => client.socket.destroy());
  peer.socket.destroy();
});
