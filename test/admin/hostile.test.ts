// The admin port against those who mean harm: without a token, with nearly the right one, with paths and names that no client of ours sends.
import { describe, expect, it } from 'vitest';
import type { AuditLine } from '../../src/admin/audit.ts';
import { createRate } from '../../src/admin/rate.ts';
import { createParts, createRoutes } from '../../src/admin/server.ts';
import { adminDeps, askHttp, type Served, serve, serveMounted, track } from './fixture.ts';
import { raw, statusOf } from './raw.ts';

const TOKEN = 'a-long-secret-token';
const OURS = { 'content-type': 'application/json', 'x-ackspan-request': '1' };
const WHY = JSON.stringify({ reason: 'because', filter: { user: 'ada' }, token: 'x' });
const deps = adminDeps();
const routes = createRoutes(deps, createParts(deps));
const guarded = routes.filter(({ open }) => !open).map(({ path }) => path.replace('{id}', 'd-1'));

/** A server with a token, one delivery, and what was audited. */
async function locked(): Promise<Served & { lines: AuditLine[] }> {
  const lines: AuditLine[] = [];
  const served = await serve({ token: TOKEN, audit: (line) => lines.push(line) });
  track(served.store, { seq: 1, id: 'e-1' });
  return { ...served, lines };
}

describe('without a token', () => {
  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'TRACE'])(
    '%s of whatever is guarded is 401, changes nothing and is not audited',
    async (method) => {
      const { get, lines } = await locked();
      for (const path of guarded) {
        const body = method === 'GET' || method === 'HEAD' || method === 'TRACE' ? undefined : WHY;
        const length = body === undefined ? {} : { 'content-length': String(body.length) };
        const headers: Record<string, string> = { ...OURS, ...length };
        const got = await get(path, { method, headers, ...(body === undefined ? {} : { body }) });
        expect([path, got.status]).toEqual([path, 401]);
        expect(got.text).not.toContain('e-1');
      }
      expect(lines).toEqual([]);
    },
  );

  it('the token is taken from nowhere but the Authorization header', async () => {
    const { get, post } = await locked();
    const places: Record<string, string>[] = [
      { cookie: `token=${TOKEN}; ackspan=${TOKEN}; ackspan_00000000=${TOKEN}` },
      { 'x-api-key': TOKEN, 'x-auth-token': TOKEN, 'x-ackspan-token': TOKEN },
      { authorization: `Basic ${Buffer.from(`admin:${TOKEN}`).toString('base64')}` },
      { 'proxy-authorization': `Bearer ${TOKEN}` },
      { 'sec-websocket-protocol': `bearer.${TOKEN}` },
    ];
    for (const headers of places) expect((await get('/api/v1/deliveries', { headers })).status).toBe(401);
    for (const name of ['token', 'access_token', 'ackspan_token'])
      expect((await get(`/api/v1/deliveries?${name}=${TOKEN}`)).status).toBe(401);
    expect((await post('/api/v1/deliveries/d-1/fail', { reason: 'x', token: TOKEN })).status).toBe(401);
  });

  it('what is open tells no secret: not who the users are, not what was sent, not the token', async () => {
    const { get } = await locked();
    for (const { path } of routes.filter(({ open, answer }) => open && answer !== undefined)) {
      const { text } = await get(path);
      for (const secret of [TOKEN, 'e-1', 'ada', 'session-ada']) expect(text).not.toContain(secret);
    }
  });
});

