// Health, metrics, statistics and connections, and what happens when what they read from breaks.
import { get, type IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bookOf, connection, serve } from './fixture.ts';

describe('health', () => {
  it('/health has the shape that monitors of the predecessor read', async () => {
    const at = Date.parse('2026-03-01T12:00:00.250Z');
    const { get } = await serve({ wallOf: () => at });
    const { status, headers, text, body } = await get('/health?probe=1');
    expect([status, headers['content-type']]).toEqual([200, 'application/json']);
    expect(text).toMatch(
      /^\{"status":"healthy","service":"ackspan","version":"1\.2\.3","timestamp":\d{10}\.\d{1,6}\}\n$/,
    );
    // Python's time.time(): seconds.
    expect(body.timestamp).toBe(at / 1000);
  });

  it('while not ready, /health and /readyz say 503 and why; /healthz stays 200', async () => {
    const { get } = await serve({ health: () => ({ ready: false, reasons: ['draining', 'upstream down'] }) });
    expect(await get('/health')).toMatchObject({ status: 503, body: { status: 'unhealthy' } });
    for (const path of ['/readyz', '/healthz/ready'])
      expect(await get(path)).toMatchObject({
        status: 503,
        body: { ready: false, reasons: ['draining', 'upstream down'] },
      });
    for (const path of ['/healthz', '/healthz/live', '/healthz/startup'])
      expect(await get(path)).toMatchObject({ status: 200, body: { status: 'ok' } });
  });

  it('/readyz is 200 without reasons when ready', async () => {
    const { get } = await serve();
    expect(await get('/readyz')).toMatchObject({ status: 200, body: { ready: true, reasons: [] } });
  });
});

describe('metrics', () => {
  it('hands the Accept header on and passes type and text through', async () => {
    const asked: string[] = [];
    const metrics = async (accept: string) => {
      asked.push(accept);
      return { contentType: 'application/openmetrics-text; version=1.0.0', body: '# EOF\n' };
    };
    const { get } = await serve({ metrics });
    const { headers, text } = await get('/metrics', { headers: { accept: 'application/openmetrics-text' } });
    await get('/metrics');
    expect([headers['content-type'], headers.vary, text]).toEqual([
      'application/openmetrics-text; version=1.0.0',
      'Accept, Accept-Encoding',
      '# EOF\n',
    ]);
    expect(asked).toEqual(['application/openmetrics-text', '']);
  });

  it.each([
    ['gzip', true],
    ['gzip;q=1.0, identity;q=0.5', true],
    ['deflate, GZIP', true],
    ['*', true],
    ['', false],
    ['identity', false],
    ['gzip;q=0', false],
    ['gzip;q=0, *', false],
  ])('Accept-Encoding %j: gzip is used: %s', async (encodings, zipped) => {
    const body = 'ackspan_delivery_pending 1\n'.repeat(500);
    const { admin, address } = await serve({ metrics: async () => ({ contentType: 'text/plain', body }) });
    expect(admin).toBeDefined();
    const options = {
      host: '127.0.0.1',
      port: address.port,
      path: '/metrics',
      headers: { 'accept-encoding': encodings },
    };
    const response = await new Promise<IncomingMessage>((resolve) => get(options, resolve));
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    expect(response.headers['content-encoding']).toBe(zipped ? 'gzip' : undefined);
    expect((zipped ? gunzipSync(bytes) : bytes).toString()).toBe(body);
    if (zipped) expect(bytes.length).toBeLessThan(body.length / 10);
  });

  it('tells who scrapes, and when the answer is out', async () => {
    const steps: string[] = [];
    const scraped = (from: string) => {
      steps.push(`asked by ${from}`);
      return () => steps.push('sent');
    };
    const served = await serve({ scraped });
    await served.get('/metrics', { headers: { 'user-agent': 'Prometheus/3.0' } });
    expect(steps).toEqual(['asked by 127.0.0.1 Prometheus/3.0', 'sent']);
  });

  it('a scrape that fails is a 500 that tells nothing, reported once', async () => {
    const { get, faults } = await serve({ metrics: () => Promise.reject(new Error('secret detail')) });
    const { status, text } = await get('/metrics');
    expect(status).toBe(500);
    expect(text).not.toContain('secret detail');
    expect(faults).toEqual([{ stage: 'admin', error: new Error('secret detail') }]);
  });
});

