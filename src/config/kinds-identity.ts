// config: values of the keys of identity: sources of users, keys of tokens, addresses of key servers.
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isLoopback } from './consistency.ts';
import { type Kind, scalar } from './kinds.ts';
import type { UserSource } from './values.ts';

const NAMED = ['jwt', 'header', 'cookie', 'query'] as const;
/**
 * Shorter secrets can be guessed from one token (RFC 7518 §3.2 asks for as many bits as the hash
 * has).
 */
const SECRET_LENGTH = 32;

/** `jwt:sub`, or `{ jwt: sub }`; `event`, or `{ event: true }`. */
export const userSource: Kind<UserSource> = scalar(
  '`jwt:<claim>`, `header:<name>`, `cookie:<name>`, `query:<name>` or `event`',
  (given) => {
    if (given === 'event') return { from: 'event', name: '' };
    if (typeof given === 'string') {
      const at = given.indexOf(':');
      return at < 0 ? undefined : source(given.slice(0, at), given.slice(at + 1));
    }
    if (typeof given !== 'object' || given === null) return undefined;
    const [first, ...more] = Object.entries(given);
    if (first === undefined || more.length > 0) return undefined;
    return first[0] === 'event' && first[1] === true ? { from: 'event', name: '' } : source(first[0], first[1]);
  },
);

function source(from: string, name: unknown): UserSource | undefined {
  const known = NAMED.find((each) => each === from.trim());
  if (known === undefined || typeof name !== 'string') return undefined;
  const trimmed = name.trim();
  return /^[^\s;,=][^\n\r;]*$/.test(trimmed) ? { from: known, name: trimmed } : undefined;
}

/**
 * The text of a key for JWTs; `file:/path` reads a file. Escaped line ends (`\\n`) of a PEM in a
 * variable are understood.
 */
export const secretKey: Kind<string> = scalar(
  `a PEM public key or certificate, a JWK as JSON, a secret of at least ${SECRET_LENGTH} characters, or file:/path of one of them`,
  (given) => {
    if (typeof given !== 'string') return undefined;
    try {
      const key = given.startsWith('file:') ? readFileSync(given.slice(5), 'utf8').trim() : given.trim();
      if (key.includes('-----BEGIN ')) {
        const pem = key.replaceAll('\\n', '\n');
        createPublicKey(pem);
        return pem;
      }
      if (!key.startsWith('{')) return key.length >= SECRET_LENGTH ? key : undefined;
      const jwk = JSON.parse(key) as JsonWebKey;
      if (jwk.kty === 'oct') return typeof jwk.k === 'string' && jwk.k.length >= SECRET_LENGTH ? key : undefined;
      createPublicKey({ key: jwk, format: 'jwk' });
      return key;
    } catch {
      // The cause may quote the key. The allowed values say enough.
      return undefined;
    }
  },
);

/** An address to fetch keys from. An attacker who changes the keys on their way can be any user. */
export const url: Kind<string> = scalar('an https address (http only on this machine)', (given) => {
  if (typeof given !== 'string' || !URL.canParse(given)) return undefined;
  const { protocol, hostname } = new URL(given);
  const safe = protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replace(/^\[|\]$/g, '')));
  return safe ? given : undefined;
});
