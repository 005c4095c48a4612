// Who a connection belongs to, over real sockets: honest and hostile clients, tokens in every place, keys and a key server, limits per user.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import type { ClientOptions } from 'ws';
import { atEnd, closeAll, rawClient } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { asking, optIn } from '../support/opted-in.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import {
  expectHealthyLog,
  type SidecarOptions,
  type SidecarProcess,
  startSidecar,
} from '../support/sidecar-process.ts';
import { confirmation, event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const SECRET = 'a secret of this test and of at least 32 characters';
const RULES = [{ match: 'patient', confirm: 'processed', timeout: '60s', attempts: [] }];

/**
 * A token whose backend is the only one that could verify it, unless `secret` is the sidecar's key
 * too.
 */
function token(
  user: string,
  secret = 'known to the backend only, as it should be',
  claims: object = {},
): Promise<string> {
  return new SignJWT({ sub: user, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secret));
}

/** The places where a client can put a token. */
const PLACES: readonly [
  string,
  (token: string) => { query?: string; options?: ClientOptions; protocols?: string[] },
][] = [
  ['Authorization', (jwt) => ({ options: { headers: { Authorization: `Bearer ${jwt}` } } })],
  ['subprotocol', (jwt) => ({ protocols: ['chat', `jwt.${jwt}`] })],
  ['subprotocol, base64url', (jwt) => ({ protocols: ['chat', `jwt.${Buffer.from(jwt).toString('base64url')}`] })],
  ['query', (jwt) => ({ query: `?token=${jwt}` })],
];

function openWith(sidecar: SidecarProcess, place: ReturnType<(typeof PLACES)[0][1]>) {
  return openClient(`${sidecar.ws}/ws${place.query ?? ''}`, place.options, place.protocols);
}

/** The backend of these tests stands for one that refuses every token that is not good. */
const TRUSTING = { user: 'jwt:sub', trust: 'upstream', jwt_from: 'authorization, subprotocol, query' };
/** Only tokens that the sidecar verifies itself prove anything. */
const VERIFYING = { ...TRUSTING, trust: 'none' };

async function start(
  config: { identity?: object; limits?: object; events?: object; sessions?: object; log_level?: string } = {},
  env: SidecarOptions['env'] = {},
) {
  const backend = await startWsBackend();
  const sidecar = await startSidecar({
    upstream: backend.address,
    config: { events: { rules: RULES }, ...config, identity: { ...TRUSTING, ...config.identity } },
    env,
  });
  return { backend, sidecar };
}

/** The users of the open connections, oldest first. */
async function users(sidecar: SidecarProcess): Promise<(string | null)[]> {
  return (await views(sidecar)).map(({ user }) => user);
}

async function views(sidecar: SidecarProcess, query = '') {
  const response = await fetch(`${sidecar.admin}/api/v1/connections${query}`);
  const { connections } = (await response.json()) as {
    connections: { user: string | null; claimed_user: string | null }[];
  };
  return connections.map(({ user, claimed_user }) => ({ user, claimed_user })).reverse();
}

async function deliveriesOf(sidecar: SidecarProcess, user: string, by = 'user'): Promise<string[]> {
  const response = await fetch(`${sidecar.admin}/api/v1/deliveries?${by}=${encodeURIComponent(user)}`);
  const { deliveries } = (await response.json()) as { deliveries: { event_id: string }[] };
  return deliveries.map(({ event_id }) => event_id).sort();
}

describe('[D6] confirmations', () => {
  it('of a user count for that user only, over whichever of the user’s connections they come', async () => {
    const { backend, sidecar } = await start();
    const ann = await openWith(sidecar, { query: `?token=${await token('ann')}` });
    const toAnn = await backend.peer(0);
    const annToo = await openWith(sidecar, { query: `?access_token=${await token('ann')}` });
    const bob = await openWith(sidecar, { query: `?token=${await token('bob')}` });
    const toBob = await backend.peer(2);
    const nobody = await openWith(sidecar, {});
    await backend.peer(3);
    for (const id of ['a1', 'a2', 'a3']) tell(toAnn, event(id, 'patient'));
    tell(toBob, event('b1', 'patient'));
    await sidecar.reach({ tracked: 4, pending: 4 });
    expect(await deliveriesOf(sidecar, 'ann')).toEqual(['a1', 'a2', 'a3']);
    expect(await deliveriesOf(sidecar, 'bob')).toEqual(['b1']);
    expect(await deliveriesOf(sidecar, 'carol')).toEqual([]);

    // Hostile: confirming and rejecting what is another's, with its id known, and saying that one
    // is the other.
    for (const hostile of [bob, nobody]) {
      tell(hostile, confirmation('a1'));
      tell(hostile, confirmation('a1', { status: 'failed', error: 'not mine to say' }));
      tell(hostile, confirmation('a1', { user_id: 'ann', user: 'ann', sub: 'ann' }));
    }
    await eventually(async () =>
      expect(await sidecar.sum('ackspan_confirmation_unmatched_total', { reason: 'foreign' })).toBe(6),
    );
    await sidecar.reach({ tracked: 4, pending: 4 });

    tell(annToo, confirmation('a1'));
    tell(annToo, confirmation('a2', { status: 'failed', error: 'could not draw it' }));
    tell(ann, confirmation('a3'));
    tell(bob, confirmation('b1'));
    await sidecar.reach({ confirmed: 3, failed: 1, pending: 0 });
    expect(await sidecar.sum('ackspan_confirmation_unmatched_total')).toBe(6);
    expectHealthyLog(sidecar);
  });

  it('follow the user that an event names, and no event makes a known user another', async () => {
    const { backend, sidecar } = await start({ identity: { user: 'jwt:sub, event' } });
    const ann = await openWith(sidecar, { query: `?token=${await token('ann')}` });
    const toAnn = await backend.peer(0);
    await openWith(sidecar, {});
    const toStranger = await backend.peer(1);
    tell(toStranger, event('s1', 'patient'));
    tell(toStranger, event('s2', 'patient', { user_id: 'ann' }));
    tell(toStranger, event('s3', 'patient', { user_id: 'bob' }));
    tell(toAnn, event('a1', 'patient', { user_id: 'bob' }));
    await sidecar.reach({ tracked: 4, pending: 4 });
    expect(await users(sidecar)).toEqual(['ann', 'ann']);
    expect(await deliveriesOf(sidecar, 'ann')).toEqual(['a1', 's1', 's2', 's3']);
    expect(await deliveriesOf(sidecar, 'bob')).toEqual([]);
    for (const id of ['s1', 's2', 's3', 'a1']) tell(ann, confirmation(id));
    await sidecar.reach({ confirmed: 4, pending: 0 });
    expectHealthyLog(sidecar);
  });
});

describe('[D19] what nobody has verified', () => {
  /** Says who it is in every way that there is. */
  const asAnn = async (): Promise<ReturnType<(typeof PLACES)[0][1]>> => ({
    query: `?token=${await token('ann')}&user=ann`,
    options: { headers: { Authorization: `Bearer ${await token('ann')}`, 'X-User': 'ann', Cookie: 'uid=ann' } },
  });

  it('by default nobody has a user, whatever a client says', async () => {
    const backend = await startWsBackend();
    const sidecar = await startSidecar({ upstream: backend.address });
    await openWith(sidecar, await asAnn());
    expect(await views(sidecar)).toEqual([{ user: null, claimed_user: null }]);
    expectHealthyLog(sidecar);
  });

  it.each(['jwt:sub', 'header:x-user', 'cookie:uid', 'query:user', 'event'])(
    '%s without trust is a claim: found by a search, and good for nothing else',
    async (user) => {
      const { backend, sidecar } = await start({
        identity: { user, trust: 'none' },
        limits: { connections_per_user: 1, pending_per_user: 100 },
      });
      const clients = [await openWith(sidecar, await asAnn()), await openWith(sidecar, await asAnn())];
      const [first, second] = [await backend.peer(0), await backend.peer(1)];
      tell(first, event('e1', 'patient', { user_id: 'ann' }));
      tell(second, event('e2', 'patient', { user_id: 'ann' }));
      await sidecar.reach({ tracked: 2, pending: 2 });
      const claims = { user: null, claimed_user: 'ann' };
      expect(await views(sidecar)).toEqual([claims, claims]);
      expect(await views(sidecar, '?claimed_user=ann')).toHaveLength(2);
      expect(await views(sidecar, '?claimed_user=bob')).toEqual([]);
      expect(await views(sidecar, '?user=ann')).toEqual([]);
      expect(await deliveriesOf(sidecar, 'ann')).toEqual([]);
      expect(await deliveriesOf(sidecar, 'ann', 'claimed_user')).toEqual(['e1', 'e2']);
      tell(clients[1]!, confirmation('e1'));
      tell(clients[1]!, confirmation('e1', { status: 'failed', error: 'said the stranger' }));
      tell(clients[1]!, confirmation('e2'));
      await sidecar.reach({ confirmed: 1, failed: 0, pending: 1 });
      expect(await sidecar.sum('ackspan_confirmation_unmatched_total', { reason: 'foreign' })).toBe(2);
      expectHealthyLog(sidecar);
    },
  );

  it.each([
    ['header:x-user', 'X-User'],
    ['jwt:sub', 'Authorization'],
    ['cookie:uid', 'Cookie'],
  ])('%s: a header that Connection nominates never reaches the backend, so it proves nothing', async (user, name) => {
    const { backend, sidecar } = await start({ identity: { user, jwt_from: 'authorization' } });
    const { headers } = (await asAnn()).options!;
    const lines = Object.entries(headers!).map(([key, value]) => `${key}: ${value}\r\n`);
    const client = rawClient(Number(new URL(sidecar.ws).port));
    client.send(
      `GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade, ${name}\r\n${lines.join('')}` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    expect((await backend.peer(0)).request.headers[name.toLowerCase()]).toBeUndefined();
    await openWith(sidecar, { options: { headers: { ...headers } } });
    const nobody = { user: null, claimed_user: null };
    expect(await views(sidecar)).toEqual([nobody, { user: 'ann', claimed_user: null }]);
    expectHealthyLog(sidecar);
  });

  it('a parameter of ours never reaches the backend either', async () => {
    const { backend, sidecar } = await start({ identity: { user: 'query:ackspan_token' } });
    await openWith(sidecar, { query: '?a=1&ackspan_token=ann' });
    expect((await backend.peer(0)).request.url).toBe('/ws?a=1');
    expect(await users(sidecar)).toEqual([null]);
    expectHealthyLog(sidecar);
  });
});

describe('tokens', () => {
  it.each(PLACES)('%s: decoded, passed on untouched, and never shown', async (_, place) => {
    const receiver = await startOtlpReceiver();
    atEnd(() => receiver.close());
    const { backend, sidecar } = await start(
      { log_level: 'trace' },
      { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_BSP_SCHEDULE_DELAY: '100' },
    );
    const jwt = await token('ann');
    const client = await openWith(sidecar, place(jwt));
    const peer = await backend.peer(0);
    const { url, headers } = peer.request;
    expect(JSON.stringify([url, headers])).toContain(place(jwt).protocols?.[1] ?? jwt);
    tell(peer, event('e1', 'patient'));
    await sidecar.reach({ tracked: 1, pending: 1 });
    tell(client, confirmation('e1'));
    await sidecar.reach({ confirmed: 1 });
    expect(await users(sidecar)).toEqual(['ann']);
    expect(await deliveriesOf(sidecar, 'ann')).toEqual(['e1']);
    client.socket.close(1000);
    await receiver.waitFor(({ spans }) => spans.length >= 2);

    const paths = ['connections', 'deliveries', 'stats'].map((name) => `/api/v1/${name}`);
    const answers = await Promise.all(
      [...paths, '/metrics', '/health'].map(async (path) => (await fetch(sidecar.admin + path)).text()),
    );
    const shown = [
      ...answers,
      inspect([receiver.spans, receiver.metrics, receiver.logs, sidecar.lines], {
        depth: null,
        maxStringLength: null,
        maxArrayLength: null,
      }),
    ];
    const [header, claims, signature] = jwt.split('.') as [string, string, string];
    const wrapped = Buffer.from(jwt).toString('base64url');
    for (const text of shown) for (const part of [header, claims, signature, wrapped]) expect(text).not.toContain(part);
    // The user is known to the API, which is what it is for; spans, metrics and logs have no name.
    expect(shown.at(-1)).not.toMatch(/['"]ann['"]/);
    expect(answers[3]).not.toContain('"ann"');
    expectHealthyLog(sidecar);
  });

  it('two that contradict each other name nobody, and the connection opens all the same', async () => {
    const { backend, sidecar } = await start({ identity: { user: 'jwt:sub, query:user' } });
    const [ann, bob] = [await token('ann'), await token('bob')];
    await openWith(sidecar, {
      query: `?token=${ann}&user=carol`,
      options: { headers: { Authorization: `Bearer ${bob}` } },
    });
    await openWith(sidecar, { query: `?token=${ann}`, options: { headers: { Authorization: `Bearer ${ann}` } } });
    await openWith(sidecar, { query: '?user=carol&user=dave' });
    await backend.peer(2);
    expect(await users(sidecar)).toEqual([null, 'ann', null]);
    expect(await sidecar.sum('ackspan_identity_requests_total', { result: 'ambiguous' })).toBe(2);
    expectHealthyLog(sidecar);
  });

  it('that the backend refuses open nothing: its own answer comes through', async () => {
    const backend = await startWsBackend();
    backend.server.options.verifyClient = (_: unknown, answer: (ok: boolean, code: number) => void) =>
      answer(false, 401);
    const sidecar = await startSidecar({ upstream: backend.address, config: { identity: TRUSTING } });
    await expect(openWith(sidecar, { query: `?token=${await token('ann')}` })).rejects.toThrow('401');
    expect(await users(sidecar)).toEqual([]);
    expectHealthyLog(sidecar);
  });
});

describe('verified tokens', () => {
  it.each(PLACES)('%s: with a key, the right signature names the user and every other nobody', async (_, place) => {
    const { backend, sidecar } = await start({ identity: { ...VERIFYING, jwt_key: SECRET, jwt_issuer: 'here' } });
    const right = { iss: 'here' };
    const tokens = [
      await token('ann', SECRET, right),
      await token('ann', 'another secret, also of 32 characters and more', right),
      await token('ann', SECRET, { iss: 'elsewhere' }),
      await new SignJWT({ sub: 'ann', ...right })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime(1)
        .sign(new TextEncoder().encode(SECRET)),
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"ann"}').toString('base64url')}.`,
    ];
    for (const jwt of tokens) await openWith(sidecar, place(jwt));
    await backend.peer(tokens.length - 1);
    expect(await users(sidecar)).toEqual(['ann', null, null, null, null]);
    const results = ['identified', 'invalid_token', 'expired', 'unavailable'].map((result) =>
      sidecar.sum('ackspan_identity_requests_total', { result }),
    );
    expect(await Promise.all(results)).toEqual([1, 3, 1, 0]);
    const said = JSON.stringify(sidecar.lines);
    for (const secret of [SECRET, ...tokens.flatMap((jwt) => jwt.split('.').filter((part) => part.length > 10))])
      expect(said).not.toContain(secret);
    expectHealthyLog(sidecar);
  });

  it('with a key server: its keys count; while it is down or hangs, connections open without a user', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] });
    let mode: 'down' | 'hangs' | 'up' = 'down';
    const server = createServer((_request, response) => {
      if (mode === 'up') response.end(jwks);
      else if (mode === 'down') response.writeHead(500).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    atEnd(() => {
      server.closeAllConnections();
      server.close();
    });
    const jwks_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
    const signed = (user: string) =>
      new SignJWT({ sub: user })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
        .setExpirationTime('1h')
        .sign(privateKey);
    const identity = { ...VERIFYING, jwks_url, timeout: '300ms' };

    const troubled = await start({ identity });
    const first = await openWith(troubled.sidecar, { query: `?token=${await signed('ann')}` });
    tell(await troubled.backend.peer(0), event('e1', 'patient'));
    await eventually(() => expect(first.texts).toHaveLength(1));
    expect(await users(troubled.sidecar)).toEqual([null]);
    await troubled.sidecar.line(({ stage }) => stage === 'identity');

    mode = 'hangs';
    const waiting = await start({ identity });
    await openWith(waiting.sidecar, { query: `?token=${await signed('ann')}` });
    expect(await users(waiting.sidecar)).toEqual([null]);
    for (const { sidecar } of [troubled, waiting])
      expect(await sidecar.sum('ackspan_identity_requests_total', { result: 'unavailable' })).toBe(1);

    mode = 'up';
    const healthy = await start({ identity });
    await openWith(healthy.sidecar, { query: `?token=${await signed('ann')}` });
    await openWith(healthy.sidecar, { query: `?token=${await token('ann', SECRET)}` });
    await healthy.backend.peer(1);
    expect(await users(healthy.sidecar)).toEqual(['ann', null]);
    for (const { sidecar } of [troubled, waiting, healthy]) expectHealthyLog(sidecar);
  });
});

describe('a key server that has changed its keys', () => {
  /** Serves the public halves of the keys that are valid now. */
  async function serveKeys() {
    const pairs = new Map<string, Awaited<ReturnType<typeof generateKeyPair>>>();
    const served = { kids: ['k1'], fetches: 0, hangs: false, hung: [] as (() => void)[] };
    for (const kid of ['k1', 'k2', 'never']) pairs.set(kid, await generateKeyPair('ES256', { extractable: true }));
    const server = createServer(async (_request, response) => {
      served.fetches++;
      if (served.hangs) await new Promise<void>((resolve) => served.hung.push(resolve));
      const keys = served.kids.map(async (kid) => ({
        ...(await exportJWK(pairs.get(kid)!.publicKey)),
        kid,
        alg: 'ES256',
      }));
      response.end(JSON.stringify({ keys: await Promise.all(keys) }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    atEnd(() => {
      server.closeAllConnections();
      server.close();
    });
    const signed = (sub: string, key: string, kid = key): Promise<string> =>
      new SignJWT({ sub })
        .setProtectedHeader({ alg: 'ES256', kid })
        .setExpirationTime('1h')
        .sign(pairs.get(key)!.privateKey);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
    return { served, signed, url };
  }

  it('[D19] names the first client that has a token of the new key, before it can confirm; key ids that are made up cost it little', async () => {
    const { served, signed, url } = await serveKeys();
    const { backend, sidecar } = await start({
      identity: { ...VERIFYING, jwks_url: url, timeout: '5s' },
      events: { rules: [{ match: 'patient', confirm: 'processed', timeout: '60s', attempts: [] }] },
    });
    await openWith(sidecar, { query: `?token=${await signed('ann', 'k1')}` });
    served.kids = ['k2'];
    const bob = { query: `?token=${await signed('bob', 'k2')}` };
    const both = await Promise.all([openWith(sidecar, bob), openWith(sidecar, bob)]);
    expect(await users(sidecar)).toEqual(['ann', 'bob', 'bob']);
    tell(await backend.peer(1), event('e1', 'patient'));
    const other = await eventually(() => {
      expect(both.flatMap(({ texts }) => texts)).toHaveLength(1);
      return both.find(({ texts }) => texts.length === 0)!;
    });
    // Only the user makes this count: the event went to the other connection.
    tell(other, confirmation('e1'));
    await sidecar.reach({ tracked: 1, confirmed: 1 });
    expect(served.fetches).toBe(2);

    const made = await Promise.all(Array.from({ length: 60 }, (_, n) => signed('bob', 'never', `made up ${n}`)));
    await Promise.all(made.map((jwt) => openWith(sidecar, { query: `?token=${jwt}` })));
    expect(served.fetches).toBeLessThanOrEqual(4);
    expect(await sidecar.sum('ackspan_identity_requests_total', { result: 'invalid_token' })).toBe(60);
    expectHealthyLog(sidecar);
  });

  it('[R7] costs no session while it hangs: that of a client with its token waits for the answer', async () => {
    const { served, signed, url } = await serveKeys();
    const { backend, sidecar } = await start({
      identity: { ...VERIFYING, jwks_url: url, timeout: '60s' },
      sessions: { ttl: '1s' },
    });
    const query = (jwt: string) => `ackspan=1&token=${jwt}`;
    const [ann, cleo] = [
      await optIn(`${sidecar.ws}/ws`, query(await signed('ann', 'k1'))),
      await optIn(`${sidecar.ws}/ws`, query(await signed('cleo', 'k1'))),
    ];
    served.hangs = true;
    ann.socket.terminate();
    await eventually(async () => expect(await sidecar.sum('ackspan_session_waiting')).toBe(1));
    const back = optIn(`${sidecar.ws}/ws`, `${asking(ann.welcome, 0)}&token=${await signed('ann', 'k2')}`);
    await eventually(() => expect(served.fetches).toBe(2));
    tell(await backend.peer(0), event('while-away', 'patient'));
    // Her time is up when the time of one is up who leaves later and stays away.
    cleo.socket.terminate();
    await eventually(async () =>
      expect(await sidecar.sum('ackspan_session_ended_total', { reason: 'expired' })).toBe(1),
    );
    served.kids = ['k2'];
    for (const go of served.hung) go();
    const { welcome, frames } = await back;
    expect(welcome).toMatchObject({ session: ann.welcome.session, recovered: true });
    expect((await frames(2)).join()).toContain('while-away');
    expectHealthyLog(sidecar);
  });

  it('keeps nobody waiting whose key is known while it hangs', async () => {
    const { served, signed, url } = await serveKeys();
    const { sidecar } = await start({ identity: { ...VERIFYING, jwks_url: url, timeout: '10s' } });
    await openWith(sidecar, { query: `?token=${await signed('ann', 'k1')}` });
    served.hangs = true;
    const waiting = openWith(sidecar, { query: `?token=${await signed('bob', 'k2')}` });
    await eventually(() => expect(served.fetches).toBe(2));
    await openWith(sidecar, { query: `?token=${await signed('cleo', 'k1')}` });
    expect(await users(sidecar)).toEqual(['ann', 'cleo']);
    served.kids = ['k2'];
    for (const go of served.hung) go();
    await waiting;
    expect(await users(sidecar)).toEqual(['ann', 'cleo', 'bob']);
    expectHealthyLog(sidecar);
  });
});

describe('[D7] limits per user', () => {
  it('connections: 429 for the user who has enough, while others get in, and a place is given again', async () => {
    const { sidecar } = await start({ limits: { connections_per_user: 2 } });
    const ann = { query: `?token=${await token('ann')}` };
    const first = await openWith(sidecar, ann);
    await openWith(sidecar, ann);
    for (let n = 0; n < 3; n++) await expect(openWith(sidecar, ann)).rejects.toThrow('429');
    await openWith(sidecar, { query: `?token=${await token('bob')}` });
    for (let n = 0; n < 3; n++) await openWith(sidecar, {});
    expect(await users(sidecar)).toEqual(['ann', 'ann', 'bob', null, null, null]);
    expect(await sidecar.sum('ackspan_connection_rejected_total', { reason: 'connections_per_user' })).toBe(3);
    await sidecar.line(({ err }) => JSON.stringify(err ?? '').includes('limits.connections_per_user'));
    first.socket.close(1000);
    await eventually(async () => expect(await users(sidecar)).toHaveLength(5));
    await openWith(sidecar, ann);
    expectHealthyLog(sidecar);
  });

  it('pending: only the greedy user’s events pass untracked, over all of the user’s connections', async () => {
    const rules = [{ match: 'patient', priority: 'critical', confirm: 'processed', timeout: '60s', attempts: [] }];
    const { backend, sidecar } = await start({ events: { rules }, limits: { pending_per_user: 10 } });
    const greedy = { query: `?token=${await token('greedy')}` };
    const clients = [await openWith(sidecar, greedy), await openWith(sidecar, greedy)];
    const modest = await openWith(sidecar, { query: `?token=${await token('modest')}` });
    for (let n = 0; n < 40; n++) tell(await backend.peer(n % 2), event(`g${n}`, 'patient'));
    await sidecar.reach({ tracked: 10, pending: 10, shed: 30 });
    for (let n = 0; n < 10; n++) tell(await backend.peer(2), event(`m${n}`, 'patient'));
    await sidecar.reach({ tracked: 20, pending: 20, shed: 30 });
    await eventually(() => expect([...clients, modest].map(({ texts }) => texts.length)).toEqual([20, 20, 10]));
    expect(await deliveriesOf(sidecar, 'modest')).toHaveLength(10);
    expect(await deliveriesOf(sidecar, 'greedy')).toHaveLength(10);
    for (let n = 0; n < 10; n++) tell(modest, confirmation(`m${n}`));
    await sidecar.reach({ confirmed: 10, pending: 10, shed: 30 });
    expect(await sidecar.sum('ackspan_delivery_shed_total', { reason: 'pending_per_user' })).toBe(30);
    expectHealthyLog(sidecar);
  });

  it('retained bytes: a greedy user’s messages are not kept, others’ are', async () => {
    const { backend, sidecar } = await start({ limits: { retained_bytes_per_user: '4KiB' } });
    const optIn = async (user: string) => openWith(sidecar, { query: `?ackspan=1&token=${await token(user)}` });
    const clients = [await optIn('greedy'), await optIn('greedy'), await optIn('modest')];
    const text = 'x'.repeat(900);
    for (let n = 0; n < 20; n++) tell(await backend.peer(n % 2), event(`g${n}`, 'patient', { text }));
    await sidecar.reach({ tracked: 20, pending: 20 });
    const refused = { reason: 'retained_per_user' };
    const before = await sidecar.sum('ackspan_retained_refused_total', refused);
    expect(before).toBeGreaterThanOrEqual(16);
    tell(await backend.peer(2), event('m1', 'patient', { text }));
    await sidecar.reach({ tracked: 21, pending: 21 });
    expect(await sidecar.sum('ackspan_retained_refused_total', refused)).toBe(before);
    // The welcome comes first; what is not kept is sent all the same.
    await eventually(() => expect(clients.map(({ texts }) => texts.length)).toEqual([11, 11, 2]));
    await sidecar.line(({ err }) => JSON.stringify(err ?? '').includes('retained_bytes'));
    for (const { socket } of clients) socket.close(1000);
    await sidecar.reach({ pending: 0 });
    expect(await sidecar.sum('ackspan_retained_bytes')).toBe(0);
    expectHealthyLog(sidecar);
  });
});
