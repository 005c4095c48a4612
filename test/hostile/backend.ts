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

/** How a backend reads what RFC 6265, WHATWG URL and others leave open or forbid. */
interface Habits {
  readonly commas: boolean;
  readonly quotes: boolean;
  readonly semicolons: boolean;
  readonly fragments: boolean;
  readonly anyCase: boolean;
  /** `user[]` and `user[0]` are `user`. */
  readonly lists: boolean;
  /** Decodes neither names nor values. */
  readonly undecoded: boolean;
  /** Of several Cookie lines it reads the first. */
  readonly oneLine: boolean;
  /** Goes by a password where there is one, and looks at no token then. */
  readonly passwords: boolean;
}

function cookieValues(request: IdentityRequest, habits: Habits): string[] {
  const all = lines(request, 'cookie', false).slice(0, habits.oneLine ? 1 : undefined);
  const plain = habits.quotes ? all.map((line) => line.replace(/"[^"]*("|$)/g, '')) : all;
  return plain
    .flatMap((line) => line.split(habits.commas ? /[;,]/ : ';'))
    .flatMap((part) => {
      const [name = '', ...value] = part.split('=');
      return value.length > 0 && spelled(name.trim(), habits) === 'uid' ? [value.join('=').trim()] : [];
    });
}

function spelled(name: string, { anyCase, lists }: Habits): string {
  const plain = lists ? name.replace(/\[.*/, '') : name;
  return anyCase ? plain.toLowerCase() : plain;
}

function parametersOf({ url }: IdentityRequest, habits: Habits): readonly (readonly [string, string])[] {
  const search = url.split('?').slice(1).join('?');
  const seen = habits.fragments ? search.split('#')[0]! : search;
  const pairs = habits.semicolons ? seen.replaceAll(';', '&') : seen;
  if (!habits.undecoded) return [...new URLSearchParams(pairs)];
  return pairs.split('&').map((pair) => {
    const [name = '', ...value] = pair.split('=');
    return [name, value.join('=')];
  });
}

const tokensOf = (request: IdentityRequest): string[] => [
  ...lines(request, 'authorization', false).map((value) => value.replace(/^Bearer +/i, '')),
  ...lines(request, 'sec-websocket-protocol', false).flatMap((value) =>
    value.split(',').flatMap((entry) => (entry.trim().startsWith('jwt.') ? [entry.trim().slice(4)] : [])),
  ),
];

/**
 * Whether it lets the stranger in. Of several values it believes the first, the last, or all of
 * them joined, by its habit; it checks that one against the stranger's login. Who names nobody is
 * let in as nobody.
 */
export function letsIn(request: IdentityRequest, sources: readonly string[], chance: Chance): boolean {
  const habit = chance.of(['first', 'last', 'joined'] as const);
  const believed = (values: readonly string[]): string | undefined => {
    if (values.length === 0) return undefined;
    return habit === 'first' ? values[0] : habit === 'last' ? values.at(-1) : values.join(', ');
  };
  const toss = (): boolean => chance.between(0, 1) === 0;
  const habits: Habits = {
    ...{ commas: toss(), quotes: toss(), semicolons: toss(), fragments: toss(), anyCase: toss() },
    ...{ lists: toss(), undecoded: toss(), oneLine: toss(), passwords: toss() },
  };
  const parameters = parametersOf(request, habits);
  const named = (name: string): string[] =>
    parameters.flatMap(([key, value]) => (spelled(key, habits) === name ? [value] : []));
  const own = (said: string | undefined): boolean => said === undefined || said === '' || said === STRANGER;
  return sources.every((source) => {
    if (source === 'header:x-user') return own(believed(lines(request, 'x-user', chance.between(0, 1) === 0)));
    if (source === 'cookie:uid') return own(believed(cookieValues(request, habits)));
    if (source === 'query:user') return own(believed(named('user')));
    if (source !== 'jwt:sub') return true;
    if (habits.passwords && lines(request, 'authorization', false).some((value) => value.startsWith('Basic ')))
      return true;
    // Every place where Ackspan looks for a token is one that the backend checks: that is what the
    // operator says.
    const found = [...tokensOf(request), ...['token', 'access_token', 'jwt'].flatMap(named)];
    const one = believed(found);
    return one === undefined || (habit === 'joined' ? found : [one]).every((each) => GOOD_TOKENS.includes(each));
  });
}
