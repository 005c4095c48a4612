// sidecar: what the configuration says of identity, as identity/ asks for it.
import type { Config } from '../config/config.ts';
import type { IdentityOptions } from '../identity/identity.ts';

/** A JWT is verified where the operator gave a key or the address of keys. */
export function identityOptions(config: Config['identity']): IdentityOptions {
  const { user: sources, trust, jwtFrom: jwtPlaces, jwtQuery, jwtKey: key, jwksUrl, timeoutMs } = config;
  const { jwtIssuer: issuer, jwtAudience: audience } = config;
  const verify = key === undefined && jwksUrl === undefined ? undefined : { key, jwksUrl, issuer, audience };
  return { sources, trust, jwtPlaces, jwtQuery, verify, timeoutMs };
}
