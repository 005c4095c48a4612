// Tokens verified with real keys and a real key server: what passes, what does not, and what a broken key server does to anybody.

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createIdentity, type Identified, type IdentityOptions } from '../../src/identity/identity.ts';
import type { VerifyOptions } from '../../src/identity/verify.ts';
import { readKey } from '../../src/identity/verify.ts';
import { freePort } from '../support/free-port.ts';
import { ask, jwt } from './request.ts';

const NOW = 1_767_225_600_000;
const SECRET = 'a shared secret of more than thirty-two characters';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');

const reports: string[] = [];
let now = NOW;
let wall = NOW;

beforeEach(() => {
  reports.length = 0;
  now = NOW;
  wall = NOW;
});

function sign(alg: string, key: KeyObject | Uint8Array, claims: object = {}, kid?: string): Promise<string> {
  return new SignJWT({ sub: 'u1', exp: NOW / 1000 + 60, ...claims })
    .setProtectedHeader(kid === undefined ? { alg } : { alg, kid })
    .sign(key);
}

function verifying(verify: VerifyOptions, over: Partial<IdentityOptions> = {}) {
  const identity = createIdentity(
    {
      ...{
        sources: [
          { from: 'jwt', name: 'sub' },
          { from: 'query', name: 'u' },
        ],
        jwtQuery: ['token'],
      },
      ...{ trust: 'upstream', jwtPlaces: ['query'], verify, timeoutMs: 5_000, ...over },
    },
    {
      now: () => now,
      wall: () => wall,
      report: ({ stage, error }) => reports.push(`${stage}: ${(error as Error).message}`),
    },
  );
  const who = async (token: string): Promise<Identified> => identity.identify(ask(`/?u=weaker&token=${token}`));
  return { identity, who };
}

const U1: Identified = { user: 'u1', claimed: undefined, learn: undefined };
const fault = (name: Identified['fault']): Identified => ({
  user: undefined,
  claimed: undefined,
  fault: name!,
  learn: undefined,
});
const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();

describe('a key', () => {
  it.each([
    ['RS256', rsa, 'PEM'],
    ['PS512', rsa, 'PEM'],
    ['ES256', ec, 'PEM'],
    ['EdDSA', ed, 'PEM'],
    ['RS256', rsa, 'JWK'],
    ['ES256', ec, 'JWK'],
  ] as const)('%s verifies with a public key (%#)', async (alg, pair, form) => {
    const key = form === 'PEM' ? spki(pair.publicKey) : JSON.stringify(await exportJWK(pair.publicKey));
    const { who } = verifying({ key });
    expect(await who(await sign(alg, pair.privateKey))).toEqual(U1);
  });

  it('a secret, as text and as a JWK', async () => {
    const token = await sign('HS256', Buffer.from(SECRET));
    expect(await verifying({ key: SECRET }).who(token)).toEqual(U1);
    const jwk = JSON.stringify({ kty: 'oct', k: Buffer.from(SECRET).toString('base64url') });
    expect(await verifying({ key: jwk }).who(token)).toEqual(U1);
  });

  it('one that cannot be one throws, and is not repeated', () => {
    for (const key of [
      '{"kty":"RSA","n":"zebra"}',
      '-----BEGIN PUBLIC KEY-----\nzebra\n-----END PUBLIC KEY-----',
      '{zebra',
    ]) {
      expect(() => readKey(key)).toThrow(TypeError);
      expect(() => readKey(key)).not.toThrow(/zebra/);
    }
    const x = spki(generateKeyPairSync('x25519').publicKey);
    expect(() => verifying({ key: x })).toThrow('a x25519 key cannot verify JWTs; use RSA, EC or Ed25519');
  });
});

