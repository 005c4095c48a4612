// Handshakes through the front: what reaches the upstream, what comes back, who ends what, and what is left behind.
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import type { Upgraded } from '../../src/front/upgraded.ts';
import {
  atEnd,
  closeAll,
  handshake,
  httpUpstream,
  listenOn,
  rawClient,
  rawUpstream,
  startFront,
  switching,
  upstreamAt,
} from '../support/backends.ts';
import { selfSigned } from '../support/certificate.ts';

afterEach(closeAll);

const opened = (socket: WebSocket) => once(socket, 'open');

/**
 * Takes the sockets without reading them, so that the test can look at them as they were handed
 * over.
 */
const hold = ({ client, upstream }: Upgraded) => {
  client.on('error', () => {});
  upstream.on('error', () => {});
};

async function handshaking(overrides: Parameters<typeof startFront>[1] = {}, path = '/ws', lines: string[] = []) {
  const upstream = await rawUpstream();
  const front = await startFront(upstream.address, overrides);
  const client = rawClient(front.port);
  client.send(handshake(path, lines));
  const peer = await upstream.next();
  return { upstream, front, client, peer };
}

describe('the request', () => {
  it('reaches the upstream verbatim (order, case, duplicates, cookies, subprotocols), plus X-Forwarded-*', async () => {
    const lines = [
      ...[
        'cOOKie: a=1; b="x y"',
        'X-Dup: 1',
        'x-dup: 2',
        'Sec-WebSocket-Protocol: chat, jwt.e30',
        'Origin: https://app.example',
      ],
      ...['X-Latin: caf\u00e9'],
    ];
    const { front, client, peer } = await handshaking({}, '/ws//a/../b?token=%zz&&=', lines);
    const head = await peer.head();
    peer.send(switching());
    await client.head();
    expect(head.start).toBe('GET /ws//a/../b?token=%zz&&= HTTP/1.1');
    expect(head.raw).toEqual([
      ...['Host', 'app.example', 'Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Version', '13'],
      ...['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==', 'cOOKie', 'a=1; b="x y"', 'X-Dup', '1', 'x-dup', '2'],
      ...['Sec-WebSocket-Protocol', 'chat, jwt.e30', 'Origin', 'https://app.example', 'X-Latin', 'caf\u00e9'],
      ...['X-Forwarded-For', '127.0.0.1', 'X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'app.example'],
    ]);
    expect(front.upgraded[0]!.request).toMatchObject({
      method: 'GET',
      url: '/ws//a/../b?token=%zz&&=',
      remoteAddress: '127.0.0.1',
    });
    expect(front.upgraded[0]!.request.id).toMatch(/^c-[0-9a-z]+$/);
  });

  it("keeps the client's traceparent and replaces its X-Forwarded-For", async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';
    const lines = [`traceparent: ${traceparent}`, 'tracestate: a=1', 'X-Forwarded-For: 1.2.3.4'];
    const { peer, client } = await handshaking({}, '/', lines);
    const head = await peer.head();
    peer.send(switching());
    await client.head();
    expect(head.get('traceparent')).toBe(traceparent);
    expect(head.get('tracestate')).toBe('a=1');
    expect(head.get('x-forwarded-for')).toBe('127.0.0.1');
  });

  it.each([
    ['none', []],
    ['nonsense', ['traceparent: nonsense', 'tracestate: a=1']],
    ['two', ['traceparent: 1', 'traceparent: 2']],
  ])('[D20] without a trace (%s) goes on as it came, and one that is given replaces it', async (_, lines) => {
    const untouched = await handshaking({}, '/', lines);
    const asItCame = (await untouched.peer.head()).raw;
    const given = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const refused: number[] = [];
    const trace = { begin: () => given, refused: (__: unknown, status: number) => refused.push(status) };
    const { client, peer } = await handshaking({ trace }, '/', lines);
    expect((await peer.head()).raw).toEqual([
      ...asItCame.filter((__, i) => !/^trace/.test(asItCame[i - (i % 2)]!)),
      ...['traceparent', given],
    ]);
    expect(asItCame.filter((name) => /^trace/.test(name))).toHaveLength(lines.length);
    peer.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    await client.head();
    expect(refused).toEqual([403]);
  });

  it('may ask for another path, below the base path', async () => {
    const upstream = await rawUpstream();
    const front = await startFront(`${upstream.address}/base`, {
      rewritePath: (_, path) => path.replace('?ackspan=1', ''),
    });
    rawClient(front.port).send(handshake('/ws?ackspan=1'));
    expect((await (await upstream.next()).head()).start).toBe('GET /base/ws HTTP/1.1');
  });

  it('versions, keys and origins are for the upstream to judge', async () => {
    const upstream = await rawUpstream();
    const front = await startFront(upstream.address);
    const client = rawClient(front.port);
    client.send(
      'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: foo, WebSocket\r\nConnection: upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 99\r\n\r\n',
    );
    const head = await (await upstream.next()).head();
    expect(head.get('sec-websocket-version')).toBe('99');
    expect(head.get('sec-websocket-key')).toBe('x');
    expect(head.get('upgrade')).toBe('foo, WebSocket');
  });

  it('bytes behind the head are handed over, none lost, in order', async () => {
    const upstream = await rawUpstream();
    const front = await startFront(upstream.address);
    const client = rawClient(front.port);
    client.send(`${handshake()}early-1`);
    const peer = await upstream.next();
    await peer.head();
    client.send('early-2');
    peer.send(`${switching()}down-1`);
    await client.head();
    client.send('late');
    peer.send('down-2');
    expect(await peer.take(18)).toBe('early-1early-2late');
    expect(await client.take(12)).toBe('down-1down-2');
    expect(front.upgraded[0]!.upstreamHead.toString()).toBe('down-1');
  });
});

