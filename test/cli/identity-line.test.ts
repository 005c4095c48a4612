// What `ackspan check` says about identity: what proves a user, and what only claims one.
import { expect, it } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { identityLine } from '../../src/cli/identity-line.ts';
import { loadConfig } from '../../src/config/load.ts';

const KEY = 'a secret of this test and of at least 32 characters';

it.each([
  ['{}', 'none is configured; no connection has a user'],
  ['{ user: "header:x-user" }', 'header:x-user only claims one, which grants nothing'],
  [
    '{ user: "header:x-user, event", trust: upstream }',
    'header:x-user, event proves the user (the backend is trusted to refuse what it has not checked)',
  ],
  [
    `{ user: "jwt:sub, header:x-user", jwt_key: "${KEY}" }`,
    'jwt:sub proves the user (JWTs are verified here); header:x-user only claims one, which grants nothing; tokens are looked for in authorization',
  ],
])('[D19] %s', (identity, said) => {
  const text = `upstream: http://127.0.0.1:8000\nidentity: ${identity}`;
  const { config } = loadConfig({ env: {}, defaults: DEFAULTS, file: { name: 'a.yaml', text } });
  expect(identityLine(config!.identity)).toBe(`identity: ${said}`);
  expect(identityLine(config!.identity)).not.toContain(KEY);
});