describe('with a wrong token', () => {
  it.each([
    ['another case', TOKEN.toUpperCase()],
    ['itself twice', `${TOKEN}${TOKEN}`],
    ['a list with it', `${TOKEN},${TOKEN}`],
    ['a second word', `${TOKEN} x`],
    ['quotes', `"${TOKEN}"`],
    ['a letter that looks alike', TOKEN.replace('o', 'ö')],
    ['nothing but a blank', ' '],
  ])('%s is 401', async (_, given) => {
    const { address } = await locked();
    const head = `GET /api/v1/stats HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer ${given}\r\n\r\n`;
    expect(statusOf(await raw(address.port, Buffer.from(head, 'latin1')))).toBe(401);
  });

  it('beside the right one it is not overruled: the first header counts', async () => {
    const { address } = await locked();
    const head = (first: string, second: string) =>
      `GET /api/v1/stats HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer ${first}\r\nAuthorization: Bearer ${second}\r\n\r\n`;
    expect(statusOf(await raw(address.port, head('wrong', TOKEN)))).toBe(401);
  });

  it('those who guess are remembered in a bounded table, and forgotten one by one', () => {
    const rate = createRate(2, 1);
    for (let n = 0; n < 5000; n++) rate.take(`10.0.${n >> 8}.${n & 255}`, 0);
    rate.take('10.0.19.135', 0);
    expect([rate.has('10.0.19.135', 0), rate.has('10.0.0.0', 0), rate.has('10.0.19.134', 0)]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('a guesser who sends bearer tokens is stopped by the same count as one at the log-in', async () => {
    const { get } = await locked();
    for (let n = 0; n < 20; n++)
      expect((await get('/api/v1/stats', { headers: { authorization: `Bearer guess-${n}` } })).status).toBe(401);
    const body = JSON.stringify({ token: TOKEN });
    expect((await get('/api/v1/login', { method: 'POST', headers: OURS, body })).status).toBe(401);
  });
});

describe('by another path', () => {
  it.each([
    '/api/v1/../../api/v1/stats',
    '/api/v1/%2e%2e/v1/stats',
    '//api/v1/stats',
    '/api/v1/stats/',
    '/api/v1/stats;a=b',
    '/API/v1/stats',
    '/api/v1/stats%00',
    '/api/v1/deliveries/%c0%ae%c0%ae/fail',
    '/api/v1/deliveries/%/fail',
    '/healthz/../api/v1/stats',
    '/page/%c0%ae%c0%ae%2fsecret.txt',
    '/page/．．/secret.txt',
  ])('%s is no way around the token, and with it no such resource', async (path) => {
    const { address } = await locked();
    const ask = (headers: string) =>
      raw(address.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${headers}\r\n`);
    expect([400, 401, 404]).toContain(statusOf(await ask('')));
    expect([400, 404]).toContain(statusOf(await ask(`Authorization: Bearer ${TOKEN}\r\n`)));
  });

  it('a whole URL as the target of the request is answered for this host or not at all', async () => {
    const { address } = await serve();
    const ask = (target: string, host: string) =>
      raw(address.port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(statusOf(await ask('http://evil.example/api/v1/stats', '127.0.0.1'))).not.toBe(200);
    expect(statusOf(await ask('http://127.0.0.1/api/v1/stats', 'evil.example'))).not.toBe(200);
  });

  it('the mount cannot be left upwards', async () => {
    const port = await serveMounted({ token: TOKEN });
    for (const path of ['/.ackspan/..', '/.ackspan/../.ackspan/api/v1/stats', '/.ackspan//api/v1/stats', '/.ackspan/.'])
      expect((await askHttp(port, path, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(404);
  });
});

describe('a rebound name', () => {
  it.each([
    '0',
    '0.0.0.0',
    '2130706433',
    '0x7f000001',
    '127.1',
    '017700000001',
    '[::]',
    '[::ffff:127.0.0.1]',
    'localhost.',
    'localhost:80@evil.example',
    '127.0.0.1.nip.io',
    'evil.example#localhost',
    '',
  ])('%j is none of ours', async (host) => {
    const { address } = await serve();
    const head = `GET /api/v1/stats HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    expect(statusOf(await raw(address.port, head))).toBe(421);
  });

  it('two Host headers, or none, are refused', async () => {
    const { address } = await serve();
    const two = 'GET /api/v1/stats HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    expect(statusOf(await raw(address.port, two))).not.toBe(200);
    expect(statusOf(await raw(address.port, 'GET /api/v1/stats HTTP/1.0\r\n\r\n'))).toBe(421);
  });

  it('is not helped by what proxies add', async () => {
    const { get } = await serve();
    const headers = { host: 'evil.example', 'x-forwarded-host': 'localhost', forwarded: 'host=localhost' };
    expect((await get('/api/v1/stats', { headers })).status).toBe(421);
    const behind = { ...headers, host: 'localhost', 'x-forwarded-host': 'evil.example' };
    expect((await get('/api/v1/stats', { headers: behind })).status).toBe(200);
  });
});

describe('changes by means of a browser', () => {
  it.each([
    ['a GET with the method in a parameter', '/api/v1/deliveries/d-1/fail?_method=POST', { method: 'GET' }, 405],
    [
      'a GET with the method in a header',
      '/api/v1/deliveries/d-1/fail',
      { method: 'GET', headers: { 'x-http-method-override': 'POST' } },
      405,
    ],
    [
      'a preflight',
      '/api/v1/deliveries/d-1/fail',
      { method: 'OPTIONS', headers: { origin: 'http://evil.example', 'access-control-request-method': 'POST' } },
      204,
    ],
    [
      'a form of parts',
      '/api/v1/deliveries/d-1/fail',
      { method: 'POST', headers: { ...OURS, 'content-type': 'multipart/form-data; boundary=a' } },
      415,
    ],
    [
      'JSON of another kind',
      '/api/v1/deliveries/d-1/fail',
      { method: 'POST', headers: { ...OURS, 'content-type': 'application/json-patch+json' } },
      415,
    ],
    [
      'an origin that only begins like ours',
      '/api/v1/deliveries/d-1/fail',
      { method: 'POST', headers: { ...OURS, origin: 'http://127.0.0.1.evil.example' } },
      403,
    ],
  ] as const)('%s changes nothing, and nothing is granted to other origins', async (_, path, options, status) => {
    const lines: AuditLine[] = [];
    const { get, store } = await serve({ audit: (line) => lines.push(line) });
    const delivery = track(store, { seq: 1 });
    const got = await get(path, { ...options, ...(options.method === 'POST' ? { body: WHY } : {}) });
    expect([got.status, delivery.status, lines]).toEqual([status, 'pending', []]);
    expect(Object.keys(got.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });
});

describe('line breaks in what is asked', () => {
  it.each([
    '/api/v1/stats?x=%0d%0aX-Evil:%201',
    '/api/v1/stream?last_event_id=%0d%0aX-Evil:%201',
    '/api/v1/deliveries/%0d%0aX-Evil:%201',
    '/api/v1/connections/%0aX-Evil:%201/messages',
    '/api/v1/deliveries?cursor=%0d%0aX-Evil:%201',
    '/%0d%0aX-Evil:%201',
    '/page/%0d%0aX-Evil:%201',
  ])('%s sets no header of the answer', async (path) => {
    const { get } = await serve({ watch: () => () => {} });
    const { headers } = await get(path, { headers: { 'last-event-id': 'a\tX-Evil: 1', origin: 'http://a X-Evil' } });
    expect(headers['x-evil']).toBeUndefined();
    const port = await serveMounted({ token: TOKEN });
    const mounted = await askHttp(port, `/.ackspan${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(mounted.headers['x-evil']).toBeUndefined();
  });

  it('in the head itself they are no request', async () => {
    const { address } = await serve();
    const text = await raw(
      address.port,
      'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: 1\rX-Evil: 1\r\nConnection: close\r\n\r\n',
    );
    expect(statusOf(text)).toBe(400);
  });
});
