// identity: the claims of a JWT, verified with the operator's key or the keys of a JWKS. Never rejects.
import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { JWTVerifyGetKey, JWTVerifyOptions } from 'jose';
import type { Report } from '../delivery/ports.ts';
import { MAX_TOKEN_LENGTH, type TokenReading } from './claims.ts';
import { createRemoteKeys, KeysUnavailable } from './remote-keys.ts';

/** The keys that verify tokens: exactly one of the two. */
export interface VerifyOptions {
  /** A PEM public key or certificate, a JWK as JSON, or a shared secret. */
  readonly key?: string | undefined;
  readonly jwksUrl?: string | undefined;
  /** Required `iss` and `aud`; left out = not checked. */
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
}

export interface VerifyDeps {
  /** Monotonic ms. */
  readonly now: () => number;
  /** The wall clock, ms since the epoch: `exp` and `nbf` are compared with it. */
  readonly wall: () => number;
  readonly report: Report;
}

/** Reads a token. The promise always resolves. */
export type Verifier = (token: string) => Promise<TokenReading>;

const HMAC = ['HS256', 'HS384', 'HS512'];
const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const ELLIPTIC = ['ES256', 'ES384', 'ES512'];
const EDWARDS = ['EdDSA', 'Ed25519'];
/** Tolerance between the issuer's clock and ours for `exp` and `nbf`, seconds. */
const CLOCK_TOLERANCE = 5;

/**
 * A verifier for `options`. Throws a TypeError for a key that cannot be one, which is the
 * operator's to correct.
 */
export function createVerifier(options: VerifyOptions, deps: VerifyDeps): Verifier {
  const key = options.key === undefined ? undefined : readKey(options.key);
  // An allow-list by the kind of key: a token must not choose how it is checked (RFC 8725 §3.1).
  const algorithms = key === undefined ? [...RSA, ...ELLIPTIC, ...EDWARDS] : algorithmsOf(key);
  const checks: JWTVerifyOptions = {
    algorithms,
    clockTolerance: CLOCK_TOLERANCE,
    ...(options.issuer !== undefined && { issuer: options.issuer }),
    ...(options.audience !== undefined && { audience: options.audience }),
  };
  const keys = key ?? createRemoteKeys(options.jwksUrl ?? '', deps);
  return async (token) => {
    if (token.length > MAX_TOKEN_LENGTH) return 'invalid_token';
    try {
      // jose is loaded when the first token comes: most sidecars verify nothing, and jose costs
      // start-up time.
      const { jwtVerify } = await import('jose/jwt/verify');
      const { payload } = await jwtVerify(token, keys as JWTVerifyGetKey, {
        ...checks,
        currentDate: new Date(deps.wall()),
      });
      return { claims: payload };
    } catch (error) {
      // Only these three answers leave this function: an error of jose carries the claims.
      if (error instanceof KeysUnavailable) return 'unavailable';
      return (error as { code?: unknown }).code === 'ERR_JWT_EXPIRED' ? 'expired' : 'invalid_token';
    }
  };
}

/** Makes a key from its text. Throws a TypeError that never repeats the text. */
export function readKey(text: string): KeyObject {
  try {
    if (text.includes('-----BEGIN ')) return createPublicKey(text);
    if (!text.trimStart().startsWith('{')) return createSecretKey(Buffer.from(text, 'utf8'));
    const jwk = JSON.parse(text) as JsonWebKey;
    return jwk.kty === 'oct'
      ? createSecretKey(Buffer.from(jwk.k ?? '', 'base64url'))
      : createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    // The cause may quote the key.
    throw new TypeError('the key for JWTs is neither a PEM public key, nor a JWK, nor a secret');
  }
}

function algorithmsOf(key: KeyObject): string[] {
  if (key.type === 'secret') return HMAC;
  switch (key.asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss':
      return RSA;
    case 'ec':
      return ELLIPTIC;
    case 'ed25519':
      return EDWARDS;
    default:
      throw new TypeError(`a ${key.asymmetricKeyType} key cannot verify JWTs; use RSA, EC or Ed25519`);
  }
}
