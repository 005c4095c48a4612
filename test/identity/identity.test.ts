// Who a request comes from: each source, their order, and what hostile requests make of it: nobody, never somebody else.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createIdentity,
  type Identified,
  type Identity,
  type IdentityOptions,
  type UserSource,
} from '../../src/identity/identity.ts';
import type { IdentityRequest } from '../../src/identity/request.ts';
import { MAX_USER_BYTES } from '../../src/identity/user.ts';
import { anyText } from '../support/any-text.ts';
import { propertyOptions } from '../support/seed.ts';
import { ask, jwt } from './request.ts';

const PLACES = ['authorization', 'subprotocol', 'query'] as const;

function identity(sources: readonly string[], over: Partial<IdentityOptions> = {}): Identity {
  const read = sources.map((text): UserSource => {
    const [from, name = ''] = text.split(':');
    return { from: from as UserSource['from'], name };
  });
  return createIdentity(
    {
      sources: read,
      trust: 'upstream',
      jwtPlaces: PLACES,
      jwtQuery: ['token', 'access_token', 'jwt'],
      timeoutMs: 1000,
      ...over,
    },
    { now: Date.now, wall: Date.now, report: ({ error }) => expect.fail(String(error)) },
  );
}

function who(sources: readonly string[], request: IdentityRequest, over: Partial<IdentityOptions> = {}): Identified {
  const found = identity(sources, over).identify(request);
  if (found instanceof Promise) throw new Error('without verification the answer is there at once');
  return found;
}

const user = (name: string): Identified => ({ user: name, claimed: undefined, learn: undefined });
const fault = (name: Identified['fault']): Identified => ({
  user: undefined,
  claimed: undefined,
  fault: name!,
  learn: undefined,
});
const claimed = (name: string): Identified => ({ user: undefined, claimed: name, learn: undefined });
const nobody: Identified = { user: undefined, claimed: undefined, learn: undefined };

describe('each source', () => {
  const token = jwt({ sub: 'u1', 'https://a.example/user': 'u2', realm: { 'a/b': ['u3'] }, number: 42 });

  it.each([
    ['Authorization', ask('/', 'Authorization', `Bearer ${token}`)],
    ['Authorization, any case', ask('/', 'AUTHORIZATION', `bEARER  ${token} `)],
    ['subprotocol', ask('/', 'Sec-WebSocket-Protocol', `chat, jwt.${token}`)],
    [
      'subprotocol, base64url',
      ask('/', 'Sec-WebSocket-Protocol', `jwt.${Buffer.from(token).toString('base64url')}, chat`),
    ],
    ['query token', ask(`/ws?a=1&token=${token}`)],
    ['query access_token', ask(`/ws?access_token=${token}&b`)],
    ['the same token twice', ask(`/ws?token=${token}`, 'Authorization', `Bearer ${token}`)],
  ])('a JWT in %s', (_, request) => expect(who(['jwt:sub'], request)).toEqual(user('u1')));

  it.each([
    ['https://a.example/user', 'u2'],
    ['/realm/a~1b/0', 'u3'],
    ['number', '42'],
  ])('the claim %s', (claim, name) => {
    const sources = [{ from: 'jwt', name: claim } as const];
    expect(who([], ask(`/?token=${token}`), { sources })).toEqual(user(name));
  });

  it.each(['toString', '__proto__', 'constructor', '/realm/length', '/sub/0', '/number/x'])(
    'a claim that is not there: %s',
    (claim) => {
      expect(who([], ask(`/?token=${token}`), { sources: [{ from: 'jwt', name: claim }] })).toEqual(nobody);
    },
  );

  it('a header, whatever its case, as UTF-8', () => {
    expect(who(['header:X-User'], ask('/', 'x-uSER', ' u1 '))).toEqual(user('u1'));
    const wire = Buffer.from('Zoë', 'utf8').toString('latin1');
    expect(who(['header:x-user'], ask('/', 'x-user', wire))).toEqual(user('Zoë'));
  });

  it('a cookie, byte by byte: what some backends unquote or decode is another name', () => {
    const cookie = (line: string) => who(['cookie:uid'], ask('/', 'Cookie', line));
    expect(cookie('a=b; uid=u1; xuid=u2')).toEqual(user('u1'));
    expect(cookie(' uid = u1\t')).toEqual(user('u1'));
    expect(cookie('uid="u1"')).toEqual(user('"u1"'));
    expect(cookie('uid=u%40example.org')).toEqual(user('u%40example.org'));
    expect(cookie('uid=u@example.org')).toEqual(user('u@example.org'));
    expect(cookie('uid=100%')).toEqual(user('100%'));
    expect(cookie('xuid=u1; =u1; uid')).toEqual(nobody);
  });

  it('a query parameter, form-decoded', () => {
    expect(who(['query:user_id'], ask('/ws?user_id=a%20b%40c'))).toEqual(user('a b@c'));
    expect(who(['query:user id'], ask('/ws?user%20id=u1'))).toEqual(user('u1'));
    expect(who(['query:user_id'], ask('/ws?user_id'))).toEqual(nobody);
    expect(who(['query:user_id'], ask('/ws'))).toEqual(nobody);
  });
});

