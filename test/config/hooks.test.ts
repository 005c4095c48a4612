// Hooks as the operator writes them: where notices go, what signs them, and that one is nothing without the other.
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { formatFault } from '../../src/config/fault.ts';
import { type Loaded, loadConfig } from '../../src/config/load.ts';
import { parseUpstream } from '../../src/front/upstream.ts';
import { readSecret } from '../../src/hooks/signature.ts';
import { resolveTarget } from '../../src/hooks/target.ts';

const UPSTREAM = 'http://127.0.0.1:8000';

function load(hooks: object): Loaded {
  const text = JSON.stringify({ upstream: UPSTREAM, hooks });
  return loadConfig({ env: {}, defaults: DEFAULTS, file: { name: 'a.yaml', text } });
}

const secretOf = (bytes: number) => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;
const SECRET = secretOf(32);

it('is off, and tells bad outcomes only, unless somebody says otherwise', () => {
  expect(load({}).config?.hooks).toEqual({
    url: undefined,
    secrets: [],
    events: ['failed', 'timeout', 'unverifiable'],
    payload: false,
    timeoutMs: 10_000,
    tries: 8,
    queue: 10_000,
    concurrency: 4,
  });
});

it('an address without a secret is a fault', () => {
  expect(load({ url: '/hook' }).faults.map(formatFault)).toEqual([
    'a.yaml:1:52: hooks.secrets: is missing: notices are always signed; set ACKSPAN_HOOKS_SECRETS',
  ]);
  expect(load({ url: '/hook', secrets: [SECRET] }).faults).toEqual([]);
});

describe('hooks.url', () => {
  const { upstream } = parseUpstream(UPSTREAM);

  it.each(['/', '/hook?a=b', 'http://hooks.example', 'https://hooks.example:8443/a?b=c', 'http://[::1]:9/x'])(
    '%s, which the hooks understand',
    (url) => {
      expect(load({ url, secrets: [SECRET] }).config?.hooks.url).toBe(url);
      expect(() => resolveTarget(url, upstream!)).not.toThrow();
    },
  );

  it.each([
    'hook',
    'ftp://hooks.example',
    'https://me@hooks.example',
    'https://me:zebra@hooks.example/x',
    '/with space',
    '/a#b',
    'https://hooks.example/#a',
    'https://',
    7,
  ])('not %s', (url) => {
    const [fault, ...more] = load({ url, secrets: [SECRET] }).faults.map(formatFault);
    expect(fault).toContain('hooks.url');
    expect(fault).toContain('write a /path of the upstream, or an http:// or https:// address');
    expect(fault).not.toContain('zebra');
    expect(more).toEqual([]);
  });
});

describe('hooks.secrets', () => {
  // The hooks read secrets themselves; whatever passes here must pass there, and nothing else.
  it.each([secretOf(23), secretOf(24), secretOf(64), secretOf(65), 'whsec_', `x${SECRET}`, 'whsec_!!', `${SECRET}===`])(
    'agrees with the hooks about secret %#',
    (secret) => {
      const { config, faults } = load({ url: '/hook', secrets: [secret] });
      const fine = readSecret(secret) !== undefined;
      expect(config !== undefined).toBe(fine);
      expect(faults.map(({ key }) => key)).toEqual(fine ? [] : ['hooks.secrets[0]']);
      expect(JSON.stringify(faults)).not.toContain(secret.slice(7) || 'none');
    },
  );
});

it('hooks.events names what there is', () => {
  expect(load({ events: 'reemit' }).config?.hooks.events).toEqual(['reemit']);
  expect(load({ events: ['confirmed'] }).faults.map(({ key }) => key)).toEqual(['hooks.events[0]']);
});
