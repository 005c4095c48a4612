// identity: the claims of a JWT that is not verified here. Alone they prove nothing (SPEC D19).
import { decodeProtectedHeader } from 'jose/decode/protected_header';
import { decodeJwt } from 'jose/jwt/decode';

/** The claims, or why there are none. `opaque`: the token does not even look like a JWT. */
export type TokenReading =
  | { readonly claims: Readonly<Record<string, unknown>> }
  | 'opaque'
  | 'invalid_token'
  | 'expired'
  | 'unavailable';

/** Longest token that is read, characters. */
export const MAX_TOKEN_LENGTH = 16_384;

const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** Whether the token has the form of a signed or unsigned JWT (RFC 7515 §7.1). */
function looksLikeJwt(token: string): boolean {
  return token.length <= MAX_TOKEN_LENGTH && COMPACT_JWS.test(token);
}

/**
 * Decodes without verifying. Expiry is the backend's to judge. A token without a signature
 * (`alg: none`) is refused all the same, because no honest backend accepts one.
 */
export function decodeClaims(token: string): TokenReading {
  if (!looksLikeJwt(token)) return token.length > MAX_TOKEN_LENGTH ? 'invalid_token' : 'opaque';
  try {
    const { alg } = decodeProtectedHeader(token);
    if (typeof alg !== 'string' || !/^(?!none$)[\w-]+$/i.test(alg) || token.endsWith('.')) return 'invalid_token';
    return { claims: decodeJwt(token) };
  } catch {
    // Whatever is wrong with the token, it names no user. The caller counts it.
    return 'invalid_token';
  }
}

/** A claim by its name, or by a JSON pointer (RFC 6901) where `name` begins with `/`. */
export function claimAt(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  if (!name.startsWith('/')) return Object.hasOwn(claims, name) ? claims[name] : undefined;
  let value: unknown = claims;
  for (const part of name.slice(1).split('/')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
