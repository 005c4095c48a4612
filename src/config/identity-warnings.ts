// config: identity settings that are allowed, and prove no user or more than they seem to.
import type { Config } from './config.ts';
import type { ConfigFault } from './fault.ts';
import type { Place } from './file.ts';

const NO_KEY = 'is not looked at: without identity.jwt_key or identity.jwks_url tokens are not verified';
const NOBODY =
  'proves nobody: identity.trust is none and no JWT is verified, so no connection has a user; set identity.jwt_key or identity.jwks_url for a jwt source, or trust: upstream if the backend refuses what it has not checked';
const NO_SOURCE = 'verifies nothing: identity.user has no jwt source; add jwt:sub there';
const ANY_AUDIENCE =
  'proves too much: a token that its issuer made for another service names a user here too, and that service has such tokens of its users; set identity.jwt_audience';

/** Warnings in the order of the keys. */
export function identityWarnings(identity: Config['identity'], place: (key: string) => Place): ConfigFault[] {
  const { user, trust, jwtKey, jwksUrl, jwtIssuer, jwtAudience } = identity;
  const verifies = jwtKey !== undefined || jwksUrl !== undefined;
  const jwts = user.some(({ from }) => from === 'jwt');
  const warnings: ConfigFault[] = [];
  const warn = (key: string, message: string): void => {
    warnings.push({ key, ...place(key), message });
  };
  if (user.length > 0 && trust === 'none' && !(verifies && jwts)) warn('identity.user', NOBODY);
  if (verifies && !jwts) warn(jwtKey === undefined ? 'identity.jwks_url' : 'identity.jwt_key', NO_SOURCE);
  if (jwksUrl !== undefined && jwts && jwtAudience === undefined) warn('identity.jwks_url', ANY_AUDIENCE);
  if (!verifies && jwtIssuer !== undefined) warn('identity.jwt_issuer', NO_KEY);
  if (!verifies && jwtAudience !== undefined) warn('identity.jwt_audience', NO_KEY);
  return warnings;
}
