// A connection whose last request offered an upgrade that the backend ignored is kept as any other: it may rest.
import { afterEach, expect, it } from 'vitest';
import { closeAll, httpUpstream, rawClient, startFront } from '../support/backends.ts';

afterEach(closeAll);

const OFFER =
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n';

/** A client that has had its answer to an offer of h2c. */
async function answered(overrides: Parameters<typeof startFront>[1]) {
  const { address, server } = await httpUpstream((_, response) => response.end('ok'));
  server.removeAllListeners('upgrade');
  const front = await startFront(address, overrides);
  const client = rawClient(front.port);
  client.send(OFFER);
  expect((await client.head()).get('connection')).toBe('keep-alive');
  expect(await client.take(2)).toBe('ok');
  return { front, client };
}

it('for longer than a head may take, and then asks again', async () => {
  const { front, client } = await answered({ headersTimeoutMs: 150 });
  const silent = rawClient(front.port);
  // Whoever has said nothing yet is told so, and came later.
  expect((await silent.head()).start).toContain('408');
  expect([client.text, client.ended]).toEqual(['', false]);
  for (const request of [OFFER, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n']) {
    client.send(request);
    expect((await client.head()).start).toContain('200');
    expect(await client.take(2)).toBe('ok');
  }
  expect(front.counters.requestTimeouts).toBe(1);
});

it('but not in the middle of its next request', async () => {
  const { client } = await answered({ headersTimeoutMs: 150 });
  client.send('GET / HTTP/1.1\r\n');
  expect((await client.head()).start).toContain('408');
});

it('for as long as it was told, and not beyond a stop', async () => {
  const { client } = await answered({ keepAliveTimeoutMs: 100 });
  expect(await client.rest()).toBe('');
  const other = await answered({});
  await other.front.listener.stopAccepting();
  expect(await other.client.rest()).toBe('');
});