describe('[D6] what does not verify names nobody, not even by a weaker source', () => {
  it('someone else’s key, the public key as a secret, no algorithm', async () => {
    const { who, identity } = verifying({ key: spki(rsa.publicKey) });
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
    expect(await who(await sign('RS256', other.privateKey))).toEqual(fault('invalid_token'));
    expect(await who(jwt({ sub: 'u1' }, { alg: 'HS256' }, spki(rsa.publicKey)))).toEqual(fault('invalid_token'));
    expect(await who(jwt({ sub: 'u1' }, { alg: 'none' }))).toEqual(fault('invalid_token'));
    expect(await who('opaque')).toEqual(fault('invalid_token'));
    expect(await who('x'.repeat(20_000))).toEqual(fault('invalid_token'));
    expect(identity.counters).toMatchObject({ invalid_token: 5, identified: 0 });
    expect(reports).toEqual([]);
  });

  it('expired, not yet valid, for somebody else', async () => {
    const { who } = verifying({ key: SECRET, issuer: 'https://id.example', audience: 'chat' });
    const right = { iss: 'https://id.example', aud: ['chat', 'x'] };
    const of = async (claims: object) => who(await sign('HS256', Buffer.from(SECRET), claims));
    expect(await of(right)).toEqual(U1);
    expect(await of({ ...right, exp: NOW / 1000 - 3 })).toEqual(U1);
    expect(await of({ ...right, exp: NOW / 1000 - 30 })).toEqual(fault('expired'));
    expect(await of({ ...right, nbf: NOW / 1000 + 30 })).toEqual(fault('invalid_token'));
    expect(await of({ ...right, aud: 'mail' })).toEqual(fault('invalid_token'));
    expect(await of({ ...right, iss: 'https://evil.example' })).toEqual(fault('invalid_token'));
  });

  it('[D18] by the wall clock of the moment, however often it is set', async () => {
    const { who } = verifying({ key: SECRET });
    const hour = 3_600_000;
    const at = (ms: number) => sign('HS256', Buffer.from(SECRET), { nbf: ms / 1000 - 60, exp: ms / 1000 + 60 });
    const [morning, evening] = [await at(NOW), await at(NOW + 10 * hour)];
    expect([await who(morning), await who(evening)]).toEqual([U1, fault('invalid_token')]);
    wall = NOW + 10 * hour;
    expect([await who(morning), await who(evening)]).toEqual([fault('expired'), U1]);
    wall = NOW;
    now += 10 * hour;
    expect([await who(morning), await who(evening)]).toEqual([U1, fault('invalid_token')]);
  });

  it('a request without a token is decided by the next source', async () => {
    const { identity } = verifying({ key: SECRET });
    expect(await identity.identify(ask('/?u=weaker'))).toEqual({
      user: 'weaker',
      claimed: undefined,
      learn: undefined,
    });
  });
});

