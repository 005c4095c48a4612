// Where users come from, and keys of tokens, as the operator writes them.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { formatFault } from '../../src/config/fault.ts';
import { type Loaded, loadConfig } from '../../src/config/load.ts';

const PEM = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString();
const SECRET = 'zebra'.repeat(8);
const folder = mkdtempSync(join(tmpdir(), 'ackspan-identity-'));
afterAll(() => rmSync(folder, { recursive: true }));

function load(yaml: string, env: Record<string, string> = {}): Loaded {
  const text = `upstream: http://127.0.0.1:8000\n${yaml}`;
  return loadConfig({ env, defaults: DEFAULTS, file: { name: 'a.yaml', text } });
}

describe('identity.user', () => {
  const four = [
    { from: 'jwt', name: 'https://a.example/user' },
    { from: 'header', name: 'x-user' },
    { from: 'cookie', name: 'uid' },
    { from: 'event', name: '' },
  ];

  it('[D19] is empty unless the operator says otherwise: no identity, no user, and no warning', () => {
    expect(load('').config?.identity).toMatchObject({ user: [], trust: 'none', jwtFrom: ['authorization'] });
    expect(load('').warnings).toEqual([]);
  });

  it.each([
    ['nothing verifies', 'identity: { user: "jwt:sub" }', 'proves nobody'],
    ['the backend is trusted', 'identity: { user: "jwt:sub", trust: upstream }', undefined],
    ['JWTs are verified', `identity: { user: "jwt:sub", jwt_key: ${SECRET} }`, undefined],
  ])('[D19] sources where %s', (_, yaml, warning) => {
    const said = load(yaml).warnings.map(formatFault);
    if (warning === undefined) expect(said).toEqual([]);
    else expect(said).toEqual([expect.stringContaining(`a.yaml:2:19: identity.user: ${warning}`)]);
  });

  it.each([
    [
      'mappings',
      'identity: { user: [ { jwt: "https://a.example/user" }, { header: x-user }, { cookie: uid }, { event: true } ] }',
    ],
    ['texts', 'identity: { user: [ "jwt:https://a.example/user", "header:x-user", "cookie: uid", event ] }'],
    ['one text', 'identity: { user: "jwt:https://a.example/user, header:x-user, cookie:uid, event" }'],
  ])('as %s', (_, yaml) => expect(load(yaml).config?.identity.user).toEqual(four));

  it('as a variable, both ways', () => {
    const user = [
      { from: 'jwt', name: 'sub' },
      { from: 'query', name: 'user_id' },
    ];
    for (const text of ['jwt:sub,query:user_id', '[{jwt: sub}, {query: user_id}]'])
      expect(load('', { ACKSPAN_IDENTITY_USER: text }).config?.identity.user).toEqual(user);
  });

  it.each(['jwt', 'jwt:', 'token:sub', '{ jwt: sub, query: u }', '{ event: false }', '{ jwt: 7 }', '"cookie:a;b"'])(
    'not %s',
    (wrong) => {
      const [fault] = load(`identity: { user: [ ${wrong} ] }`).faults.map(formatFault);
      expect(fault).toContain('identity.user[0]');
      expect(fault).toContain('write `jwt:<claim>`, `header:<name>`, `cookie:<name>`, `query:<name>` or `event`');
    },
  );
});

describe('identity.jwt_key', () => {
  const keyOf = (env: Record<string, string>) => load('', env).config?.identity.jwtKey;

  it('a PEM, also with escaped line ends, a secret, a JWK, or a file of one', () => {
    expect(keyOf({ ACKSPAN_IDENTITY_JWT_KEY: PEM })).toBe(PEM.trim());
    expect(keyOf({ ACKSPAN_IDENTITY_JWT_KEY: PEM.replaceAll('\n', '\\n') })?.trim()).toBe(PEM.trim());
    expect(keyOf({ ACKSPAN_IDENTITY_JWT_KEY: SECRET })).toBe(SECRET);
    const jwk = JSON.stringify({ kty: 'oct', k: Buffer.from(SECRET).toString('base64url') });
    expect(keyOf({ ACKSPAN_IDENTITY_JWT_KEY: jwk })).toBe(jwk);
    writeFileSync(join(folder, 'key.pem'), PEM);
    expect(keyOf({ ACKSPAN_IDENTITY_JWT_KEY: `file:${join(folder, 'key.pem')}` })).toBe(PEM.trim());
  });

  it.each([
    'zebra-too-short',
    '{"kty":"oct","k":"zebra"}',
    '{"kty":"RSA","n":"zebra"}',
    '{zebra',
    '-----BEGIN PUBLIC KEY-----\nzebra\n-----END PUBLIC KEY-----',
    'file:/zebra/is/not/there',
  ])('a key that cannot be one is a fault that does not repeat it (%#)', (wrong) => {
    const faults = load('', { ACKSPAN_IDENTITY_JWT_KEY: wrong }).faults.map(formatFault);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain('identity.jwt_key');
    expect(faults[0]).not.toContain('zebra');
  });

  it('not together with a JWKS', () => {
    const loaded = load('identity: { jwks_url: https://id.example/jwks }', { ACKSPAN_IDENTITY_JWT_KEY: SECRET });
    expect(loaded.faults.map(formatFault)).toEqual([
      'a.yaml:2:23: identity.jwks_url: cannot be together with identity.jwt_key; write one of them',
    ]);
  });
});

