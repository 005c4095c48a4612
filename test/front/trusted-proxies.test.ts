// Which peers may say whom they forward for.
import { afterEach, expect, it } from 'vitest';
import { clientAddress, createPeerCheck } from '../../src/front/trusted-proxies.ts';
import { closeAll, handshake, rawClient, rawUpstream, startFront, upstreamAt } from '../support/backends.ts';

afterEach(closeAll);

it('[D19] nobody, unless the operator says so', () => {
  expect(['127.0.0.1', '::1', '', 'x'].map(createPeerCheck([]))).toEqual([false, false, false, false]);
});

it('addresses and ranges of both families', () => {
  const trusted = createPeerCheck(['10.0.0.0/8', '192.0.2.1', 'fd00::/8', '::1']);
  expect(['10.255.0.1', '192.0.2.1', 'fd12::3', '::1'].every(trusted)).toBe(true);
  expect(['11.0.0.1', '192.0.2.2', 'fe80::1', '::2', '', 'unknown', '10.0.0.1, 1.1.1.1'].some(trusted)).toBe(false);
});

it.each([
  [true, '1.2.3.4, 127.0.0.1', 'https', 'public.example', 'for=1.2.3.4, for=127.0.0.1'],
  [false, '127.0.0.1', 'http', 'app.example', undefined],
])('[D19] a handshake whose peer is trusted: %s', async (trusted, from, proto, host, forwarded) => {
  const upstream = await rawUpstream();
  const front = await startFront({ ...upstreamAt(upstream.address), trustsPeer: () => trusted });
  const said = ['X-Forwarded-For: 1.2.3.4', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: public.example'];
  rawClient(front.port).send(handshake('/ws', [...said, 'Forwarded: for=1.2.3.4']));
  const head = await (await upstream.next()).head();
  const names = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded'];
  expect(names.map((name) => head.get(name))).toEqual([from, proto, host, forwarded]);
});

const PROXIES = createPeerCheck(['10.0.0.0/8', 'fd00::/8']);

it.each([
  ['no header', '10.0.0.1', undefined, '10.0.0.1'],
  ['one proxy', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['two proxies', '10.0.0.1', '203.0.113.9, 10.0.0.2', '203.0.113.9'],
  ['text that the client made up before the proxy’s', '10.0.0.1', '1.1.1.1, 8.8.8.8, 203.0.113.9', '203.0.113.9'],
  ['a made-up proxy before the client', '10.0.0.1', '1.1.1.1, 10.9.9.9, 203.0.113.9', '203.0.113.9'],
  ['a port', '10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
  ['IPv6 with a port', 'fd00::1', '[2001:db8::7]:4711', '2001:db8::7'],
  ['a mapped address', '10.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
  ['no address, as RFC 7239 allows', '10.0.0.1', 'unknown', '10.0.0.1'],
  ['no address from an inner proxy', '10.0.0.1', '1.1.1.1, _hidden, 10.0.0.2', '10.0.0.2'],
  ['only proxies', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ['an empty entry', '10.0.0.1', '203.0.113.9, ', '10.0.0.1'],
  ['more than is read', '10.0.0.1', `${'1.1.1.1, '.repeat(100_000)}203.0.113.9`, '203.0.113.9'],
])('[D19] the client behind trusted proxies, with %s', (_name, peer, forwardedFor, client) =>
  expect(clientAddress(peer, forwardedFor, PROXIES)).toBe(client),
);

it.each(['203.0.113.9', '10.1.1.1', '::1, 127.0.0.1', ''])(
  '[D19] a peer that nobody trusts is itself, whatever it says: %j',
  (said) => expect(clientAddress('198.51.100.1', said, PROXIES)).toBe('198.51.100.1'),
);
