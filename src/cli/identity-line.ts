// cli: what the configuration of identity grants, in one sentence for `ackspan check`.
import type { Config } from '../config/config.ts';

/** Names the sources that prove a user and the sources that only claim one. Never prints a key. */
export function identityLine({ user, trust, jwtKey, jwksUrl, jwtFrom }: Config['identity']): string {
  if (user.length === 0) return 'identity: none is configured; no connection has a user';
  const verified = jwtKey !== undefined || jwksUrl !== undefined;
  const shown = (sources: typeof user): string =>
    sources.map(({ from, name }) => (from === 'event' ? from : `${from}:${name}`)).join(', ');
  const proving = user.filter(({ from }) => trust === 'upstream' || (from === 'jwt' && verified));
  const claiming = user.filter((source) => !proving.includes(source));
  const by = verified && proving.some(({ from }) => from === 'jwt') ? 'JWTs are verified here' : undefined;
  const because = [by, trust === 'upstream' ? 'the backend is trusted to refuse what it has not checked' : undefined];
  const places = user.some(({ from }) => from === 'jwt') ? `; tokens are looked for in ${jwtFrom.join(', ')}` : '';
  const parts = [
    proving.length > 0 ? `${shown(proving)} proves the user (${because.filter(Boolean).join('; ')})` : undefined,
    claiming.length > 0 ? `${shown(claiming)} only claims one, which grants nothing` : undefined,
  ];
  return `identity: ${parts.filter(Boolean).join('; ')}${places}`;
}
