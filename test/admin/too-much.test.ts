// [D7] The admin port against those who ask for too much, or take too long: every bound has an answer, and nobody else waits.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serve, track } from './fixture.ts';
import { raw, statusOf } from './raw.ts';

const OURS = { 'content-type': 'application/json', 'x-ackspan-request': '1' };

describe('too much', () => {
  it('a query of thousands of values is answered, and what it costs does not grow with them', async () => {
    const { get, store } = await serve();
    for (let seq = 1; seq <= 50; seq++) track(store, { seq });
    const many = Array.from({ length: 2_000 }, (_, n) => n.toString(36)).join(',');
    const { status, body } = await get(`/api/v1/deliveries?type=${many}`);
    expect([status, body.deliveries]).toEqual([200, []]);
  });

  it('a filter of a replay has as many values as a query, and no more', async () => {
    const { post } = await serve({ operator: {} as never });
    const type = Array.from({ length: 1_000 }, () => 'a');
    const got = await post('/api/v1/replay', { reason: 'x', filter: { type } });
    expect([got.status, got.body.errors.map(({ parameter }) => parameter)]).toEqual([400, ['filter.query']]);
  });

  it('a body without an end is cut off at its limit, and the connection with it', async () => {
    const { address } = await serve();
    const head = `POST /api/v1/replay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Ackspan-Request: 1\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const chunk = `4000\r\n${' '.repeat(0x4000)}\r\n`;
    expect(statusOf(await raw(address.port, head + chunk.repeat(8)))).toBe(413);
  });

  it('JSON as deep as a body can be is read, and refused for what it is', async () => {
    const { get, faults } = await serve({ operator: {} as never });
    const deep = `${'['.repeat(8_000)}${']'.repeat(8_000)}`;
    for (const body of [
      deep,
      `{"filter":${deep.slice(0, 4_000)}${']'.repeat(4_000)}}`,
      `{"reason":"x","filter":{"user":${'['.repeat(4000)}${']'.repeat(4000)}}}`,
    ]) {
      const got = await get('/api/v1/replay', { method: 'POST', headers: OURS, body });
      expect(got.status).toBe(400);
    }
    expect(faults).toEqual([]);
  });
});

describe('slow', () => {
  /** A client that sends this and then neither reads nor writes. */
  async function still(port: number, bytes: string): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    socket.pause();
    socket.write(bytes);
    return socket;
  }

  it('a hundred clients that stop in the middle of a head or a body keep nobody else waiting', async () => {
    const { address, get } = await serve();
    const parts = [
      'GET /api/v1/stats HT',
      'POST /api/v1/replay HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9',
      `POST /api/v1/replay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Ackspan-Request: 1\r\nContent-Length: 999\r\n\r\n{`,
    ];
    await Promise.all(Array.from({ length: 100 }, (_, n) => still(address.port, parts[n % parts.length] as string)));
    expect((await get('/api/v1/stats')).status).toBe(200);
  });

  it('[D7] more silent connections than there are places keep no probe from its answer', async () => {
    const { address, get } = await serve();
    for (let n = 0; n < 11; n++) await Promise.all(Array.from({ length: 100 }, () => still(address.port, '')));
    for (const probe of ['/healthz', '/readyz', '/health']) expect((await get(probe)).status).toBe(200);
  });

  it('[D7] one that asks a thousand times in one breath is answered sixteen times, and refused for the rest', async () => {
    const { address, get, store } = await serve();
    for (let seq = 1; seq <= 500; seq++) track(store, { seq });
    const ask = 'GET /api/v1/deliveries?limit=500 HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const text = await raw(address.port, ask.repeat(1_000));
    const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status);
    expect([statuses.filter((status) => status === '200').length, statuses.includes('429')]).toEqual([16, true]);
    expect((await get('/api/v1/stats')).status).toBe(200);
  });
});