describe('identity.jwks_url', () => {
  it.each(['https://id.example/jwks', 'http://127.0.0.1:9/jwks', 'http://[::1]/jwks', 'http://localhost/x'])(
    '%s',
    (url) => {
      expect(load(`identity: { jwks_url: "${url}" }`).config?.identity.jwksUrl).toBe(url);
    },
  );

  it.each(['http://id.example/jwks', 'ftp://id.example', 'id.example', 'file:///etc/passwd'])('not %s', (url) => {
    expect(load(`identity: { jwks_url: "${url}" }`).faults.map(formatFault)[0]).toContain(
      'write an https address (http only on this machine)',
    );
  });
});

describe('trusted_proxies', () => {
  it('addresses and ranges of both families', () => {
    const ranges = ['10.0.0.0/8', '127.0.0.1', '::1', 'fd00::/8'];
    expect(load(`trusted_proxies: ${JSON.stringify(ranges)}`).config?.trustedProxies).toEqual(ranges);
  });

  it.each(['proxy.example', '10.0.0.0/33', '10.0.0/8', '::/129', 'fe80::1%eth0', '10.0.0.0/8/8', '*', '10.0.0.0/'])(
    'not %s',
    (wrong) => {
      expect(load(`trusted_proxies: ["${wrong}"]`).faults.map(formatFault)[0]).toContain('trusted_proxies[0]');
    },
  );
});

it('an issuer or audience that nothing verifies is warned of', () => {
  const { warnings } = load('identity: { jwt_issuer: "https://id.example" }');
  expect(warnings.map(formatFault)).toEqual([
    'a.yaml:2:25: identity.jwt_issuer: is not looked at: without identity.jwt_key or identity.jwks_url tokens are not verified',
  ]);
});

it.each([
  ['user: event', ['identity.user: proves nobody']],
  [`user: "header:x-user", jwt_key: ${SECRET}`, ['identity.user: proves nobody', 'identity.jwt_key: verifies nothing']],
  [`jwt_key: ${SECRET}`, ['identity.jwt_key: verifies nothing']],
  ['jwks_url: "https://id.example/jwks"', ['identity.jwks_url: verifies nothing']],
  ['user: "jwt:sub", jwks_url: "https://id.example/jwks"', ['identity.jwks_url: proves too much']],
  ['user: "jwt:sub", jwks_url: "https://id.example/jwks", jwt_audience: chat', []],
  [`user: "jwt:sub, header:x-user", jwt_key: ${SECRET}`, []],
])('[D19] identity: { %s } is warned of: %j', (yaml, expected) => {
  const { warnings, faults } = load(`identity: { ${yaml} }`);
  expect(faults).toEqual([]);
  expect(warnings.map(({ key, message }) => `${key}: ${message}`)).toEqual(
    expected.map((beginning) => expect.stringContaining(beginning)),
  );
});

it('the agent events are those of the five, and can be others', () => {
  const { tools, runs } = load('').config!;
  expect(tools).toEqual({ start: ['tool_executing'], end: ['tool_completed'], orphanAfterMs: 60_000, limit: 10_000 });
  expect(runs).toMatchObject({
    start: ['agent_started'],
    step: ['agent_thinking'],
    end: ['agent_completed', 'agent_error'],
    silentAfterMs: 300_000,
  });
  expect(load('tools: { start: [a, b], orphan_after: 5m }').config?.tools).toMatchObject({
    start: ['a', 'b'],
    orphanAfterMs: 300_000,
  });
});