describe('the order', () => {
  it('the first source that says something decides', () => {
    const request = ask(`/?user_id=q&token=${jwt({ sub: 't' })}`, 'Cookie', 'uid=c');
    expect(who(['cookie:uid', 'jwt:sub', 'query:user_id'], request)).toEqual(user('c'));
    expect(who(['header:x-user', 'jwt:sub', 'query:user_id'], request)).toEqual(user('t'));
    expect(who(['jwt:email', 'query:user_id'], request)).toEqual(user('q'));
  });

  it('an opaque token says nothing', () => {
    const request = ask('/?user_id=q&token=abc', 'Authorization', 'Bearer 0123456789abcdef');
    expect(who(['jwt:sub', 'query:user_id'], request)).toEqual(user('q'));
  });

  it('a bad token ends the search: no weaker source names the client', () => {
    const request = ask(`/?user_id=q&token=${jwt({ sub: 't' }, { alg: 'none' })}`);
    expect(who(['jwt:sub', 'query:user_id'], request)).toEqual(fault('invalid_token'));
  });

  it('events are asked last, and only if nothing was said', () => {
    expect(who(['event', 'query:u'], ask('/?u=u1'))).toEqual(user('u1'));
    expect(who(['event', 'query:u'], ask('/'))).toEqual({ ...nobody, learn: 'user' });
    expect(who(['event', 'query:u'], ask('/?u=a&u=b'))).toEqual(fault('ambiguous'));
  });
});

