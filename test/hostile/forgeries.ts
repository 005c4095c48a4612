// hostile: what a stranger, who may be `mallory` and nobody else, sends to be taken for another user.
import { createHmac, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import type { Chance } from '../support/chance.ts';

export const SECRET = 'the key of the hostile trial, of at least 32 characters';
export const VICTIMS: readonly string[] = ['ann', 'bob', 'carol', 'dave'];
export const STRANGER = 'mallory';
export const KEYS = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const FUTURE = 4_000_000_000;

/** What the wire carries of one upgrade. */
export interface Forgery {
  readonly url: string;
  readonly rawHeaders: readonly string[];
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export function hs256(claims: object, secret = SECRET, header: object = { alg: 'HS256', typ: 'JWT' }): string {
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

export function es256(claims: object, key = KEYS.privateKey): string {
  const signed = `${part({ alg: 'ES256', kid: 'k1' })}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(signed), {
    key: createPrivateKey(key.export({ type: 'pkcs8', format: 'pem' })),
    dsaEncoding: 'ieee-p1363',
  });
  return `${signed}.${signature.toString('base64url')}`;
}

/**
 * Tokens that a stranger can have: its own good ones, forged ones, old ones of the victims. Made
 * once; signing is slow.
 */
export const GOOD_TOKENS: readonly string[] = [
  hs256({ sub: STRANGER, exp: FUTURE }),
  es256({ sub: STRANGER, exp: FUTURE }),
];
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const publicPem = KEYS.publicKey.export({ type: 'spki', format: 'pem' }).toString();
export const BAD_TOKENS: readonly string[] = VICTIMS.flatMap((sub) => [
  hs256({ sub, exp: FUTURE }, 'a guess'),
  hs256({ sub, exp: FUTURE }, SECRET, { alg: 'none' }),
  `${part({ alg: 'none' })}.${part({ sub })}.`,
  hs256({ sub, exp: FUTURE }, publicPem),
  hs256({ sub, exp: 1 }),
  es256({ sub, exp: 1 }),
  es256({ sub, exp: FUTURE }, stranger.privateKey),
  `${hs256({ sub: STRANGER, exp: FUTURE }).split('.')[0]}.${part({ sub })}.${hs256({ sub: STRANGER, exp: FUTURE }).split('.')[2]}`,
]);

/** Spellings of a name that some reader may take for it. */
function spelled(chance: Chance, name: string): string {
  return chance.of<() => string>([
    () => name,
    () => name,
    () => ` ${name}\t`,
    () => `${name}\xc2\xa0`,
    () => `\xef\xbb\xbf${name}`,
    () => `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`,
    () => `"${name}"`,
    () => `${name}, ${STRANGER}`,
    () => `${STRANGER}, ${name}`,
    () => `${name}%00`,
    () => `${name}%20`,
    () => `+${name}`,
    () => name.toUpperCase(),
    () => `${name};${STRANGER}`,
    () => '',
  ])();
}

/**
 * A name in a header, a cookie or a parameter: the stranger's own, or a victim's in some spelling.
 */
function value(chance: Chance): string {
  return chance.between(0, 2) === 0 ? STRANGER : spelled(chance, chance.of(VICTIMS));
}

function token(chance: Chance): string {
  return chance.of(chance.between(0, 2) === 0 ? GOOD_TOKENS : BAD_TOKENS);
}

/** One or two lines or parameters of the same kind, in spellings that go around a filter. */
function several(chance: Chance, add: () => void): void {
  for (let n = chance.between(0, 2); n > 0; n--) add();
}

const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  'x-user': ['X-User', 'x-user', 'X_User', 'X-USER'],
  authorization: ['Authorization', 'authorization', 'AUTHORIZATION', 'Proxy-Authorization'],
  cookie: ['Cookie', 'cookie'],
};

/**
 * An upgrade that plays every game at once: nominated headers, duplicates, lists, encodings, tokens
 * in several places, our parameters.
 */
export function forge(chance: Chance): Forgery {
  const raw: string[] = ['Host', 'app.example'];
  const query: string[] = [];
  several(chance, () => raw.push(chance.of(SPELLINGS['x-user']!), value(chance)));
  several(chance, () => raw.push(chance.of(SPELLINGS.authorization!), `Bearer ${token(chance)}`));
  several(chance, () => raw.push(chance.of(SPELLINGS.cookie!), `a=1; uid=${value(chance)}; uid2=x`));
  if (chance.between(0, 3) === 0) raw.push('Cookie', `uid=${value(chance)}; uid=${value(chance)}`);
  // What some readers take for another cookie, parameter or credential, and others for a part of
  // one.
  if (chance.between(0, 3) === 0) raw.push('Cookie', `z=1, uid=${STRANGER}; UID=${STRANGER}; uid=${value(chance)}`);
  if (chance.between(0, 5) === 0) raw.push('Cookie', `z="; uid=${value(chance)}; y="; uid[]=${STRANGER}`);
  if (chance.between(0, 3) === 0) query.push(`x=1;user=${STRANGER}`);
  if (chance.between(0, 5) === 0) query.push(`user=${value(chance)}#`);
  if (chance.between(0, 5) === 0) raw.push('Authorization', 'Basic bWFsbG9yeTpzZWNyZXQ=');
  several(chance, () => query.push(`${chance.of(['user', '%75ser', 'us%65r', 'USER', 'user[]'])}=${value(chance)}`));
  several(chance, () => query.push(`${chance.of(['token', 'jwt', 'access_token', '%74oken'])}=${token(chance)}`));
  if (chance.between(0, 3) === 0)
    query.push(`ackspan=1&ackspan_token=${token(chance)}&ackspan_session=${value(chance)}`);
  if (chance.between(0, 3) === 0) raw.push('Sec-WebSocket-Protocol', `chat, jwt.${token(chance)}`);
  raw.push('X-Forwarded-User', value(chance), 'X-Forwarded-For', '127.0.0.1');
  const nominated = ['x-user', 'authorization', 'cookie', 'X-User', 'x_user', 'sec-websocket-protocol'];
  const connection = ['Upgrade', ...(chance.between(0, 1) === 0 ? [chance.of(nominated), chance.of(nominated)] : [])];
  raw.push('Connection', connection.join(chance.of([', ', ',', ' ,\t'])));
  if (chance.between(0, 3) === 0) raw.push('Connection', chance.of(nominated));
  const target = `/ws${query.length > 0 ? `?${query.join('&')}` : ''}`;
  return { url: chance.between(0, 5) === 0 ? `http://app.example${target}` : target, rawHeaders: raw };
}
