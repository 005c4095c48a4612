// identity: games with headers, cookies and queries. A user who is named is the one that every backend reads in what it was sent.
import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseUpstream } from '../../src/front/upstream.ts';
import { createIdentity, type Identified, type IdentityOptions, type UserSource } from '../../src/identity/identity.ts';
import { shownUpstream } from '../../src/sidecar/admission.ts';
import { propertyOptions } from '../support/seed.ts';
import { jwt } from './request.ts';

const { upstream } = parseUpstream('http://127.0.0.1:1/base');
const TOKEN: Record<string, string> = { me: jwt({ sub: 'me' }), victim: jwt({ sub: 'victim' }) };
const userOf = (token: string) => Object.keys(TOKEN).find((user) => TOKEN[user] === token);

/** What the upstream is sent of a request, as the front asks for it. */
function sent(url: string, rawHeaders: string[]) {
  const request = { method: 'GET', url, rawHeaders, socket: { remoteAddress: '127.0.0.1' } };
  return shownUpstream(request as unknown as IncomingMessage, upstream!);
}

type Sent = ReturnType<typeof sent>;

function nameFor(source: UserSource, request: Sent, over: Partial<IdentityOptions> = {}): Identified {
  const options = { jwtPlaces: ['authorization', 'query'], jwtQuery: ['token'], timeoutMs: 1000, ...over } as const;
  const deps = { now: Date.now, wall: Date.now, report: () => expect.fail('nothing is to be reported') };
  return createIdentity({ sources: [source], trust: 'upstream', ...options }, deps).identify(request) as Identified;
}

/**
 * Backends, as they read one header: several lines joined, the first, the last, names as CGI has
 * them, in a table by lower case.
 */
const headerReaders = [
  (lines: Line[], name: string) => lines.find(([key]) => key.toLowerCase() === name)?.[1],
  (lines: Line[], name: string) => lines.findLast(([key]) => key.toLowerCase() === name)?.[1],
  (lines: Line[], name: string) => lines.find(([key]) => key.toLowerCase().replaceAll('_', '-') === name)?.[1],
  (lines: Line[], name: string) => lines.findLast(([key]) => key.toLowerCase().replaceAll('_', '-') === name)?.[1],
  (lines: Line[], name: string) => lines.find(([key]) => key.toLowerCase().replace(/[^a-z]/, '-') === name)?.[1],
  (lines: Line[], name: string) =>
    lines.flatMap(([key, value]) => (key.toLowerCase() === name ? [value] : [])).join(', '),
];

type Line = [string, string];
const linesOf = ({ rawHeaders }: Sent): Line[] =>
  rawHeaders.flatMap((name, i): Line[] => (i % 2 === 0 ? [[name, rawHeaders[i + 1]!]] : []));

const names = fc.constantFrom('X-User', 'x-user', 'X_USER', 'x.user', 'x-User', 'X-Use', 'X-User2');
const values = fc.constantFrom('me', 'victim', ' victim ', '', 'me, victim', 'victim,me');
const nominations = fc.constantFrom(
  ...['Upgrade', 'upgrade, X-User', 'close, X-User', 'X-USER', 'x_user, Upgrade', 'keep-alive, , x-user ,'],
  ...['Authorization', 'Cookie', 'upgrade,cookie', 'x-user, x-user'],
);

it('[D19] headers: nominated, doubled, in any case, spelled like CGI', () => {
  const line = fc.tuple(names, values);
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 4 }),
      fc.array(nominations, { maxLength: 3 }),
      fc.nat(4),
      (lines, own, at) => {
        const connection: Line[] = own.map((value) => ['Connection', value]);
        const all: Line[] = [['Host', 'a'], ...lines.slice(0, at), ...connection, ...lines.slice(at)];
        const request = sent('/', all.flat());
        const found = nameFor({ from: 'header', name: 'X-User' }, request);
        const nominated = own.some((value) => value.split(',').some((name) => name.trim().toLowerCase() === 'x-user'));
        if (nominated) expect(found).toMatchObject({ user: undefined, claimed: undefined });
        if (found.user === undefined) return;
        for (const read of headerReaders) expect(read(linesOf(request), 'x-user')?.trim()).toBe(found.user);
      },
    ),
    propertyOptions(3000),
  );
});

/**
 * Parsers of cookies: RFC 6265 (first and last), commas as separators, quoted text as one value,
 * without case.
 */
const cookieReaders = [
  (text: string) => cookiesOf(text.split(';')).find(([name]) => name === 'uid')?.[1],
  (text: string) => cookiesOf(text.split(';')).findLast(([name]) => name === 'uid')?.[1],
  (text: string) => cookiesOf(text.split(/[;,]/)).find(([name]) => name === 'uid')?.[1],
  (text: string) => cookiesOf(text.split(';')).find(([name]) => name.toLowerCase() === 'uid')?.[1],
  (text: string) => cookiesOf(text.split(';')).find(([name]) => decode(name) === 'uid')?.[1],
  (text: string) => cookiesOf(text.split(';')).find(([name]) => name.replace(/\[.*/, '') === 'uid')?.[1],
  (text: string) => cookiesOf(withoutQuotes(text).split(';')).find(([name]) => name === 'uid')?.[1],
];
const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
/** Without separators in quoted text. */
const withoutQuotes = (text: string) => text.replace(/"[^"]*"/g, (quoted) => quoted.replaceAll(';', ''));
const cookiesOf = (pairs: string[]): Line[] =>
  pairs.flatMap((pair): Line[] => {
    const at = pair.indexOf('=');
    return at < 0 ? [] : [[pair.slice(0, at).trim(), pair.slice(at + 1).trim()]];
  });

it('[D19] cookies: doubled, in two lines, behind commas, in quotes, in other spellings', () => {
  const piece = fc.constantFrom(
    ...['uid=me', 'uid=victim', ' uid = victim', 'UID=me', '%75id=me', 'z="', '"', 'z=1, uid=me', 'session=me'],
    ...[
      'xuid=me',
      'uid',
      '=uid',
      'z=uid=me',
      'uid="victim"',
      'a=", uid=me',
      'uid[]=me',
      'uid         =victim',
      'a="b',
      '',
    ],
  );
  const line = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(';'));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 2 }), fc.boolean(), (lines, nominated) => {
      const head = nominated ? ['Connection', 'Upgrade, cookie'] : [];
      const request = sent('/', ['Host', 'a', ...head, ...lines.flatMap((text) => ['Cookie', text])]);
      const found = nameFor({ from: 'cookie', name: 'uid' }, request);
      if (nominated) expect(found.user).toBeUndefined();
      if (found.user === undefined) return;
      for (const read of cookieReaders)
        for (const text of [lines.join('; '), lines[0]!, lines.at(-1)!]) expect(read(text)).toBe(found.user);
    }),
    propertyOptions(3000),
  );
});