describe('[D6] hostile requests name nobody', () => {
  it.each(['none', 'None', 'NONE', '', 7])('alg %s', (alg) => {
    expect(who(['jwt:sub'], ask(`/?token=${jwt({ sub: 'victim' }, { alg })}`))).toEqual(fault('invalid_token'));
  });

  it('no signature', () => {
    const token = jwt({ sub: 'victim' });
    const cut = token.slice(0, token.lastIndexOf('.') + 1);
    expect(who(['jwt:sub'], ask(`/?token=${cut}`))).toEqual(fault('invalid_token'));
  });

  it('one token where the backend looks, another where it does not', () => {
    const request = ask(`/?token=${jwt({ sub: 'me' })}`, 'Authorization', `Bearer ${jwt({ sub: 'victim' })}`);
    expect(who(['jwt:sub'], request)).toEqual(fault('ambiguous'));
    for (const place of PLACES) {
      const found = who(['jwt:sub'], request, { jwtPlaces: [place] });
      expect(found, place).toEqual(place === 'subprotocol' ? nobody : fault('ambiguous'));
    }
    const opaque = ask('/?token=my-session', 'Authorization', `Bearer ${jwt({ sub: 'victim' })}`);
    expect(who(['jwt:sub'], opaque, { jwtPlaces: ['authorization'] })).toEqual(fault('ambiguous'));
  });

  it('a token beside one that lacks the claim', () => {
    const request = ask(`/?token=${jwt({ sub: 'me' })}&jwt=${jwt({})}`);
    expect(who(['jwt:sub'], request)).toEqual(fault('ambiguous'));
  });

  it('many tokens', () => {
    const many = Array.from({ length: 500 }, (_, i) => `token=${jwt({ sub: `u${i}` })}`).join('&');
    expect(who(['jwt:sub'], ask(`/?${many}`))).toEqual(fault('ambiguous'));
  });

  it('a huge token', () => {
    expect(who(['jwt:sub'], ask(`/?token=${jwt({ sub: 'u', x: 'y'.repeat(20_000) })}`))).toEqual(
      fault('invalid_token'),
    );
  });

  it.each([
    ['not JSON', 'bm90IGpzb24'],
    ['an array', Buffer.from('["sub"]').toString('base64url')],
    ['null', Buffer.from('null').toString('base64url')],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')],
    ['deep', Buffer.from(`${'['.repeat(9_000)}`).toString('base64url')],
  ])('claims that are %s', (_, payload) => {
    const header = Buffer.from('{"alg":"HS256"}').toString('base64url');
    expect(who(['jwt:sub'], ask(`/?token=${header}.${payload}.c2ln`))).toEqual(fault('invalid_token'));
  });

  it.each([
    {},
    ['a'],
    true,
    1.5,
    2 ** 60,
    'a\u0000b',
    'a\nb',
    '\uD800',
    'x'.repeat(MAX_USER_BYTES + 1),
    'é'.repeat(129),
  ])('a claim that cannot be a user (%#)', (sub) =>
    expect(who(['jwt:sub'], ask(`/?token=${jwt({ sub })}`))).toEqual(fault('unusable_user')),
  );

  it('duplicates that differ: headers, cookies, parameters', () => {
    expect(who(['header:x-user'], ask('/', 'x-user', 'a', 'X-User', 'b'))).toEqual(fault('ambiguous'));
    expect(who(['cookie:uid'], ask('/', 'Cookie', 'uid=a; uid=b'))).toEqual(fault('ambiguous'));
    expect(who(['cookie:uid'], ask('/', 'Cookie', 'uid=a', 'Cookie', 'uid=b'))).toEqual(fault('ambiguous'));
    expect(who(['query:u'], ask('/?u=a&%75=b'))).toEqual(fault('ambiguous'));
    expect(who(['query:u'], ask('/?u=&u=b'))).toEqual(fault('ambiguous'));
    for (const twice of [ask('/?u=a&u=a'), ask('/', 'x-user', 'a', 'X-User', 'a')])
      expect(who(['query:u', 'header:x-user'], twice), 'joined, they are a third').toEqual(fault('unusable_user'));
  });

  it('parameters that cannot be decoded, which lenient decoders would make equal', () => {
    for (const value of ['%ff', '%fe', '%', '%zz', '%e2%82'])
      expect(who(['query:u'], ask(`/?u=${value}`)), value).toEqual(fault('unusable_user'));
  });

  it('a name in two encodings, or with white space that belongs to it, is not the name', () => {
    expect(who(['header:x-user'], ask('/', 'x-user', 'Zo\xeb'))).toEqual(fault('unusable_user'));
    for (const value of ['victim\xc2\xa0', '\xef\xbb\xbfvictim'])
      expect(who(['header:x-user'], ask('/', 'x-user', value)), value).toEqual(fault('unusable_user'));
    for (const value of ['+victim', 'victim%20', '%EF%BB%BFvictim', 'vic+tim', '%76ictim', 'Zo\xc3\xab', 'victim%2d'])
      expect(who(['query:u'], ask(`/?u=${value}`)), value).toEqual(fault('unusable_user'));
    expect(who(['jwt:sub'], ask(`/?token=${jwt({ sub: 'victim\u2028' })}`))).toEqual(fault('unusable_user'));
    expect(who(['cookie:uid'], ask('/', 'Cookie', 'uid=%76ictim'))).toEqual(user('%76ictim'));
  });

  it('a header with an underscore, which some backends take for the one with a dash', () => {
    expect(who(['header:x-user'], ask('/', 'X_User', 'victim'))).toEqual(fault('unusable_user'));
    expect(who(['header:x-user'], ask('/', 'X-User', 'me', 'x_user', 'victim'))).toEqual(fault('unusable_user'));
    expect(who(['header:x-user'], ask('/', 'X.User', 'me', 'x-user', 'victim'))).toEqual(fault('unusable_user'));
  });

  it('a second spelling or separator, by which some backends find another value', () => {
    for (const [source, request] of [
      ['query:u', ask('/?u=victim&U=me')],
      ['query:u', ask('/?u=victim&u[]=me')],
      ['query:u', ask('/?u%5B0%5D=me&u=victim')],
      ['query:u', ask('/?x=1;u=me&u=victim')],
      ['query:u', ask('/?u=victim;u=me')],
      ['query:u', ask('/?u=me#&u=victim')],
      ['query:a.b', ask('/?a_b=me&a.b=victim')],
      ['query:u', ask('/?%75=victim')],
      ['query:u', ask('/?u%00=me&u=victim')],
      ['query:a+b', ask('/?a+b=me&a%2Bb=victim+')],
      ['cookie:uid', ask('/', 'Cookie', 'z=1, uid=me; uid=victim')],
      ['cookie:uid', ask('/', 'Cookie', 'z="; uid=victim; y="; UID=me')],
      ['cookie:uid', ask('/', 'Cookie', 'z="; uid=victim; y="')],
      ['cookie:uid', ask('/', 'Cookie', 'z="\\"; uid=victim; y=\\""')],
      ['cookie:uid', ask('/', 'Cookie', 'UID=me; uid=victim')],
      ['cookie:uid', ask('/', 'Cookie', '%75id=me; uid=victim')],
      ['cookie:uid', ask('/', 'Cookie', 'uid[]=me; uid=victim')],
      ['cookie:uid', ask('/', 'Cookie', `uid${' '.repeat(9)}=victim; z=",uid=me"`)],
      ['cookie:uid', ask('/', 'Cookie', 'session=me', 'Cookie', 'uid=victim')],
    ] as const)
      expect(who([source], request), JSON.stringify(request)).toMatchObject({
        user: undefined,
        claimed: undefined,
        fault: expect.any(String),
      });
  });

  it('an unverified token beside a credential of another kind, by which the backend may have gone', () => {
    const token = jwt({ sub: 'victim' });
    for (const request of [
      ask(`/?token=${token}`, 'Authorization', 'Basic bWU6c2VjcmV0'),
      ask('/', 'Authorization', 'Basic bWU6c2VjcmV0', 'authorization', `Bearer ${token}`),
      ask(`/?TOKEN=mine&token=${token}`),
      ask('/?TOKEN=mine', 'Authorization', `Bearer ${token}`),
      ask(`/?a=1;token=mine&token=${token}`),
      ask(`/?%74oken=${token}`),
      ask(`/?token=${token}`, 'Sec_WebSocket_Protocol', 'jwt.mine'),
      ask(`/?token=${token}`, 'Sec-WebSocket-Protocol', 'JWT.mine'),
    ])
      expect(who(['jwt:sub'], request).fault, JSON.stringify(request)).toBe('ambiguous');
  });

  it('a list in one line is one name, and never one of its parts', () => {
    expect(who(['header:x-user'], ask('/', 'x-user', 'victim, me'))).toEqual(user('victim, me'));
    expect(who(['header:x-user'], ask('/', 'x-user', 'victim,'))).toEqual(user('victim,'));
  });

  it('anything at all: an answer, a user that is usable or none, and a count', () => {
    const text = fc.oneof(
      anyText(),
      fc.constantFrom('%', '..', 'a.b.c', jwt({ sub: 'u' }), jwt({ sub: 'v' }, { alg: 'none' }), '"', ';=;', 'jwt.'),
    );
    const sources = ['jwt:sub', 'header:x-user', 'cookie:uid', 'query:u'];
    fc.assert(
      fc.property(fc.array(text, { maxLength: 6 }), fc.array(text, { maxLength: 6 }), (query, values) => {
        const names = ['Authorization', 'Cookie', 'X-User', 'Sec-WebSocket-Protocol', 'cookie', 'x-user'];
        const url = `/?${query.map((value, i) => `${['token', 'u', 'jwt', value][i % 4]}=${value}`).join('&')}`;
        const rawHeaders = values.flatMap((value, i) => [names[i]!, i % 2 === 0 ? `Bearer ${value}` : `uid=${value}`]);
        const mine = identity(sources);
        const found = mine.identify({ url, rawHeaders }) as Identified;
        if (found.user !== undefined) {
          expect(found.user.trim()).toBe(found.user);
          expect(Buffer.byteLength(found.user)).toBeLessThanOrEqual(MAX_USER_BYTES);
          expect(found.fault).toBeUndefined();
        }
        expect(Object.values(mine.counters).reduce((sum, count) => sum + count)).toBe(1);
        expect(mine.counters[found.user === undefined ? (found.fault ?? 'none') : 'identified']).toBe(1);
      }),
      propertyOptions(500),
    );
  });
});

