// [D7] Requests that RFC 9112 tells a server to refuse: refused here, counted, and never seen by the upstream.
import { afterEach, describe, expect, it } from 'vitest';
import { closeAll, handshake, rawClient, rawUpstream, startFront } from '../support/backends.ts';
import { eventually } from '../support/child.ts';

afterEach(closeAll);

async function send(text: string) {
  const upstream = await rawUpstream();
  const front = await startFront(upstream.address);
  const client = rawClient(front.port);
  client.send(text);
  return { upstream, front, client };
}

const get = (lines: readonly string[], start = 'GET / HTTP/1.1') => [start, ...lines, '\r\n'].join('\r\n');
const post = (lines: readonly string[], body = '') => get(['Host: a', ...lines], 'POST / HTTP/1.1') + body;

describe('refused, and the connection ended', () => {
  it.each([
    ['two Host headers', get(['Host: a', 'Host: b']), 400],
    ['two Host headers that agree', get(['Host: a', 'host: a']), 400],
    ['no Host header', get(['Accept: */*']), 400],
    ['a Host header with a space', get(['Host: a b']), 400],
    ['a Host header with a path', get(['Host: a/b']), 400],
    ['a Host header with a user', get(['Host: me@a']), 400],
    ['a Host header with a word for a port', get(['Host: a:http']), 400],
    ['two Host headers on a WebSocket handshake', handshake('/ws', ['Host: b']), 400],
    ['no Host header on a WebSocket handshake', handshake().replace('Host: app.example\r\n', ''), 400],
    ['two Host headers on another upgrade', get(['Host: a', 'Host: b', 'Connection: Upgrade', 'Upgrade: tcp']), 400],
    ['HTTP/1.0 in chunks', `${get(['Transfer-Encoding: chunked'], 'POST / HTTP/1.0')}0\r\n\r\n`, 400],
    ['a length beside chunks', post(['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'), 400],
    ['chunks beside a length', post(['Transfer-Encoding: chunked', 'Content-Length: 5'], '0\r\n\r\n'), 400],
    ['two lengths', post(['Content-Length: 5', 'Content-Length: 6'], 'hello!'), 400],
    ['two lengths that agree', post(['Content-Length: 5', 'Content-Length: 5'], 'hello'), 400],
    ['a list of lengths', post(['Content-Length: 5, 5'], 'hello'), 400],
    ['a negative length', post(['Content-Length: -1']), 400],
    ['a length in hex', post(['Content-Length: 0x5'], 'hello'), 400],
    ['a coding behind chunked', post(['Transfer-Encoding: chunked, gzip'], '0\r\n\r\n'), 400],
    ['an unknown coding', post(['Transfer-Encoding: xchunked'], '0\r\n\r\n'), 400],
    ['chunked twice', post(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], '0\r\n\r\n'), 400],
    ['a body without end', post(['Transfer-Encoding: gzip'], 'x'), 400],
    ['no coding before chunked', post(['Transfer-Encoding: identity, chunked'], '0\r\n\r\n'), 400],
    ['a target without a host', get(['Host: a'], 'GET http:///path HTTP/1.1'), 400],
    ['a target with nothing but a port', get(['Host: a'], 'GET http://:80/ HTTP/1.1'), 400],
    ['a target whose host is none', get(['Host: a'], 'GET http://a%zz/ HTTP/1.1'), 400],
    ['a space before a colon', get(['Host: a', 'X-A : 1']), 400],
    ['a folded line', get(['Host: a', 'X-A: 1', ' folded']), 400],
    ['HTTP/0.9', 'GET /\r\n\r\n', 505],
    ['HTTP/0.9 that says so', get(['Host: a'], 'GET / HTTP/0.9'), 505],
    ['HTTP/2 in text', get(['Host: a'], 'GET / HTTP/2.0'), 505],
    ['HTTP/1.2', get(['Host: a'], 'GET / HTTP/1.2'), 400],
    ['CONNECT', get(['Host: a:443'], 'CONNECT a:443 HTTP/1.1'), 501],
  ])('%s', async (_, text, status) => {
    const { upstream, front, client } = await send(text);
    const head = await client.head();
    expect([head.start.slice(0, 12), head.get('connection')]).toEqual([`HTTP/1.1 ${status}`, 'close']);
    client.socket.end();
    await client.gone();
    expect([front.counters.badRequests, front.counters.requests, upstream.accepted.length]).toEqual([1, 0, 0]);
  });
});

it.each([
  ['[::1]:80'],
  ['a_b.example:8080'],
  ['xn--mnchen-3ya.example'],
  ['10.0.0.1'],
  [''],
  ['%61'],
  ["a,b;c=d!$&'()*+"],
])('the Host %j is one', async (host) => {
  const { upstream } = await send(get([`Host: ${host}`]));
  expect((await (await upstream.next()).head()).get('host')).toBe(host);
});

it('HTTP/1.0 without a Host passes', async () => {
  const { upstream } = await send(get([], 'GET / HTTP/1.0'));
  expect((await (await upstream.next()).head()).start).toBe('GET / HTTP/1.1');
});

it('a bad request behind a good one is refused in its turn, after the answer to the good one', async () => {
  const { upstream, front, client } = await send(get(['Host: a']) + get(['Host: a', 'Host: b']));
  const peer = await upstream.next();
  await peer.head();
  peer.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  expect((await client.head()).start).toBe('HTTP/1.1 200 OK');
  expect(await client.take(2)).toBe('ok');
  expect((await client.head()).start).toBe('HTTP/1.1 400 Bad Request');
  expect(front.counters).toMatchObject({ requests: 1, badRequests: 1 });
});

describe('answers', () => {
  it('in HTTP/1.0 and chunks is passed on, and its connection is not used again (RFC 9112 §6.1)', async () => {
    const { upstream, client } = await send(get(['Host: a']));
    const peer = await upstream.next();
    await peer.head();
    peer.send('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n');
    await client.until('0\r\n\r\n');
    client.send(get(['Host: a']));
    await (await upstream.next()).head();
    await eventually(() => expect(peer.closed || peer.ended).toBe(true));
  });

  it.each([
    ['a length beside chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'],
    ['a list of lengths', 'Content-Length: 5, 5\r\n\r\nhello'],
  ])('with %s: 502, because two readers could take it for different things', async (_, rest) => {
    const { upstream, front, client } = await send(get(['Host: a']));
    const peer = await upstream.next();
    await peer.head();
    peer.send(`HTTP/1.1 200 OK\r\n${rest}`);
    expect((await client.head()).start).toBe('HTTP/1.1 502 Bad Gateway');
    expect(front.counters.requestErrors).toBe(1);
  });
});
