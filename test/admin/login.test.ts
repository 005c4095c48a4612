// The page's door: a log-in by cookie, what a foreign page cannot send, guessing, and a rebound name.
import { describe, expect, it } from 'vitest';
import { clientAddress, createPeerCheck } from '../../src/front/trusted-proxies.ts';
import { askHttp, serve, serveMounted } from './fixture.ts';

const TOKEN = 'a-long-secret-token';
const OURS = { 'content-type': 'application/json', 'x-ackspan-request': '1' };

type Get = Awaited<ReturnType<typeof serve>>['get'];

async function logIn(get: Get, token = TOKEN, headers: Record<string, string> = {}) {
  const body = JSON.stringify({ token });
  const got = await get('/api/v1/login', { method: 'POST', headers: { ...OURS, ...headers }, body });
  const set = got.headers['set-cookie']?.[0] ?? '';
  return { got, set, cookie: set.split(';')[0]! };
}

describe('log-in', () => {
  it('gives a cookie that no script reads, no other site sends, and that does not hold the token', async () => {
    const { get } = await serve({ token: TOKEN });
    const { got, set, cookie } = await logIn(get);
    expect([got.status, got.body]).toEqual([200, { logged_in: true }]);
    expect(set).toMatch(/^ackspan_[0-9a-f]{8}=[\w.-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=36000$/);
    expect(set).not.toContain(TOKEN);
    expect((await get('/api/v1/stats', { headers: { cookie } })).status).toBe(200);
    expect((await get('/api/v1/stats', { headers: { cookie: `other=1; ${cookie} ; more=2` } })).status).toBe(200);
  });

  it('is sent only over TLS where the browser came by TLS, and only below the mount', async () => {
    const port = await serveMounted({ token: TOKEN });
    const body = JSON.stringify({ token: TOKEN });
    const headers = { ...OURS, 'x-forwarded-proto': 'https' };
    const got = await askHttp(port, '/.ackspan/api/v1/login', { method: 'POST', headers, body });
    expect(got.headers['set-cookie']?.[0]).toMatch(/; Path=\/\.ackspan; .*; Secure$/);
  });

  it('refuses a cookie that was changed, cut, signed with another token, or has expired', async () => {
    let wall = 0;
    const { get } = await serve({ token: TOKEN, wallOf: (at) => at + wall });
    const other = await serve({ token: 'another-long-secret' });
    const { cookie } = await logIn(get);
    const foreign = (await logIn(other.get, 'another-long-secret')).cookie;
    const [name, value = ''] = cookie.split('=');
    const [ends, nonce, signature] = value.split('.');
    const later = (Number.parseInt(ends!, 36) + 1000).toString(36);
    const forged = [`${later}.${nonce}.${signature}`, `${ends}.${nonce}`, `${ends}.${nonce}.`, `${value}x`, '', TOKEN];
    for (const each of [...forged.map((one) => `${name}=${one}`), foreign, `${name}=${foreign.split('=')[1]}`])
      expect([each, (await get('/api/v1/stats', { headers: { cookie: each } })).status]).toEqual([each, 401]);
    wall = 10 * 3_600_000 - 1;
    expect((await get('/api/v1/stats', { headers: { cookie } })).status).toBe(200);
    wall += 1;
    expect((await get('/api/v1/stats', { headers: { cookie } })).status).toBe(401);
  });

  it('a log-out ends it for good, also for whoever has copied the cookie', async () => {
    const { get } = await serve({ token: TOKEN });
    const { cookie } = await logIn(get);
    const headers = { ...OURS, cookie };
    const out = await get('/api/v1/logout', { method: 'POST', headers, body: '{}' });
    expect(out.headers['set-cookie']?.[0]).toContain('Max-Age=0');
    expect((await get('/api/v1/stats', { headers: { cookie } })).status).toBe(401);
    expect((await get('/api/v1/stats', { headers: { cookie: (await logIn(get)).cookie } })).status).toBe(200);
  });

  it('a guesser is stopped after twenty wrong ones, and then the right one is refused alike', async () => {
    let now = 1_000_000;
    const { get } = await serve({ token: TOKEN, now: () => now });
    for (let n = 0; n < 20; n++) expect((await logIn(get, `guess-${n}`)).got.status).toBe(401);
    const { got, set } = await logIn(get);
    expect([got.status, set]).toEqual([401, '']);
    const bearer = await get('/api/v1/stats', { headers: { authorization: `Bearer ${TOKEN}` } });
    expect([bearer.status, bearer.headers['retry-after']]).toEqual([429, '3']);
    now += 3_000;
    expect((await logIn(get)).got.status).toBe(200);
  });

  describe('behind a proxy', () => {
    const isTrusted = createPeerCheck(['127.0.0.1']);
    const behind = { clientAddress: (peer: string, said: string | undefined) => clientAddress(peer, said, isTrusted) };
    const from = (address: string) => ({ 'x-forwarded-for': address });
    const guess = async (port: number, address: string, token: string) => {
      const headers = { ...OURS, ...from(address) };
      return askHttp(port, '/.ackspan/api/v1/login', { method: 'POST', headers, body: JSON.stringify({ token }) });
    };

    it('one guesser locks out itself, and nobody else', async () => {
      const port = await serveMounted({ token: TOKEN, ...behind });
      for (let n = 0; n < 25; n++) expect((await guess(port, '203.0.113.9', `guess-${n}`)).status).toBe(401);
      expect((await guess(port, '203.0.113.9', TOKEN)).status).toBe(401);
      expect((await guess(port, '203.0.113.10', TOKEN)).status).toBe(200);
      const stats = (address: string) =>
        askHttp(port, '/.ackspan/api/v1/stats', { headers: { authorization: `Bearer ${TOKEN}`, ...from(address) } });
      expect([(await stats('203.0.113.9')).status, (await stats('203.0.113.10')).status]).toEqual([429, 200]);
    });

    it.each([
      ['addresses that it makes up', (n: number) => `198.51.100.${n}, 203.0.113.9`],
      ['a proxy that it makes up', (n: number) => `198.51.100.${n}, 127.0.0.1, 203.0.113.9`],
      ['its ports', (n: number) => `203.0.113.9:${1000 + n}`],
      ['addresses of its own IPv6 network', (n: number) => `2001:db8:0:1::${n + 1}`],
      ['spellings of one address', (n: number) => ['2001:db8::1', '2001:0DB8::0001', '2001:db8:0:0:0:0:0:1'][n % 3]!],
    ])('a guesser does not get round it by %s', async (_name, said) => {
      const port = await serveMounted({ token: TOKEN, ...behind });
      for (let n = 0; n < 20; n++) await guess(port, said(n), `guess-${n}`);
      expect((await guess(port, said(21), TOKEN)).status).toBe(401);
    });

    it('a peer that is no trusted proxy is counted as itself, whatever it says', async () => {
      const nobody = (peer: string, said: string | undefined) => clientAddress(peer, said, createPeerCheck([]));
      const port = await serveMounted({ token: TOKEN, clientAddress: nobody });
      for (let n = 0; n < 20; n++) await guess(port, `203.0.113.${n}`, `guess-${n}`);
      expect((await guess(port, '203.0.113.99', TOKEN)).status).toBe(401);
    });
  });

  it.each([['{"token":1}'], ['{"token":""}'], ['{}'], ['[]'], ['null'], ['{"token":"a\\r\\nSet-Cookie: b=c"}']])(
    'the body %s is 400, and nothing of it comes back',
    async (body) => {
      const { get } = await serve({ token: TOKEN });
      const got = await get('/api/v1/login', { method: 'POST', headers: OURS, body });
      expect([got.status, got.headers['set-cookie']]).toEqual([400, undefined]);
      expect(got.text).not.toContain('b=c');
    },
  );
});

describe('a page of another origin', () => {
  const fail = { method: 'POST', body: '{"reason":"because"}' };

  it.each([
    ['a form', { 'content-type': 'text/plain' }, 403],
    ['a request without our header', { 'content-type': 'application/json' }, 403],
    ['a form with our header', { ...OURS, 'content-type': 'text/plain' }, 415],
    ['a script of another origin', { ...OURS, origin: 'http://evil.example' }, 403],
    ['a sandboxed frame', { ...OURS, origin: 'null' }, 403],
    ['another port of this host', { ...OURS, origin: 'http://127.0.0.1:1' }, 403],
    ['another site, as the browser says', { ...OURS, 'sec-fetch-site': 'cross-site' }, 403],
    ['a sister domain, as the browser says', { ...OURS, 'sec-fetch-site': 'same-site' }, 403],
  ])('%s changes nothing, with or without a log-in', async (_, headers, status) => {
    const open = await serve();
    expect((await open.get('/api/v1/deliveries/d-1/fail', { ...fail, headers })).status).toBe(status);
    const locked = await serve({ token: TOKEN });
    const { cookie } = await logIn(locked.get);
    const got = await locked.get('/api/v1/deliveries/d-1/fail', { ...fail, headers: { ...headers, cookie } });
    expect(got.status).toBe(status);
  });

  it('our own page may: the same request from this origin reaches the delivery', async () => {
    const { get, address } = await serve();
    const headers = { ...OURS, origin: `http://127.0.0.1:${address.port}`, 'sec-fetch-site': 'same-origin' };
    expect((await get('/api/v1/deliveries/d-1/fail', { ...fail, headers })).status).toBe(404);
  });

  it('it cannot read either, and a foreign log-out or log-in does nothing', async () => {
    const { get } = await serve({ token: TOKEN });
    const { cookie } = await logIn(get);
    const evil = { cookie, origin: 'http://evil.example' };
    expect((await get('/api/v1/deliveries', { headers: evil })).status).toBe(403);
    expect((await get('/api/v1/stream', { headers: { cookie, 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
    const out = await get('/api/v1/logout', { method: 'POST', headers: { ...OURS, ...evil }, body: '{}' });
    expect([out.status, out.headers['set-cookie']]).toEqual([403, undefined]);
    expect((await logIn(get, TOKEN, { origin: 'http://evil.example' })).set).toBe('');
    expect((await get('/api/v1/stats', { headers: { cookie } })).status).toBe(200);
  });

  it('that rebound its name to loopback gets neither the page nor a change', async () => {
    const { get } = await serve();
    const host = 'evil.example:9464';
    for (const path of ['/', '/page/icon.svg', '/api/v1/about', '/api/v1/stream', '/metrics', '/healthz'])
      expect([path, (await get(path, { headers: { host } })).status]).toEqual([path, 421]);
    const headers = { ...OURS, host, origin: 'http://evil.example:9464' };
    expect((await get('/api/v1/deliveries/d-1/fail', { ...fail, headers })).status).toBe(421);
  });
});

describe('too much', () => {
  it('an address that asks more than a page does is slowed down, and health is not', async () => {
    const { get } = await serve();
    const statuses = await Promise.all(Array.from({ length: 420 }, async () => (await get('/api/v1/about')).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(400);
    expect(statuses.filter((status) => status === 429)).toHaveLength(20);
    expect((await get('/healthz')).status).toBe(200);
  });

  it('long addresses, many parameters and long bodies are refused without being read', async () => {
    const { get, faults } = await serve();
    expect((await get(`/api/v1/deliveries?q=${'x'.repeat(8_192)}`)).status).toBe(414);
    const many = await get(`/api/v1/deliveries?${'type=a&'.repeat(65)}`);
    expect([many.status, many.body.errors.map(({ parameter }) => parameter)]).toEqual([400, ['query']]);
    const body = JSON.stringify({ reason: 'x'.repeat(17_000) });
    const long = await get('/api/v1/deliveries/d-1/fail', { method: 'POST', headers: OURS, body });
    expect([long.status, long.headers.connection]).toEqual([413, 'close']);
    expect(faults).toEqual([]);
  });

  it('the head of an answer cannot be written by what was asked for', async () => {
    const { get } = await serve({ token: TOKEN });
    const bearer = { authorization: `Bearer ${TOKEN}` };
    const break_ = '%0d%0aSet-Cookie:%20a=b%0d%0a%0d%0a<script>';
    for (const path of [`/${break_}`, `/page/${break_}`, `/api/v1/deliveries/${break_}`, `/api/v1/stats?${break_}=1`]) {
      const got = await get(path, { headers: bearer });
      expect([400, 404]).toContain(got.status);
      expect(got.headers['set-cookie']).toBeUndefined();
      expect(got.text).not.toContain('<script>');
      expect(got.headers['content-type']).toBe('application/problem+json');
    }
    const port = await serveMounted({ token: TOKEN });
    expect((await askHttp(port, '/.ackspan')).headers.location).toBe('/.ackspan/');
  });
});