describe('the 101', () => {
  it('comes back verbatim, with its reason and cookies; the subprotocol is known', async () => {
    const { front, client, peer } = await handshaking();
    await peer.head();
    const lines = ['set-cookie: a=1', 'Set-Cookie: b=2', 'Sec-WebSocket-Protocol: chat', 'X-Odd: caf\u00e9'];
    const reply = switching(lines).replace('Switching Protocols', 'Off We Go');
    peer.send(reply);
    expect(await client.until('\r\n\r\n')).toBe(reply);
    expect(front.upgraded[0]!.subprotocol).toBe('chat');
    expect(front.counters).toMatchObject({ upgraded: 1, upstreamFailed: 0, refusedByUpstream: 0 });
    expect(front.listener.handshaking).toBe(0);
  });

  it('permessage-deflate: other offers go, the answer gains client_no_context_takeover', async () => {
    const offer = 'Sec-WebSocket-Extensions: foo, permessage-deflate; client_max_window_bits';
    const { front, client, peer } = await handshaking({}, '/', [offer]);
    expect((await peer.head()).get('sec-websocket-extensions')).toBe('permessage-deflate; client_max_window_bits');
    peer.send(switching(['Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10']));
    const told = (await client.head()).get('sec-websocket-extensions');
    expect(told).toBe('permessage-deflate; server_max_window_bits=10; client_no_context_takeover');
    expect(front.upgraded[0]).toMatchObject({
      opaque: false,
      deflate: { serverMaxWindowBits: 10, serverNoContextTakeover: false, clientNoContextTakeover: true },
    });
  });

  it('an extension that cannot be read is passed on and marked', async () => {
    const { front, client, peer } = await handshaking();
    await peer.head();
    peer.send(switching(['Sec-WebSocket-Extensions: surprise']));
    expect((await client.head()).get('sec-websocket-extensions')).toBe('surprise');
    expect(front.upgraded[0]).toMatchObject({ opaque: true, deflate: undefined });
  });

  it('hands over sockets without listeners, timers or http objects, ready to flow', async () => {
    const { front, client, peer } = await handshaking({
      onUpgraded: hold,
      headersTimeoutMs: 100,
      keepAliveTimeoutMs: 50,
    });
    await peer.head();
    peer.send(switching());
    await client.head();
    const { client: near, upstream: far } = front.upgraded[0]!;
    for (const socket of [near, far]) {
      expect(socket.readableFlowing).toBe(null);
      expect(socket.timeout ?? 0).toBe(0);
      for (const event of ['data', 'timeout', 'drain', 'readable']) expect(socket.listenerCount(event)).toBe(0);
      expect(socket.listenerCount('error')).toBe(1); // hold's own
      const inner = socket as unknown as { parser: unknown; _httpMessage: unknown };
      expect(inner.parser ?? null).toBe(null);
      expect(inner._httpMessage ?? null).toBe(null);
    }
    // The list from which node:http takes connections to time out is the one it closes here.
    front.listener.server.closeAllConnections();
    near.on('data', (chunk) => far.write(chunk));
    client.send('alive');
    expect(await peer.take(5)).toBe('alive');
  });

  it('an owner that throws ends that connection, with a report', async () => {
    const { front, client, peer } = await handshaking({
      onUpgraded: () => {
        throw new Error('our bug');
      },
    });
    await peer.head();
    peer.send(switching());
    await client.gone();
    await peer.gone();
    expect(front.faults).toMatchObject([{ stage: 'relay.upgraded', error: { message: 'our bug' } }]);
  });
});

