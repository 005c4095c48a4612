// Which peers may say whom they forward for.
import { afterEach, expect, it } from 'vitest';
import { createPeerCheck } from '../../src/front/trusted-proxies.ts';
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
