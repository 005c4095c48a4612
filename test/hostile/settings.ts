// hostile: every configuration of identity that docs/identity.md describes.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { es256, type Forgery, hs256, KEYS, SECRET } from './forgeries.ts';
import type { Setting } from './trial.ts';

const EXPIRES = 4_000_000_000;
const ALL = ['authorization', 'subprotocol', 'query'] as const;
const HEADER = ['authorization'] as const;
const SOURCES = ['jwt:sub', 'header:x-user', 'cookie:uid', 'query:user', 'event'] as const;

const bearer = (token: string): Forgery => ({
  url: '/ws',
  rawHeaders: ['Host', 'a', 'Authorization', `Bearer ${token}`],
});
/**
 * How a victim shows itself at each source; the victim's token is not among what strangers have.
 */
const SHOWN: Readonly<Record<(typeof SOURCES)[number], (user: string) => Forgery>> = {
  'jwt:sub': (user) => bearer(hs256({ sub: user, exp: EXPIRES })),
  'header:x-user': (user) => ({ url: '/ws', rawHeaders: ['Host', 'a', 'X-User', user] }),
  'cookie:uid': (user) => ({ url: '/ws', rawHeaders: ['Host', 'a', 'Cookie', `uid=${user}`] }),
  'query:user': (user) => ({ url: `/ws?user=${user}`, rawHeaders: ['Host', 'a'] }),
  event: () => ({ url: '/ws', rawHeaders: ['Host', 'a'] }),
};

/** `jwksUrl`: where the public half of `KEYS` is served. */
export function settings(jwksUrl: string): Setting[] {
  const key = { key: SECRET };
  const list: Setting[] = [
    { name: 'nothing configured', sources: [], options: { trust: 'none', jwtPlaces: HEADER }, honest: undefined },
  ];
  for (const trust of ['none', 'upstream'] as const)
    for (const source of SOURCES) {
      const honest = SHOWN[source];
      list.push({
        name: `${source}, trust: ${trust}`,
        sources: [source],
        options: { trust, jwtPlaces: HEADER },
        honest,
      });
    }
  for (const trust of ['none', 'upstream'] as const) {
    const honest = SHOWN['jwt:sub'];
    const name = `every source and place, trust: ${trust}`;
    list.push({ name, sources: SOURCES, options: { trust, jwtPlaces: ALL }, honest });
    const options = { trust, jwtPlaces: ALL, verify: key };
    list.push({ name: `every source and place, jwt_key, trust: ${trust}`, sources: SOURCES, options, honest });
  }
  const verified = { trust: 'none', jwtPlaces: ALL } as const;
  list.push({
    ...{ name: 'jwt:sub, jwt_key', sources: ['jwt:sub'], options: { ...verified, verify: key } },
    honest: SHOWN['jwt:sub'],
  });
  list.push({
    ...{ name: 'jwt:sub, jwks_url', sources: ['jwt:sub'], options: { ...verified, verify: { jwksUrl } } },
    honest: (user) => bearer(es256({ sub: user, exp: EXPIRES })),
  });
  return list;
}

/** Serves the public key; ends with the process, or by `close`. */
export async function serveKeys(): Promise<{ url: string; close(): void }> {
  const jwk = { ...KEYS.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256' };
  const server = createServer((_request, response) => response.end(JSON.stringify({ keys: [jwk] })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  return { url, close: () => server.close() };
}