describe('a refusal', () => {
  it.each([
    [
      'HTTP/1.1 401 Who?\r\nWWW-Authenticate: Basic\r\nWWW-Authenticate: Bearer\r\nContent-Length: 4\r\n\r\nnope',
      'nope',
    ],
    ['HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n', 'abcde'],
    ['HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n', ''],
    ['HTTP/1.1 502 Bad Gateway\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n\r\nuntil close', 'until close'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'ok'],
  ])('is passed through with headers and body, and ends the connection: %j', async (reply, body) => {
    const { front, client, peer } = await handshaking();
    await peer.head();
    peer.socket.end(reply, 'latin1');
    const head = await client.head();
    expect(head.start).toBe(reply.slice(0, reply.indexOf('\r\n')));
    expect(head.get('connection')).toBe('close');
    expect(head.get('x-hop')).toBe(undefined);
    if (head.start.includes('401')) expect(head.get('www-authenticate')).toBe('Basic | Bearer');
    expect(await client.rest()).toBe(body);
    client.socket.end();
    await client.gone();
    expect(client.error).toBe(undefined);
    expect(front.counters).toMatchObject({ refusedByUpstream: 1, upgraded: 0, upstreamFailed: 0 });
    expect(front.upgraded).toEqual([]);
  });

  it('that goes on for ever is given up when its client has ended its side', async () => {
    const { client, peer } = await handshaking();
    await peer.head();
    peer.send('HTTP/1.1 200 OK\r\n\r\nthe beginning');
    await client.head();
    client.socket.end();
    await peer.gone();
  });

  it('426 keeps the Upgrade header that it must have (RFC 9110 §15.5.22)', async () => {
    const { client, peer } = await handshaking();
    await peer.head();
    peer.send(
      'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n',
    );
    const head = await client.head();
    expect(head.get('upgrade')).toBe('websocket');
    expect(head.get('connection')).toBe('close, Upgrade');
  });

  it('a body larger than every buffer arrives whole, and one that breaks off does not look whole', async () => {
    const body = 'x'.repeat(8_000_000);
    const { client, peer, upstream, front } = await handshaking();
    await peer.head();
    peer.send(`HTTP/1.1 404 Not Found\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await client.head();
    expect((await client.rest()).length).toBe(body.length);

    const second = rawClient(front.port);
    second.send(handshake());
    const broken = await upstream.next();
    await broken.head();
    broken.send('HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await second.until('hello');
    broken.socket.resetAndDestroy();
    await expect(once(second.socket, 'close')).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('failures', () => {
  it('an upstream that is down: 502 with a text, once', async () => {
    const { address, server } = await httpUpstream(() => {});
    server.close();
    await once(server, 'close');
    const front = await startFront(address);
    const client = rawClient(front.port);
    client.send(handshake());
    expect((await client.head()).start).toBe('HTTP/1.1 502 Bad Gateway');
    expect(await client.rest()).toBe('the upstream could not be reached\n');
    expect(front.counters.upstreamFailed).toBe(1);
    expect(front.faults).toMatchObject([{ stage: 'relay.handshake', error: { code: 'ECONNREFUSED' } }]);
  });

  it.each([
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
    ['closes', (socket: Socket) => socket.end()],
    ['talks nonsense', (socket: Socket) => socket.end('SSH-2.0-OpenSSH\r\n')],
    ['sends a head over the limit', (socket: Socket) => socket.write(`HTTP/1.1 101 X\r\na: ${'x'.repeat(70_000)}`)],
  ])('an upstream that %s: 502, never a retry', async (_, act) => {
    const { upstream, front, client, peer } = await handshaking();
    await peer.head();
    act(peer.socket);
    expect((await client.head()).start).toBe('HTTP/1.1 502 Bad Gateway');
    await client.rest();
    expect(upstream.accepted.length).toBe(1);
    expect(front.counters).toMatchObject({ upstreamFailed: 1, clientGone: 0 });
  });

  it('an upstream that never answers: 504 after the handshake time, and its socket closes', async () => {
    const { front, client, peer } = await handshaking({ handshakeTimeoutMs: 60 });
    expect((await client.head()).start).toBe('HTTP/1.1 504 Gateway Timeout');
    await client.rest();
    await peer.gone();
    expect(front.counters).toMatchObject({ handshakeTimeouts: 1, upstreamFailed: 0 });
    expect(front.faults).toMatchObject([{ stage: 'relay.handshake' }]);
  });

  it.each([
    ['FIN', (socket: Socket) => socket.end()],
    ['RST', (socket: Socket) => socket.resetAndDestroy()],
  ])('a client that leaves during the handshake (%s) aborts the dial', async (_, leave) => {
    const { front, client, peer } = await handshaking();
    await peer.head();
    leave(client.socket);
    await peer.gone();
    expect(front.counters).toMatchObject({ clientGone: 1, upgraded: 0, upstreamFailed: 0 });
    expect(front.listener.handshaking).toBe(0);
    expect(front.upgraded).toEqual([]);
  });

  it('a 101 that crosses with the client leaving is given to nobody', async () => {
    const { front, client, peer } = await handshaking();
    await peer.head();
    client.socket.resetAndDestroy();
    peer.send(switching());
    await peer.gone();
    for (const { client: near } of front.upgraded) expect(near.destroyed).toBe(true);
    expect(front.listener.handshaking).toBe(0);
  });

  it('a request that cannot be put into words is refused, and the process lives', async () => {
    const upstream = await rawUpstream();
    const front = await startFront(upstream.address, { rewritePath: () => '/has space' });
    const client = rawClient(front.port);
    client.send(handshake());
    expect((await client.head()).start).toBe('HTTP/1.1 400 Bad Request');
    expect(front.faults).toMatchObject([{ stage: 'relay.handshake', error: { code: 'ERR_UNESCAPED_CHARACTERS' } }]);
    expect(front.listener.handshaking).toBe(0);
  });
});

it('every handshake ends in exactly one outcome, wherever its client or its upstream drops it', async () => {
  const upstream = await rawUpstream();
  const front = await startFront(upstream.address);
  const total = 300;
  const attempt = async (kind: number): Promise<void> => {
    const client = rawClient(front.port);
    client.socket.on('error', () => {}); // Some of them are reset on purpose.
    client.send(handshake());
    const peer = await upstream.next();
    if (kind === 0) client.socket.resetAndDestroy();
    else if (kind === 1) client.socket.end();
    else if (kind === 2) peer.socket.resetAndDestroy();
    else if (kind === 3) peer.socket.end('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n');
    else peer.send(switching());
    if (kind < 2) await peer.gone();
    else await client.head();
    client.socket.destroy();
    await peer.gone();
    peer.socket.destroy();
  };
  for (let i = 0; i < total; i += 25) await Promise.all(Array.from({ length: 25 }, (_, k) => attempt((i + k) % 5)));
  const { clientGone, upstreamFailed, refusedByUpstream, upgraded } = front.counters;
  expect({ clientGone, upstreamFailed, refusedByUpstream, upgraded }).toEqual({
    ...{ clientGone: (total / 5) * 2, upstreamFailed: total / 5, refusedByUpstream: total / 5, upgraded: total / 5 },
  });
  expect(front.listener.handshaking).toBe(0);
  const { server } = front.listener;
  const open = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
  while ((await open()) > 0) await new Promise(setImmediate);
});

describe('limits and stopping', () => {
  it('[D7] a refused handshake gets its status, Retry-After, a counter and a report', async () => {
    const upstream = await rawUpstream();
    const front = await startFront(upstream.address, {
      admit: () => ({ refusal: { status: 503, reason: 'too many connections' } }),
    });
    const client = rawClient(front.port);
    client.send(handshake());
    const head = await client.head();
    expect(head.start).toBe('HTTP/1.1 503 Service Unavailable');
    expect(head.get('retry-after')).toBe('1');
    expect(await client.rest()).toBe('too many connections\n');
    expect(front.counters.refusedByLimit).toBe(1);
    expect(front.faults).toMatchObject([{ stage: 'relay.limit' }]);
    expect(upstream.accepted).toEqual([]);
  });

  it('stopAccepting refuses new connections and handshakes, leaves upgraded ones alone', async () => {
    const upstream = await rawUpstream();
    const front = await startFront(upstream.address);
    const client = rawClient(front.port);
    client.send(handshake());
    const peer = await upstream.next();
    peer.send(switching());
    await client.head();
    const half = rawClient(front.port);
    half.send('GET /ws HTTP/1.1\r\nHost: a\r\n'); // A head under way when the stop comes.
    await once(front.listener.server, 'connection');
    await front.listener.stopAccepting();
    half.send(handshake().slice(handshake().indexOf('Upgrade')));
    expect((await half.head()).start).toBe('HTTP/1.1 503 Service Unavailable');
    const late = rawClient(front.port);
    await late.gone();
    expect(late.error).toMatchObject({ code: 'ECONNREFUSED' });
    client.send('still here');
    await peer.head();
    expect(await peer.take(10)).toBe('still here');
  });

  it('close breaks off handshakes in progress', async () => {
    const { front, client, peer } = await handshaking();
    await peer.head();
    await front.listener.close();
    expect((await client.head()).start).toBe('HTTP/1.1 503 Service Unavailable');
    await peer.gone();
    expect(front.listener.handshaking).toBe(0);
  });

  it('listen rejects on an address in use', async () => {
    const { address } = await httpUpstream(() => {});
    const front = await startFront(address);
    const other = await startFront(address);
    await other.listener.close();
    const { createListener } = await import('../../src/front/listener.ts');
    const { createFrontCounters } = await import('../../src/front/counters.ts');
    const third = createListener({
      upstream: upstreamAt(address),
      counters: createFrontCounters(),
      handshakeTimeoutMs: 10_000,
      stallMs: 60_000,
      report: () => {},
      onUpgraded: () => {},
    });
    await expect(third.listen('127.0.0.1', front.port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

describe('one connection, several requests', () => {
  it('a request, then an upgrade on the same keep-alive connection', async () => {
    const { address, server } = await httpUpstream((_, response) => response.end('plain'));
    new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    const front = await startFront(address);
    const client = rawClient(front.port);
    client.send('GET /page HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until('plain');
    client.send(handshake());
    expect(await client.until('101 Switching Protocols\r\n')).toContain('101');
    expect(front.counters).toMatchObject({ requests: 1, upgraded: 1 });
  });

  it('an upgrade pipelined behind a request waits for its response', async () => {
    const upstream = await rawUpstream();
    const front = await startFront(upstream.address);
    const client = rawClient(front.port);
    client.send(`GET /slow HTTP/1.1\r\nHost: a\r\n\r\n${handshake()}tail`);
    const plain = await upstream.next();
    await plain.head();
    expect(upstream.accepted.length).toBe(1);
    plain.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow');
    expect(await client.until('slow')).toContain('200 OK');
    const peer = await upstream.next();
    await peer.head();
    peer.send(switching());
    expect((await client.head()).start).toContain('101');
    expect(await peer.take(4)).toBe('tail');
  });

  it('and when that client leaves, the request before it is aborted', async () => {
    const upstream = await rawUpstream();
    const front = await startFront(upstream.address);
    const client = rawClient(front.port);
    client.send(`GET /slow HTTP/1.1\r\nHost: a\r\n\r\n${handshake()}`);
    const plain = await upstream.next();
    await plain.head();
    client.socket.resetAndDestroy();
    await plain.gone();
    expect(upstream.accepted.length).toBe(1);
  });
});

describe('other upstreams', () => {
  it('unix socket', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'ackspan-')), 'app.sock');
    const server = createHttp();
    new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    await listenOn(server, path);
    const front = await startFront(`unix:${path}`);
    await echo(`ws://127.0.0.1:${front.port}/`);
  });

  it('https: its certificate must verify, unless told otherwise', async () => {
    const server = createTlsServer(selfSigned());
    new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    const address = `https://localhost:${await listenOn(server)}`;
    const strict = await startFront(address);
    const client = rawClient(strict.port);
    client.send(handshake());
    expect((await client.head()).start).toBe('HTTP/1.1 502 Bad Gateway');
    expect(strict.faults).toMatchObject([{ error: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } }]);
    const lenient = await startFront(upstreamAt(address, { verifyTls: false }));
    await echo(`ws://127.0.0.1:${lenient.port}/`);
  });

  it('a ws backend with subprotocols, cookies and permessage-deflate', async () => {
    const { address, server } = await httpUpstream(() => {});
    const backend = new WebSocketServer({
      server,
      perMessageDeflate: { threshold: 0 },
      handleProtocols: (offered) => [...offered].at(-1) ?? false,
      verifyClient: ({ req }: { req: IncomingMessage }) => req.headers.cookie === 'sid=1',
    });
    backend.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    const front = await startFront(address);
    const options = { headers: { cookie: 'sid=1' }, perMessageDeflate: { threshold: 0 } };
    const socket = new WebSocket(`ws://127.0.0.1:${front.port}/`, ['v1', 'v2'], options);
    await opened(socket);
    expect(socket.protocol).toBe('v2');
    expect(socket.extensions).toContain('permessage-deflate');
    for (const text of ['one', 'one', 'one']) {
      socket.send(text);
      expect(String((await once(socket, 'message'))[0])).toBe(text);
    }
    socket.close();
    await once(socket, 'close');
    expect(front.upgraded[0]!.deflate).toMatchObject({ clientNoContextTakeover: true });

    const stranger = new WebSocket(`ws://127.0.0.1:${front.port}/`);
    const [error] = (await once(stranger, 'error')) as [Error];
    expect(error.message).toBe('Unexpected server response: 401');
  });
});

async function echo(url: string): Promise<void> {
  const socket = new WebSocket(url);
  atEnd(() => socket.terminate());
  await opened(socket);
  socket.send('hello');
  expect(String((await once(socket, 'message'))[0])).toBe('hello');
}

it.each(['foo', 'permessage-deflate; client_max_window_bits', 'permessage-deflate, permessage-deflate'])(
  '[D7] a 101 with extensions that cannot be read (%s) passes, is counted and said',
  async (extensions) => {
    const { client, peer, front } = await handshaking();
    await peer.head();
    peer.send(switching([`Sec-WebSocket-Extensions: ${extensions}`]));
    expect((await client.head()).get('sec-websocket-extensions')).toBe(extensions);
    expect(front.upgraded[0]!.opaque).toBe(true);
    expect(front.counters).toMatchObject({ upgraded: 1, unreadable: 1 });
    expect(front.faults).toEqual([{ stage: 'relay.extensions', error: expect.any(Error) }]);
    expect(String(front.faults[0]!.error)).toContain(extensions);
  },
);