describe('[D19] what nobody verifies is a claim', () => {
  const none = { trust: 'none' } as const;
  const SECRET = 'a secret of this test and of at least 32 characters';
  const verify = { key: SECRET };

  it.each([
    ['jwt:sub', ask(`/?token=${jwt({ sub: 'victim' })}`)],
    ['header:x-user', ask('/', 'X-User', 'victim')],
    ['cookie:uid', ask('/', 'Cookie', 'uid=victim')],
    ['query:u', ask('/?u=victim')],
  ])('%s', (source, request) => {
    expect(who([source], request, none)).toEqual(claimed('victim'));
    const mine = identity([source], none);
    void mine.identify(request);
    expect(mine.counters).toMatchObject({ claimed: 1, identified: 0 });
  });

  it('an event claims too, if nothing else has said anything', () => {
    expect(who(['event', 'query:u'], ask('/'), none)).toEqual({ ...nobody, learn: 'claim' });
    expect(who(['event', 'query:u'], ask('/?u=ann'), none)).toEqual(claimed('ann'));
  });

  it('a claim never stands before a proof, wherever its source stands in the list', async () => {
    const sources = ['header:x-user', 'jwt:sub', 'event'];
    const find = async (request: IdentityRequest) => identity(sources, { ...none, verify }).identify(request);
    const good = jwt({ sub: 'ann' }, undefined, SECRET);
    expect(await find(ask(`/?token=${good}`, 'X-User', 'victim'))).toEqual(user('ann'));
    expect(await find(ask('/', 'X-User', 'victim'))).toEqual(claimed('victim'));
    expect(await find(ask('/'))).toEqual({ ...nobody, learn: 'claim' });
    // A proof that failed is the end of it.
    expect(await find(ask(`/?token=${jwt({ sub: 'ann' })}`, 'X-User', 'victim'))).toEqual(fault('invalid_token'));
  });
});
