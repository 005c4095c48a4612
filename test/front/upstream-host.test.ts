// `upstream_host`: which Host header the upstream gets, from plain requests, handshakes and other upgrades.
import { afterEach, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { loadConfig } from '../../src/config/load.ts';
import { readUpstream } from '../../src/sidecar/admission.ts';
import { closeAll, handshake, rawClient, rawUpstream, startFront } from '../support/backends.ts';

afterEach(closeAll);

function upstreamOf(address: string, host?: string) {
  const file = { name: 'test.yaml', text: JSON.stringify({ upstream: address, upstream_host: host }) };
  return readUpstream(loadConfig({ env: {}, file, defaults: DEFAULTS }).config!);
}

it.each([
  ['http://backend:81/base', undefined, undefined],
  ['http://backend:81/base', 'preserve', undefined],
  ['http://backend:81/base', 'upstream', 'backend:81'],
  ['http://backend:80', 'upstream', 'backend'],
  ['https://backend:443', 'upstream', 'backend'],
  ['http://[::1]:81', 'upstream', '[::1]:81'],
  ['unix:/run/app.sock', 'upstream', 'localhost'],
  ['http://backend:81', 'app.example:8443', 'app.example:8443'],
])('%s with %s: %s', (address, host, expected) => expect(upstreamOf(address, host).hostHeader).toBe(expected));

const REQUESTS = [
  ['a plain request', 'GET / HTTP/1.1\r\nHost: client.example\r\n\r\n'],
  ['an absolute target', 'GET http://client.example/ HTTP/1.1\r\nHost: other\r\n\r\n'],
  ['a handshake', handshake().replace('app.example', 'client.example')],
  ['another upgrade', 'GET / HTTP/1.1\r\nHost: client.example\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n'],
] as const;

it.each(REQUESTS)('%s', async (_, request) => {
  const upstream = await rawUpstream();
  for (const [host, expected] of [
    ['preserve', 'client.example'],
    ['upstream', new URL(upstream.address).host],
    ['named.example', 'named.example'],
  ] as const) {
    const front = await startFront(upstreamOf(upstream.address, host));
    rawClient(front.port).send(request);
    const head = await (await upstream.next()).head();
    expect([head.get('host'), head.get('x-forwarded-host')]).toEqual([expected, 'client.example']);
  }
});