/**
 * Readers of queries: first, last, `;` as a separator, without case, lists, up to `#`, names
 * decoded or not.
 */
const queryReaders: ((url: string) => string | undefined | null)[] = [
  (url) => new URLSearchParams(url.slice(url.indexOf('?'))).get('user'),
  (url) => new URLSearchParams(url.slice(url.indexOf('?'))).getAll('user').at(-1),
  (url) => new URLSearchParams(url.slice(url.indexOf('?')).replaceAll(';', '&')).get('user'),
  (url) => new URLSearchParams(url.slice(url.indexOf('?')).replaceAll(';', '&')).getAll('user').at(-1),
  (url) => new URLSearchParams(new URL(url, 'http://a').search).get('user'),
  (url) => raw(url).find(([name]) => name === 'user')?.[1],
  (url) => raw(url).flatMap(([name, value]) => (name === 'user' ? [value] : []))[0],
  (url) => new URLSearchParams(url.slice(url.indexOf('?'))).getAll('user').join(','),
  (url) =>
    raw(url)
      .map(([name, value]) => [decode(name), decode(value)])
      .find(([name]) => name === 'user')?.[1],
  (url) => anyCase(url).at(0),
  (url) => anyCase(url).at(-1),
];
/** As nginx's `$arg_user`: nothing is decoded. */
const raw = (url: string): Line[] => cookiesOf(url.slice(url.indexOf('?') + 1).split('&'));
const anyCase = (url: string): string[] =>
  [...new URLSearchParams(url.slice(url.indexOf('?')))]
    .filter(([name]) => name.toLowerCase().replace(/\[.*/, '') === 'user')
    .map(([, value]) => value);

it('[D19] queries: doubled, encoded, behind semicolons and fragments, as lists, and our own parameters', () => {
  const piece = fc.constantFrom(
    ...[
      'user=me',
      'user=victim',
      'us%65r=victim',
      'USER=me',
      'user[]=me',
      'user%5b0%5d=me',
      'x=1;user=me',
      'user=victim;a',
    ],
    ...[
      'user=victim#',
      '#',
      'user',
      'user=',
      'user=%76ictim',
      'user=%ff',
      'user=vic+tim',
      'user=Zo\xc3\xab',
      'users=me',
      'ackspan=1',
      'ackspan_session=victim',
    ],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
      const request = sent(`/ws?${pieces.join('&')}`, ['Host', 'a']);
      expect(nameFor({ from: 'query', name: 'ackspan_session' }, request).user).toBeUndefined();
      const found = nameFor({ from: 'query', name: 'user' }, request);
      if (found.user === undefined) return;
      for (const read of queryReaders) expect(read(request.url)).toBe(found.user);
    }),
    propertyOptions(3000),
  );
});

it('[D19] tokens: two, in two places, beside credentials of another kind, nominated', () => {
  const credential = fc.constantFrom('Bearer me', 'Bearer victim', 'bearer  victim', 'Basic bWU=', 'Bearer opaque', '');
  const parameter = fc.constantFrom(
    'token=me',
    'token=victim',
    'tok%65n=victim',
    'token=opaque',
    'TOKEN=me',
    'a=1',
    'token=',
  );
  const filled = (text: string) => text.replace(/(me|victim)$/, (user) => TOKEN[user] ?? user);
  fc.assert(
    fc.property(
      fc.array(credential, { maxLength: 2 }),
      fc.array(parameter, { maxLength: 3 }),
      fc.boolean(),
      (credentials, parameters, nominated) => {
        const head = nominated ? ['Connection', 'Upgrade', 'Connection', 'authorization'] : [];
        const lines = credentials.flatMap((each) => ['Authorization', filled(each)]);
        const request = sent(`/?${parameters.map(filled).join('&')}`, ['Host', 'a', ...head, ...lines]);
        const found = nameFor({ from: 'jwt', name: 'sub' }, request);
        if (found.user === undefined) return;
        const shown = linesOf(request).filter(([name]) => name === 'Authorization');
        if (nominated) expect(shown).toEqual([]);
        // Whichever credential the backend goes by, it is this user's.
        const said = shown.map(([, value]) => value.replace(/^bearer +/i, ''));
        const asked = [...new URLSearchParams(request.url.slice(2))].filter(([name]) => name.toLowerCase() === 'token');
        for (const token of [...said, ...asked.map(([, value]) => value)].filter((each) => each !== ''))
          expect(userOf(token)).toBe(found.user);
      },
    ),
    propertyOptions(3000),
  );
});
