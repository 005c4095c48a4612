// Who may ask: tokens, loopback names, the mount on the public port; and the head that every answer carries.
import { describe, expect, it } from 'vitest';
import { createParts, createRoutes } from '../../src/admin/server.ts';
import { adminDeps, askHttp, serve, serveMounted } from './fixture.ts';

const TOKEN = 'a-long-secret-token';
const bearer = { authorization: `Bearer ${TOKEN}` };
const deps = adminDeps();
const routes = createRoutes(deps, createParts(deps)).map((route) => ({
  ...route,
  path: route.path.replace('{id}', 'd-1'),
}));
const read = routes.filter(({ answer }) => answer !== undefined);
const guarded = read.filter(({ open }) => !open).map(({ path }) => path);
const healthy = read.filter(({ open, page }) => open && page !== true).map(({ path }) => path);

describe('token', () => {
  it.each(guarded)('%s refuses a missing, wrong, longer, shorter or oddly sent token', async (path) => {
    const { get } = await serve({ token: TOKEN });
    const wrong = ['', 'Bearer', 'Bearer x', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `Basic ${TOKEN}`, TOKEN];
    for (const authorization of wrong) {
      const { status, headers, text } = await get(path, { headers: { authorization } });
      expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer realm="ackspan"']);
      expect(text).not.toContain(TOKEN);
    }
    expect((await get(`${path}?token=${TOKEN}`)).status).toBe(401);
  });

  it.each(guarded)('%s opens for the token, whatever the Host header says', async (path) => {
    const { get } = await serve({ token: TOKEN });
    const got = await get(path, { headers: { ...bearer, host: 'admin.example' } });
    expect(got.status).toBe(/d-1|stream|sessions|unmatched|dead-letters|drain/.test(path) ? 404 : 200);
    expect((await get(path, { headers: { authorization: `bearer  ${TOKEN}` } })).status).toBe(got.status);
  });

  it.each(healthy)('%s needs no token', async (path) => {
    const { get } = await serve({ token: TOKEN });
    expect((await get(path)).status).toBe(200);
  });

  it('does not tell a caller without a token which resources exist', async () => {
    const { get } = await serve({ token: TOKEN });
    expect((await get('/nowhere')).status).toBe(401);
    expect((await get('/nowhere', { headers: bearer })).status).toBe(404);
  });
});

describe('listener', () => {
  it('refuses to listen beyond loopback without a token', async () => {
    const { admin } = await serve();
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.com'])
      expect(() => admin.listen(host, 0)).toThrow('needs a token');
  });

  it('rejects when the port is taken', async () => {
    const { address } = await serve();
    const second = await serve();
    await second.admin.close();
    await expect(second.admin.listen('127.0.0.1', address.port)).rejects.toThrow('EADDRINUSE');
  });

  it('without a token, a page that rebound its name to loopback gets nothing', async () => {
    const { get } = await serve();
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80', '10.0.0.1', ':9464']) {
      const { status, body } = await get('/api/v1/deliveries', { headers: { host } });
      expect([host, status, Object.hasOwn(body, 'deliveries')]).toEqual([host, 421, false]);
    }
  });

  it.each(['localhost', 'LOCALHOST:9464', 'ackspan.localhost:9464', '127.0.0.1:9464', '127.1.2.3', '[::1]:9464'])(
    'without a token, the loopback name %s is answered',
    async (host) => {
      const { get } = await serve();
      expect((await get('/api/v1/stats', { headers: { host } })).status).toBe(200);
    },
  );

  it('stops answering once closed, and closing twice is harmless', async () => {
    const { admin, address, get } = await serve();
    expect((await get('/healthz')).status).toBe(200);
    await admin.close();
    await admin.close();
    await expect(askHttp(address.port, '/healthz')).rejects.toThrow('ECONNREFUSED');
  });
});

describe('mounted on the public port', () => {
  it('serves under its path with the token', async () => {
    const port = await serveMounted({ token: TOKEN });
    expect((await askHttp(port, '/.ackspan/api/v1/stats', { headers: bearer })).body).toEqual({ tracked: 0 });
    expect((await askHttp(port, '/.ackspan/api/v1/stats')).status).toBe(401);
    const spec = await askHttp(port, '/.ackspan/openapi.json', { headers: bearer });
    expect(spec.body.servers).toEqual([{ url: '/.ackspan' }]);
  });

  it('serves only health when no token is configured, from whatever host', async () => {
    const port = await serveMounted({ token: undefined });
    for (const path of guarded) expect([path, (await askHttp(port, `/.ackspan${path}`)).status]).toEqual([path, 403]);
    for (const path of healthy) expect([path, (await askHttp(port, `/.ackspan${path}`)).status]).toEqual([path, 200]);
  });

  it('tells strangers whether it is ready, not why', async () => {
    const health = () => ({ ready: false, reasons: ['upstream 10.1.2.3:8000 refuses connections'] });
    const port = await serveMounted({ token: TOKEN, health });
    expect((await askHttp(port, '/.ackspan/readyz')).body).toEqual({ ready: false, reasons: [] });
    expect((await askHttp(port, '/.ackspan/readyz', { headers: bearer })).body.reasons).toHaveLength(1);
  });
});

describe('every answer', () => {
  it.each([...guarded, ...healthy, '/nowhere'])('%s may not be framed, sniffed, stored or shared', async (path) => {
    const { get } = await serve();
    const { headers } = await get(path, { headers: { origin: 'http://evil.example' } });
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it.each([...guarded, ...healthy])(
    '%s answers HEAD like GET without a body, and refuses to be written',
    async (path) => {
      const { get } = await serve();
      const full = await get(path);
      const head = await get(path, { method: 'HEAD' });
      expect([head.status, head.text]).toEqual([full.status, '']);
      expect(head.headers['content-length']).toBe(full.headers['content-length']);
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'TRACE']) {
        const { status, headers } = await get(path, { method });
        expect([status, headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
      }
    },
  );

  it.each([...guarded, ...healthy])('%s answers OPTIONS with what it allows, and grants nothing', async (path) => {
    const { get } = await serve();
    const headers = { origin: 'http://evil.example', 'access-control-request-method': 'GET' };
    const asked = await get(path, { method: 'OPTIONS', headers });
    expect([asked.status, asked.text, asked.headers.allow]).toEqual([204, '', 'GET, HEAD, OPTIONS']);
    expect(asked.headers['content-length']).toBeUndefined();
    expect(Object.keys(asked.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it('OPTIONS needs the token where GET does', async () => {
    const { get } = await serve({ token: TOKEN });
    for (const path of guarded) expect((await get(path, { method: 'OPTIONS' })).status).toBe(401);
    for (const path of healthy) expect((await get(path, { method: 'OPTIONS' })).status).toBe(204);
  });

  it.each([
    '/',
    '/nowhere',
    '/api/v1/deliveries/',
    '/api/v1/deliveries/a/b',
    '/healthz/',
    '//healthz',
    '/api/v1/deliveries/%E0%A4',
  ])('%s is a 404 problem', async (path) => {
    const { get } = await serve();
    const { status, headers, body } = await get(path);
    expect([status, headers['content-type']]).toEqual([404, 'application/problem+json']);
    expect(body).toMatchObject({ type: 'about:blank', title: 'Not found', status: 404 });
  });
});
