// hostile: a backend that refuses what it has not checked, and reads a request in its own way: `trust: upstream` relies on it, and on no one way.
import type { IdentityRequest } from '../../src/identity/request.ts';
import type { Chance } from '../support/chance.ts';
import { GOOD_TOKENS, STRANGER } from './forgeries.ts';

const lines = ({ rawHeaders }: IdentityRequest, name: string, alias: boolean): string[] =>
  rawHeaders.flatMap((key, i) => {
    const lower = key.toLowerCase();
    const same = i % 2 === 0 && (lower === name || (alias && lower.replaceAll('_', '-') === name));
    return same ? [rawHeaders[i + 1]!.trim()] : [];
  });

function cookieValues(request: IdentityRequest): string[] {
  return lines(request, 'cookie', false)
    .flatMap((line) => line.split(';'))
    .flatMap((pair) => (pair.trim().startsWith('uid=') ? [pair.trim().slice(4)] : []));
}

const tokensOf = (request: IdentityRequest): string[] => [
  ...lines(request, 'authorization', false).map((value) => value.replace(/^Bearer +/i, '')),
  ...lines(request, 'sec-websocket-protocol', false).flatMap((value) =>
    value.split(',').flatMap((entry) => (entry.trim().startsWith('jwt.') ? [entry.trim().slice(4)] : [])),
  ),
];

/**
 * Whether it lets the stranger in. Of several values it believes the first, the last, or all of them joined, by its habit; it
 * checks that one against the stranger's login. Who names nobody is let in as nobody.
 */
export function letsIn(request: IdentityRequest, sources: readonly string[], chance: Chance): boolean {
  const habit = chance.of(['first', 'last', 'joined'] as const);
  const believed = (values: readonly string[]): string | undefined => {
    if (values.length === 0) return undefined;
    return habit === 'first' ? values[0] : habit === 'last' ? values.at(-1) : values.join(', ');
  };
  const query = new URLSearchParams(request.url.split('?').slice(1).join('?'));
  const own = (said: string | undefined): boolean => said === undefined || said === '' || said === STRANGER;
  return sources.every((source) => {
    if (source === 'header:x-user') return own(believed(lines(request, 'x-user', chance.between(0, 1) === 0)));
    if (source === 'cookie:uid') return own(believed(cookieValues(request)));
    if (source === 'query:user') return own(believed(query.getAll('user')));
    if (source !== 'jwt:sub') return true;
    // Every place where Ackspan looks for a token is one that the backend checks: that is what the operator says.
    const found = [...tokensOf(request), ...['token', 'access_token', 'jwt'].flatMap((name) => query.getAll(name))];
    const one = believed(found);
    return one === undefined || (habit === 'joined' ? found : [one]).every((each) => GOOD_TOKENS.includes(each));
  });
}