describe('a key server', () => {
  let server: Server;
  let fetches = 0;
  let answer: () => { status: number; body: string } | undefined;

  beforeEach(async () => {
    fetches = 0;
    const port = await freePort();
    server = createServer((_request, response) => {
      fetches++;
      const given = answer();
      if (given !== undefined) response.writeHead(given.status).end(given.body);
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const keys = [{ ...(await exportJWK(ec.publicKey)), kid: 'k1', alg: 'ES256' }];
    answer = () => ({ status: 200, body: JSON.stringify({ keys }) });
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;

  it('is asked when the first token comes, and then not again', async () => {
    const { who } = verifying({ jwksUrl: url() });
    expect(fetches).toBe(0);
    const token = await sign('ES256', ec.privateKey, {}, 'k1');
    expect(await Promise.all([who(token), who(token), who(token)])).toEqual([U1, U1, U1]);
    expect(fetches).toBe(1);
  });

  it('is asked at once for a key that it did not have a moment ago, and again for all keys after 10 minutes', async () => {
    const { who } = verifying({ jwksUrl: url() });
    const next = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const [old, fresh] = [await sign('ES256', ec.privateKey, {}, 'k1'), await sign('ES256', next.privateKey, {}, 'k2')];
    expect(await who(old)).toEqual(U1);
    const keys = [{ ...(await exportJWK(next.publicKey)), kid: 'k2', alg: 'ES256' }];
    answer = () => ({ status: 200, body: JSON.stringify({ keys }) });
    expect([await Promise.all([who(fresh), who(fresh)]), fetches]).toEqual([[U1, U1], 2]);
    expect([await who(old), fetches]).toEqual([fault('invalid_token'), 3]);
    answer = () => ({ status: 200, body: JSON.stringify({ keys: [] }) });
    now += 599_000;
    expect([await who(fresh), fetches]).toEqual([U1, 3]);
    now += 2_000;
    expect([await who(fresh), fetches]).toEqual([fault('invalid_token'), 4]);
  });

  it('is asked for ids of keys that nobody has three times at once, and once in 30 s from then on', async () => {
    const { who } = verifying({ jwksUrl: url() });
    expect(await who(await sign('ES256', ec.privateKey, {}, 'k1'))).toEqual(U1);
    const mine = await sign('ES256', ec.privateKey, {}, 'typo');
    for (let i = 0; i < 5; i++) expect(await who(mine)).toEqual(fault('invalid_token'));
    expect(fetches).toBe(2);
    for (let i = 0; i < 100; i++)
      expect(await who(await sign('ES256', ec.privateKey, {}, `made up ${i}`))).toEqual(fault('invalid_token'));
    expect(fetches).toBe(4);
    now += 60_001;
    for (let i = 0; i < 10; i++) await who(await sign('ES256', ec.privateKey, {}, `invented ${i}`));
    expect(fetches).toBe(6);
  });

  it('[D18] whose keys are changed is asked again in time, also when the wall clock was set back', async () => {
    const { who } = verifying({ jwksUrl: url() });
    // What jose reads: its own key set would take the keys for fresh until this hour comes again.
    const date = vi.spyOn(Date, 'now').mockReturnValue(NOW);
    onTestFinished(() => date.mockRestore());
    const next = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const fresh = await sign('ES256', next.privateKey, {}, 'k2');
    expect(await who(await sign('ES256', ec.privateKey, {}, 'k1'))).toEqual(U1);
    const keys = [{ ...(await exportJWK(next.publicKey)), kid: 'k2', alg: 'ES256' }];
    answer = () => ({ status: 200, body: JSON.stringify({ keys }) });
    wall = NOW - 36_000_000;
    date.mockReturnValue(wall);
    now += 31_000;
    expect(await who(fresh)).toEqual(U1);
  });

  it.each([
    ['an error', () => ({ status: 500, body: '' })],
    ['a page', () => ({ status: 200, body: '<html>' })],
    ['no key set', () => ({ status: 200, body: '{"keys":1}' })],
    ['keys that are none', () => ({ status: 200, body: '{"keys":[1]}' })],
  ])('that answers %s makes its users unavailable, is reported once, and asked again later', async (_, broken) => {
    const good = answer;
    answer = broken;
    const { who, identity } = verifying({ jwksUrl: url() });
    const token = await sign('ES256', ec.privateKey, {}, 'k1');
    for (let i = 0; i < 3; i++) expect(await who(token)).toEqual(fault('unavailable'));
    expect(fetches).toBe(1);
    expect(reports).toEqual(['identity: the keys for JWTs cannot be fetched']);
    answer = good;
    now += 5_001;
    expect(await who(token)).toEqual(U1);
    expect(identity.counters).toMatchObject({ unavailable: 3, identified: 1 });
  });

  it('that never answers is waited for no longer than allowed', async () => {
    answer = () => undefined;
    const { who } = verifying({ jwksUrl: url() }, { timeoutMs: 20 });
    expect(await who(await sign('ES256', ec.privateKey, {}, 'k1'))).toEqual(fault('unavailable'));
  });

  it('that is not there', async () => {
    const gone = url();
    const { port } = server.address() as AddressInfo;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await verifying({ jwksUrl: gone }).who(await sign('ES256', ec.privateKey))).toEqual(fault('unavailable'));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  });
});
