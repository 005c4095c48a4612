// Upgrade requests and unsigned-by-us tokens for identity tests.
import { createHmac } from 'node:crypto';
import type { IdentityRequest } from '../../src/identity/request.ts';

/** A request with that target and those header lines. */
export function ask(url: string, ...rawHeaders: string[]): IdentityRequest {
  return { url, rawHeaders: ['Host', 'a.example', ...rawHeaders] };
}

/** A JWT whose signature nobody can verify without `secret`. */
export function jwt(claims: unknown, header: object = { alg: 'HS256', typ: 'JWT' }, secret = 'not-the-key'): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