describe('statistics', () => {
  it('are passed through, as finite JSON', async () => {
    const { get } = await serve({ stats: () => ({ tracked: 3, rate: Number.NaN, p99_ms: Number.POSITIVE_INFINITY }) });
    expect((await get('/api/v1/stats')).body).toEqual({ tracked: 3, rate: null, p99_ms: null });
  });

  it('say how far a drain is', async () => {
    const drain = { state: 'draining', connections: 3, pending: 1 } as const;
    const { get } = await serve({
      stats: () => ({ tracked: 3 }),
      drain: { begin: () => expect.fail('nobody asked for it'), progress: () => drain },
    });
    expect((await get('/api/v1/stats')).body).toEqual({ tracked: 3, drain });
  });

  it('a source that throws is a 500 and one report', async () => {
    const { get, faults } = await serve({
      stats: () => {
        throw new Error('broken');
      },
    });
    expect([(await get('/api/v1/stats')).status, faults.length]).toEqual([500, 1]);
  });

  it('take no parameters', async () => {
    const { get } = await serve();
    const { status, body } = await get('/api/v1/stats?since=1h');
    expect([status, body.errors]).toEqual([400, [{ parameter: 'since', fault: 'unknown parameter', allowed: [] }]]);
  });
});

describe('connections', () => {
  const all = [1, 2, 3, 4].map((seq) =>
    connection(seq, {
      user: seq % 2 === 0 ? 'ada' : undefined,
      capability: seq > 2 ? 'processed' : 'none',
      path: '/ws?token=secret',
    }),
  );

  it('are listed newest first, without query strings', async () => {
    const { get } = await serve({ book: bookOf(...all) });
    const { body, text } = await get('/api/v1/connections');
    expect(body.connections.map(({ id }) => id)).toEqual(['c-4', 'c-3', 'c-2', 'c-1']);
    expect(body.connections[0]).toEqual({
      id: 'c-4',
      session: 's-4',
      user: 'ada',
      claimed_user: null,
      capability: 'processed',
      opened_at: '2026-03-01T12:00:00.000Z',
      closed_at: null,
      closed_by: null,
      close_code: null,
      remote: '127.0.0.1',
      path: '/ws',
      pending: 0,
      messages: 3,
    });
    expect(text).not.toContain('secret');
  });

  it.each([
    ['user=ada', ['c-4', 'c-2']],
    ['session=s-1', ['c-1']],
    ['capability=none', ['c-2', 'c-1']],
    ['capability=none,processed&user=ada', ['c-4', 'c-2']],
    ['limit=1', ['c-4']],
  ])('?%s selects %j', async (search, ids) => {
    const { get } = await serve({ book: bookOf(...all) });
    const { body } = await get(`/api/v1/connections?${search}`);
    expect(body.connections.map(({ id }) => id)).toEqual(ids);
  });

  it('bad parameters are all named', async () => {
    const { get } = await serve({ book: bookOf(...all) });
    const { status, body } = await get('/api/v1/connections?capability=telepathy&limit=0&cursor=x&colour=red');
    expect(status).toBe(400);
    expect(body.errors.map(({ parameter }) => parameter)).toEqual(['capability', 'limit', 'cursor', 'colour']);
  });

  it('are 404 where nothing is relayed', async () => {
    const { get } = await serve({ book: undefined });
    expect((await get('/api/v1/connections')).status).toBe(404);
  });
});
