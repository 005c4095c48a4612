// Plain HTTP through the front, byte for byte where it matters: heads, framing, interim answers, trailers, ends and limits.
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer as createHttp, request as httpRequest } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createNet, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  atEnd,
  closeAll,
  handshake,
  httpUpstream,
  listenOn,
  rawClient,
  rawUpstream,
  startFront,
  upstreamAt,
} from '../support/backends.ts';
import { selfSigned } from '../support/certificate.ts';

afterEach(closeAll);

/** A raw client and the raw upstream that its request reaches. */
async function exchange(request: string, overrides: Parameters<typeof startFront>[1] = {}) {
  const upstream = await rawUpstream();
  const front = await startFront(upstream.address, overrides);
  const client = rawClient(front.port);
  client.send(request);
  const peer = await upstream.next();
  return { upstream, front, client, peer };
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

describe('requests', () => {
  it('keep their order, case, duplicates, path and Host; hop-by-hop headers go, X-Forwarded-* come', async () => {
    const { client, peer } = await exchange(
      'GET /a//b/../%2e%2E/c?x=%zz?&& HTTP/1.1\r\nhOST: app.example:81\r\nX-Dup: 1\r\nAccept: */*\r\nx-dup: 2\r\n' +
        'Connection: keep-alive, X-Hop\r\nX-Hop: h\r\nKeep-Alive: timeout=9\r\nX-Latin: caf\u00e9\r\n' +
        'X-Forwarded-For: 1.1.1.1\r\nForwarded: for=2.2.2.2\r\n\r\n',
    );
    const head = await peer.head();
    expect(head.start).toBe('GET /a//b/../%2e%2E/c?x=%zz?&& HTTP/1.1');
    expect(head.raw).toEqual([
      ...['hOST', 'app.example:81', 'X-Dup', '1', 'X-Dup', '2', 'Accept', '*/*', 'X-Latin', 'caf\u00e9'],
      ...['X-Forwarded-For', '127.0.0.1'],
      ...['X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'app.example:81', 'Connection', 'keep-alive'],
    ]);
    peer.send('HTTP/1.1 204 No Content\r\n\r\n');
    expect((await client.head()).start).toBe('HTTP/1.1 204 No Content');
  });

  it.each([
    ['GET http://other.example/p?q HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /p?q HTTP/1.1', 'other.example'],
    ['OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', 'OPTIONS * HTTP/1.1', 'a'],
    ['GET /a? HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /a? HTTP/1.1', 'a'],
    ['GET //evil.example/x HTTP/1.1\r\nHost: a\r\n\r\n', 'GET //evil.example/x HTTP/1.1', 'a'],
  ])('%j asks for %s', async (request, start, host) => {
    const { peer } = await exchange(request);
    const head = await peer.head();
    expect(head.start).toBe(start);
    expect(head.get('host')).toBe(host);
  });

  it('go below the base path', async () => {
    const upstream = await rawUpstream();
    const front = await startFront(`${upstream.address}/base/`);
    rawClient(front.port).send('GET /p HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await (await upstream.next()).head()).start).toBe('GET /base/p HTTP/1.1');
  });

  it.each([
    ['GET', '', undefined, undefined],
    ['DELETE', '', undefined, undefined],
    ['OPTIONS', '', undefined, undefined],
    ['POST', 'Content-Length: 0\r\n', '0', undefined],
    ['DELETE', 'Content-Length: 5\r\n', '5', undefined],
    ['DELETE', 'Transfer-Encoding: chunked\r\n', undefined, 'chunked'],
    ['GET', 'Transfer-Encoding: chunked\r\n', undefined, 'chunked'],
    ['POST', 'Transfer-Encoding: chunked\r\nConnection: content-length\r\n', undefined, 'chunked'],
  ])(
    '%s with %j is framed as it was, so that a body can never become a request',
    async (method, lines, length, coding) => {
      const body = coding === 'chunked' ? '5\r\nhello\r\n0\r\n\r\n' : length === '5' ? 'hello' : '';
      const { peer } = await exchange(`${method} /x HTTP/1.1\r\nHost: a\r\n${lines}\r\n${body}`);
      const head = await peer.head();
      expect([head.get('content-length'), head.get('transfer-encoding')]).toEqual([length, coding]);
      if (body !== '') expect(await peer.take(body.length)).toBe(body);
      peer.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      await peer.socket.end();
      expect(peer.text).toBe('');
    },
  );

  it('trailers arrive, announced and with TE: trailers', async () => {
    const { peer } = await exchange(
      'POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\nx-two: 2\r\n\r\n',
    );
    const head = await peer.head();
    expect([head.get('te'), head.get('trailer')]).toEqual(['trailers', 'X-Sum']);
    expect(await peer.until('2\r\n\r\n')).toBe('3\r\nabc\r\n0\r\nX-Sum: 7\r\nx-two: 2\r\n\r\n');
  });

  it('[D7] a head over the limit: 431; garbage: 400; a slow head: 408; each counted', async () => {
    const { address } = await httpUpstream((_, response) => response.end());
    const front = await startFront(address, { headerBytes: 4_096, headersTimeoutMs: 150 });
    const huge = rawClient(front.port);
    for (let i = 0; i < 20; i++)
      huge.send(i === 0 ? 'GET / HTTP/1.1\r\nHost: a\r\n' : `X-${i}: ${'x'.repeat(1_000)}\r\n`);
    expect((await huge.head()).start).toBe('HTTP/1.1 431 Request Header Fields Too Large');
    const garbage = rawClient(front.port);
    garbage.send('\u0016\u0003\u0001 not http\r\n\r\n');
    expect((await garbage.head()).start).toBe('HTTP/1.1 400 Bad Request');
    const slow = rawClient(front.port);
    slow.send('GET / HTTP/1.1\r\nHost:');
    expect((await slow.head()).start).toBe('HTTP/1.1 408 Request Timeout');
    const silent = rawClient(front.port);
    expect((await silent.head()).start).toBe('HTTP/1.1 408 Request Timeout');
    expect(front.counters).toMatchObject({ headersTooLarge: 1, badRequests: 1, requestTimeouts: 2, requests: 0 });
  });

  it('thousands of headers and a head of 60 KB pass', async () => {
    const lines = Array.from({ length: 3_000 }, (_, i) => `h${i}: ${i}\r\n`).join('');
    const { client, peer } = await exchange(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);
    const head = await peer.head();
    expect(head.get('h2999')).toBe('2999');
    peer.send(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Big: ${'y'.repeat(60_000)}\r\n\r\n`);
    expect((await client.head()).get('x-big')!.length).toBe(60_000);
  });
});

describe('responses', () => {
  it('keep status text, order, case and duplicates', async () => {
    const { client, peer } = await exchange(GET);
    await peer.head();
    peer.send(
      'HTTP/1.1 299 Odd Reason\r\nset-cookie: a=1\r\nX-One: 1\r\nSet-Cookie: b=2\r\nx-one: 2\r\nDate: then\r\n' +
        'Connection: keep-alive, X-Hop\r\nX-Hop: h\r\nContent-Length: 2\r\n\r\nok',
    );
    const head = await client.head();
    expect(head.start).toBe('HTTP/1.1 299 Odd Reason');
    expect(head.raw.slice(0, 12)).toEqual([
      ...['set-cookie', 'a=1', 'X-One', '1', 'Set-Cookie', 'b=2', 'x-one', '2', 'Date', 'then', 'Content-Length', '2'],
    ]);
    expect(head.get('x-hop')).toBe(undefined);
    expect(await client.take(2)).toBe('ok');
  });

  it.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTrailer: X\r\n\r\n', '99'],
    ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n', undefined],
    ['GET', 'HTTP/1.1 204 No Content\r\nTrailer: X\r\n\r\n', undefined],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: "e"\r\n\r\n', '7'],
  ])('%s %j has no body, and the connection goes on', async (method, reply, length) => {
    const { client, peer } = await exchange(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
    await peer.head();
    peer.send(reply);
    const head = await client.head();
    expect(head.get('content-length')).toBe(length);
    expect(head.get('transfer-encoding')).toBe(undefined);
    client.send('GET /next HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await peer.head()).start).toBe('GET /next HTTP/1.1'); // On the same upstream connection, too.
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext');
    expect((await client.until('next')).startsWith('HTTP/1.1 200 OK')).toBe(true);
  });

  it('trailers arrive', async () => {
    const { client, peer } = await exchange(GET);
    await peer.head();
    peer.send(
      'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 9\r\n\r\n',
    );
    expect((await client.head()).get('trailer')).toBe('X-Sum');
    expect(await client.until('9\r\n\r\n')).toBe('2\r\nab\r\n0\r\nX-Sum: 9\r\n\r\n');
  });

  it('a head with a length comes before its body does', async () => {
    const { client, peer } = await exchange(GET);
    await peer.head();
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n');
    expect((await client.head()).get('content-length')).toBe('2');
    peer.send('ok');
    expect(await client.take(2)).toBe('ok');
  });

  it('server-sent events: the head comes before any event, each event at once', async () => {
    const { client, peer } = await exchange(GET);
    await peer.head();
    peer.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n');
    expect((await client.head()).get('content-type')).toBe('text/event-stream');
    peer.send('data: 1\n\n');
    await client.until('data: 1\n\n');
    peer.send('data: 2\n\n');
    await client.until('data: 2\n\n');
    client.socket.destroy();
    await peer.gone(); // And a client that leaves ends them.
  });

  it('103 hints come first; 100 is not given to a client that did not ask', async () => {
    const { client, peer } = await exchange(GET);
    await peer.head();
    peer.send('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-A: 1\r\n\r\n');
    const hints = await client.head();
    expect(hints.start).toBe('HTTP/1.1 103 Early Hints');
    expect(hints.raw).toEqual(['Link', '</a.css>; rel=preload', 'X-A', '1']);
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    expect((await client.head()).start).toBe('HTTP/1.1 200 OK');
  });

  it('an HTTP/1.0 client gets no chunks and no hints, and an end', async () => {
    const { client, peer } = await exchange('GET / HTTP/1.0\r\n\r\n');
    await peer.head();
    peer.send(
      'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: 1\r\n\r\n',
    );
    const head = await client.head();
    expect(head.start).toContain('200 OK');
    expect(head.get('transfer-encoding')).toBe(undefined);
    expect(await client.rest()).toBe('ab');
  });

  it.each([
    ['a short body', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'abc'],
    ['a cut chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc', 'abc'],
  ])('%s does not look whole', async (_, reply, body) => {
    const { client, front, peer } = await exchange(GET);
    await peer.head();
    peer.send(reply);
    await client.until(body);
    peer.socket.resetAndDestroy();
    const rest = await client.rest();
    expect(rest).not.toContain('0\r\n\r\n');
    expect(front.counters).toMatchObject({ requests: 1, requestErrors: 1 });
  });

  it('a head that node:http would not write is a 502, and the process lives', async () => {
    const { client, front, peer } = await exchange(GET);
    await peer.head();
    peer.send('HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n');
    expect((await client.head()).start).toBe('HTTP/1.1 502 Bad Gateway');
    expect(front.counters.requestErrors).toBe(1);
  });

  it('a 101 that nobody asked for is a 502', async () => {
    const { client, peer } = await exchange(GET);
    await peer.head();
    peer.send('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
    expect((await client.head()).start).toBe('HTTP/1.1 502 Bad Gateway');
  });
});

describe('uploads', () => {
  const UPLOAD = 'POST /u HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n';

  it('Expect: 100-continue: the upstream says go', async () => {
    const { client, peer } = await exchange(UPLOAD);
    expect((await peer.head()).get('expect')).toBe('100-continue');
    expect(client.all).toBe('');
    peer.send('HTTP/1.1 100 Continue\r\n\r\n');
    expect((await client.head()).start).toBe('HTTP/1.1 100 Continue');
    client.send('hello');
    expect(await peer.take(5)).toBe('hello');
    peer.send('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n');
    expect((await client.head()).start).toBe('HTTP/1.1 201 Created');
    expect(client.all.match(/100 Continue/g)!.length).toBe(1);
  });

  it('Expect: 100-continue costs no connection: the next request comes on the same one', async () => {
    const { client, peer } = await exchange(UPLOAD);
    for (let i = 0; i < 3; i++) {
      if (i > 0) client.send(UPLOAD);
      await peer.head();
      peer.send('HTTP/1.1 100 Continue\r\n\r\n');
      expect((await client.head()).start).toBe('HTTP/1.1 100 Continue');
      client.send('hello');
      expect(await peer.take(5)).toBe('hello');
      peer.send('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n');
      expect((await client.head()).get('connection')).toBe('keep-alive');
    }
  });

  it('an answer before the end of a body that was asked for keeps the connection too', async () => {
    const { upstream, client, peer } = await exchange(UPLOAD);
    await peer.head();
    peer.send('HTTP/1.1 100 Continue\r\n\r\n');
    await client.head();
    client.send('he');
    await peer.take(2);
    peer.send('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    expect((await client.head()).get('connection')).toBe('keep-alive');
    peer.socket.end();
    client.send('lloGET /next HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await (await upstream.next()).head()).start).toBe('GET /next HTTP/1.1');
  });

  it('an HTTP/1.0 client has no expectations (RFC 9110 §10.1.1)', async () => {
    const { peer } = await exchange('POST / HTTP/1.0\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n');
    expect((await peer.head()).get('expect')).toBeUndefined();
  });

  it.each(['POST', 'PUT', 'PATCH'])('%s without a body stays without one', async (method) => {
    const { client, peer } = await exchange(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
    for (let i = 0; i < 2; i++) {
      const head = await peer.head();
      expect([head.get('content-length'), head.get('transfer-encoding')]).toEqual([undefined, undefined]);
      peer.send('HTTP/1.1 204 No Content\r\n\r\n');
      await client.head();
      expect(peer.text).toBe('');
      if (i === 0) client.send(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
    }
  });

  it.each([['417 Expectation Failed'], ['401 Unauthorized']])(
    'Expect: 100-continue refused with %s: no 100, then an end',
    async (status) => {
      const { client, peer } = await exchange(UPLOAD);
      await peer.head();
      peer.send(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\nno`);
      const head = await client.head();
      expect(head.start).toBe(`HTTP/1.1 ${status}`);
      expect(head.get('connection')).toBe('close');
      expect(await client.rest()).toBe('no');
      expect(peer.text).toBe('');
    },
  );

  it('another expectation is for the upstream to judge', async () => {
    const { peer } = await exchange('GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n');
    expect((await peer.head()).get('expect')).toBe('tea');
  });

  it('an upstream that does not read stops the client from sending: nothing piles up here', async () => {
    let stalled: Socket | undefined;
    const sink = createNet((socket) => {
      stalled = socket.pause();
    });
    const front = await startFront(`http://127.0.0.1:${await listenOn(sink)}`, {
      mount: { path: '/turn', handle: (_, response) => void response.end('!') },
    });
    atEnd(() => stalled?.destroy());
    const client = rawClient(front.port);
    const blocks = 64;
    const total = blocks * 1_048_576;
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`);
    const block = Buffer.alloc(1_048_576);
    let accepted = 0;
    for (let i = 0; i < blocks; i++) client.socket.write(block, () => accepted++);
    // The front goes on turning: while it reads at all, twenty turns without a block taken do not
    // happen.
    const other = rawClient(front.port);
    for (let still = 0, last = 0; still < 20; still = accepted === last ? still + 1 : 0) {
      last = accepted;
      other.send('GET /turn HTTP/1.1\r\nHost: a\r\n\r\n');
      await other.until('!');
    }
    expect(accepted).toBeLessThan(blocks * 0.6);
    const received = new Promise<void>((resolve) => {
      let bytes = 0;
      stalled!.on('data', (chunk) => {
        bytes += chunk.length;
        if (bytes >= total) resolve();
      });
    });
    stalled!.resume();
    await received;
  });

  it('a response larger than every buffer arrives whole at a client that reads late', async () => {
    const body = Buffer.alloc(32 * 1_048_576, 'z');
    const { address } = await httpUpstream((_, response) => response.end(body));
    const front = await startFront(address);
    const outgoing = httpRequest({ port: front.port, path: '/' }).end();
    const [response] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage];
    let bytes = 0;
    for await (const chunk of response) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(body.length);
  });

  it('a client that leaves half-way aborts the upstream request', async () => {
    const { client, front, peer } = await exchange('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf');
    await peer.until('half');
    client.socket.resetAndDestroy();
    await peer.gone();
    expect(front.faults).toEqual([]);
    expect(front.counters).toMatchObject({ requests: 1, requestErrors: 0 });
  });

  it('an early answer comes through while the upload goes on, and the connection stays usable', async () => {
    const { client, peer, upstream } = await exchange('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nfirst');
    await peer.until('first');
    peer.socket.end('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig');
    expect(await client.until('big')).toContain('413 Too Large');
    client.send('last');
    client.send(GET);
    const next = await upstream.next();
    await next.head();
    next.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await client.until('ok')).toContain('200 OK');
  });
});

describe('failures', () => {
  it('an upstream that is down: 502 with a text, and the client may go on', async () => {
    const { address, server } = await httpUpstream(() => {});
    server.close();
    await once(server, 'close');
    const front = await startFront(address);
    const client = rawClient(front.port);
    for (let i = 1; i <= 2; i++) {
      client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody');
      const head = await client.head();
      expect(head.start).toBe('HTTP/1.1 502 Bad Gateway');
      await client.until('the upstream could not be reached\n');
      expect(front.counters).toMatchObject({ requests: i, requestErrors: i });
    }
    expect(front.faults).toMatchObject([{ stage: 'relay.http', error: { code: 'ECONNREFUSED' } }, {}]);
  });

  it('an upstream that resets before it answers: one 502, no retry', async () => {
    const { client, front, peer, upstream } = await exchange(GET);
    await peer.head();
    peer.socket.resetAndDestroy();
    expect((await client.head()).start).toBe('HTTP/1.1 502 Bad Gateway');
    expect(upstream.accepted.length).toBe(1);
    expect(front.counters.requestErrors).toBe(1);
  });

  it('a connection that does not come about in time: 504', async () => {
    // A TLS upstream that never answers the client's hello.
    const silent = createNet((socket) => socket.on('error', () => {}));
    const port = await listenOn(silent);
    const front = await startFront(`https://127.0.0.1:${port}`, { handshakeTimeoutMs: 60 });
    const client = rawClient(front.port);
    client.send(GET);
    expect((await client.head()).start).toBe('HTTP/1.1 504 Gateway Timeout');
    expect(front.counters.requestErrors).toBe(1);
  });
});

describe('requests that only look like upgrades', () => {
  it.each([
    [
      'websocket without a key',
      'GET /p HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nX-A: 1\r\n\r\n',
      '',
    ],
    [
      'a key on a POST',
      'POST /p HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      '3\r\nabc\r\n0\r\n\r\n',
    ],
  ])('%s: a plain request, and its connection goes on', async (_, request, body) => {
    const { client, front, peer } = await exchange(request);
    for (let i = 0; i < 3; i++) {
      if (i > 0) client.send(request);
      const head = await peer.head();
      expect(head.start).toContain(' /p HTTP/1.1');
      expect([head.get('upgrade'), head.get('connection'), head.get('http2-settings')]).toEqual([
        undefined,
        'keep-alive',
        undefined,
      ]);
      if (body !== '') expect(await peer.take(body.length)).toBe(body);
      peer.send(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${i}`);
      await client.head();
      expect(await client.take(1)).toBe(String(i));
    }
    client.send(handshake()); // A real one still works behind them; its dial needs no answer here.
    await once(front.listener.server, 'upgrade');
    expect(front.counters).toMatchObject({ requests: 3 });
  });

  it('a body that comes in pieces after the head, and requests pipelined behind it', async () => {
    const { client, peer } = await exchange(
      'POST /p HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 6\r\n\r\n',
    );
    await peer.head();
    client.send('one');
    await peer.take(3);
    client.send('two');
    client.send('GET /q HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect(await peer.take(3)).toBe('two');
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1');
    await client.head();
    expect((await peer.head()).start).toBe('GET /q HTTP/1.1');
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2');
    await client.take(1);
    await client.head();
    expect(await client.take(1)).toBe('2');
  });

  it('Upgrade without Connection is simply not passed on', async () => {
    const { peer } = await exchange('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n');
    expect((await peer.head()).get('upgrade')).toBe(undefined);
  });
});

describe('other upstreams, other pages, the end', () => {
  it('unix socket', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'ackspan-')), 'app.sock');
    await listenOn(
      createHttp((request, response) => response.end(`${request.method} ${request.url} ${request.headers.host}`)),
      path,
    );
    const front = await startFront(`unix:${path}`);
    const client = rawClient(front.port);
    client.send('GET /x HTTP/1.1\r\nHost: app.example\r\n\r\n');
    expect(await client.until('GET /x app.example')).toContain('200 OK');
  });

  it('https: SNI and certificate follow the configured host, not the Host header', async () => {
    const identity = selfSigned();
    const names: unknown[] = [];
    const server = createTlsServer(identity, (_, response) => response.end('secret'));
    server.on('secureConnection', (socket) => names.push(socket.servername));
    const address = `https://localhost:${await listenOn(server)}`;
    const strict = await startFront(address);
    const refused = rawClient(strict.port);
    refused.send(GET);
    expect((await refused.head()).start).toBe('HTTP/1.1 502 Bad Gateway');
    const lenient = await startFront(upstreamAt(address, { verifyTls: false }));
    const client = rawClient(lenient.port);
    client.send('GET / HTTP/1.1\r\nHost: app.example\r\n\r\n');
    expect(await client.until('secret')).toContain('200 OK');
    expect(names.at(-1)).toBe('localhost');
    const trusting = await startFront(upstreamAt(address, { ca: String(identity.cert) }));
    const third = rawClient(trusting.port);
    third.send(GET);
    expect(await third.until('secret')).toContain('200 OK');
    // Authorities that come later hold for connections that begin after that.
    const upstream = upstreamAt(address, {});
    const renewed = await startFront(upstream);
    const before = rawClient(renewed.port);
    before.send(GET);
    expect((await before.head()).start).toBe('HTTP/1.1 502 Bad Gateway');
    upstream.ca = String(identity.cert);
    const after = rawClient(renewed.port);
    after.send(GET);
    expect(await after.until('secret')).toContain('200 OK');
  });

  it('a mounted path is served here, everything else passes', async () => {
    const { address } = await httpUpstream((request, response) => response.end(`upstream ${request.url}`));
    const front = await startFront(address, {
      mount: { path: '/.ackspan', handle: (request, response) => void response.end(`ours ${request.url}`) },
    });
    const answers = [];
    for (const path of ['/.ackspan', '/.ackspan?a', '/.ackspan/health?b', '/.ackspanner', '/x/.ackspan']) {
      answers.push(await (await fetch(`http://127.0.0.1:${front.port}${path}`)).text());
    }
    expect(answers).toEqual([
      'ours /.ackspan',
      'ours /.ackspan?a',
      'ours /.ackspan/health?b',
      'upstream /.ackspanner',
      'upstream /x/.ackspan',
    ]);
    const client = rawClient(front.port);
    client.send(handshake('/.ackspan/ws'));
    expect((await client.head()).start).toBe('HTTP/1.1 404 Not Found');
  });

  it('stopAccepting lets a request in flight finish and then closes its connection', async () => {
    const { client, front, peer, upstream } = await exchange(GET);
    await peer.head();
    const idle = rawClient(front.port);
    idle.send('GET /idle HTTP/1.1\r\nHost: a\r\n\r\n');
    const second = await upstream.next();
    await second.head();
    second.send('HTTP/1.1 204 No Content\r\n\r\n');
    await idle.head();
    await front.listener.stopAccepting();
    await idle.gone();
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await client.until('ok')).toContain('200 OK');
    await client.gone();
  });

  it('close breaks off what is in flight', async () => {
    const { client, front, peer } = await exchange(GET);
    await peer.head();
    await front.listener.close();
    await client.gone();
    await peer.gone();
  });
});
