// [D8] Answers of a backend that two readers could read differently: the client gets a 502, and the next one a connection of its own.
import { afterEach, describe, expect, it } from 'vitest';
import { closeAll, handshake, rawClient, rawUpstream, startFront } from '../support/backends.ts';

afterEach(closeAll);

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const answer = (line: string, body = 'ok') => `HTTP/1.1 200 OK\r\n${line}\r\n\r\n${body}`;

async function asked(request: string) {
  const upstream = await rawUpstream();
  const front = await startFront(upstream.address);
  const client = rawClient(front.port);
  client.send(request);
  const peer = await upstream.next();
  await peer.head();
  return { upstream, front, client, peer };
}

describe('an answer with', () => {
  it.each([
    ['a length beside chunks', answer('Content-Length: 2\r\nTransfer-Encoding: chunked', '2\r\nok\r\n0\r\n\r\n')],
    ['two lengths', answer('Content-Length: 2\r\nContent-Length: 3', 'ok!')],
    ['two lengths that agree', answer('Content-Length: 2\r\nContent-Length: 2')],
    ['a length in hex', answer('Content-Length: 0x2')],
    ['a coding behind chunked', answer('Transfer-Encoding: chunked, gzip', '2\r\nok\r\n0\r\n\r\n')],
    ['a folded header', answer('Content-Length: 2\r\nX-A: 1\r\n 2')],
    ['NUL in a header', answer('Content-Length: 2\r\nX-A: a\0b')],
    ['a status that is none', OK.replace('200', '1000')],
    ['no CR', OK.replaceAll('\r\n', '\n')],
    ['a head of more than 64 KiB', answer(`Content-Length: 2\r\nX-A: ${'x'.repeat(65_536)}`)],
    ['another protocol', 'SSH-2.0-x\r\n'],
    ['a 101 without a protocol', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
  ])('%s is a 502', async (_, text) => {
    const { upstream, front, client, peer } = await asked(GET);
    peer.send(text);
    await peer.gone();
    client.send(GET);
    const next = await upstream.next();
    await next.head();
    next.send(OK);
    expect((await client.head()).start).toBe('HTTP/1.1 502 Bad Gateway');
    await client.until('could not be reached\n');
    expect((await client.head()).start).toBe('HTTP/1.1 200 OK');
    expect(front.counters.requestErrors).toBe(1);
  });
});

describe('an upgrade whose answer', () => {
  const tunnel = handshake().replace('Upgrade: websocket', 'Upgrade: tcp');
  it.each([
    ['is a 101 without a protocol', handshake(), 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n'],
    ['is a 101 without Connection', handshake(), 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'],
    [
      'has a folded header',
      handshake(),
      'HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX: 1\r\n 2\r\n\r\n',
    ],
    ['to tcp is a 101 without a protocol', tunnel, 'HTTP/1.1 101 X\r\nConnection: Upgrade\r\n\r\n'],
  ])('%s is a 502', async (_, request, text) => {
    const { client, peer } = await asked(request);
    peer.send(text);
    await peer.gone();
    const head = await client.head();
    expect([head.start, head.get('connection')]).toEqual(['HTTP/1.1 502 Bad Gateway', 'close']);
  });
});
