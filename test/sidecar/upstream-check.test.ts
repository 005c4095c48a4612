// Whether the upstream takes connections, dial by dial, and what readiness, metric and log make of it.

import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startUpstreamCheck } from '../../src/sidecar/upstream-check.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';
import { startSidecar } from '../support/sidecar-process.ts';

afterEach(closeAll);

async function listen(where: number | string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.resume().once('end', () => socket.end());
  });
  if (typeof where === 'string') server.listen(where);
  else server.listen(where, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => void server.close());
  return server;
}

const portOf = (server: Server) => (server.address() as { port: number }).port;
const closed = (server: Server) => new Promise((resolve) => server.close(resolve));

describe('the check', () => {
  it('is down before the first answer, follows the upstream, and reports each turn to the worse once', async () => {
    const server = await listen(await freePort());
    const port = portOf(server);
    const faults: string[] = [];
    const target = { address: `http://127.0.0.1:${port}`, host: '127.0.0.1', port, socketPath: undefined };
    const check = startUpstreamCheck(
      target,
      ({ stage, error }) => faults.push(`${stage}: ${(error as Error).message}`),
      { eager: true, everyMs: 5 },
    );
    atEnd(() => check.stop());
    expect([check.up, check.reason]).toEqual([undefined, 'upstream: not dialled yet']);
    await eventually(() => expect(check.up).toBe(true));
    expect(check.reason).toBeUndefined();
    await closed(server);
    await eventually(() => expect(check.up).toBe(false));
    // A dial that waits in the queue of a server that closes is reset, not refused.
    const takesNone = `upstream ${target.address} takes no connections: `;
    expect(check.reason?.startsWith(takesNone)).toBe(true);
    const again = await listen(port);
    await eventually(() => expect(check.up).toBe(true));
    await closed(again);
    await eventually(() => expect(faults).toHaveLength(2));
    for (const fault of faults) expect(fault.startsWith(`upstream: ${takesNone}`)).toBe(true);
  });

  it('dials a unix socket', async () => {
    const path = join(tmpdir(), `ackspan-check-${process.pid}.sock`);
    await listen(path);
    const check = startUpstreamCheck({ address: `unix:${path}`, host: path, port: 0, socketPath: path }, () => {}, {
      eager: true,
      everyMs: 5,
    });
    atEnd(() => check.stop());
    await eventually(() => expect(check.up).toBe(true));
  });

  it('takes a handshake that the upstream answered for its answer, and dials only when there was none', async () => {
    const server = await listen(await freePort());
    const port = portOf(server);
    let dials = 0;
    server.on('connection', () => dials++);
    let answers = 0;
    let looks = 0;
    const target = { address: 'x', host: '127.0.0.1', port, socketPath: undefined };
    const answered = () => (looks++ < 20 ? ++answers : answers);
    const check = startUpstreamCheck(target, () => {}, { answered, eager: false, everyMs: 1 });
    atEnd(() => check.stop());
    expect(check.up).toBeUndefined();
    await eventually(() => expect(looks).toBeGreaterThan(5));
    expect([check.up, looks > 20 || dials === 0]).toEqual([true, true]);
    await eventually(() => expect(dials).toBeGreaterThan(0));
    expect(check.up).toBe(true);
  });

  it('stops for good, also in the middle of a dial', async () => {
    const faults: unknown[] = [];
    const check = startUpstreamCheck(
      { address: 'x', host: '127.0.0.1', port: 9, socketPath: undefined },
      (f) => faults.push(f),
      { eager: true, everyMs: 1 },
    );
    check.stop();
    await new Promise((resolve) => setImmediate(resolve));
    expect([check.up, faults]).toEqual([undefined, []]);
  });
});

describe('readiness.upstream', () => {
  it('on: /readyz and /health are 503 with the reason while the upstream is down, the gauge is 0, the log has one line', async () => {
    const server = await listen(await freePort());
    const upstream = `http://127.0.0.1:${portOf(server)}`;
    const sidecar = await startSidecar({ upstream, config: { readiness: { upstream: true } } });
    const ask = async (path: string) => {
      const response = await fetch(sidecar.admin + path);
      return { status: response.status, body: (await response.json()) as object };
    };
    await eventually(async () =>
      expect(await ask('/readyz')).toEqual({ status: 200, body: { ready: true, reasons: [], upstream: 'up' } }),
    );
    expect(await sidecar.sum('ackspan_upstream_up')).toBe(1);
    await closed(server);
    await eventually(async () => expect((await ask('/readyz')).status).toBe(503));
    expect((await ask('/readyz')).body).toEqual({
      ready: false,
      reasons: [expect.stringMatching(/^upstream http:.* takes no connections: connect ECONNREFUSED/)],
      upstream: expect.stringMatching(/^upstream http:.* takes no connections: connect ECONNREFUSED/),
    });
    expect(await ask('/health')).toMatchObject({ status: 503, body: { status: 'unhealthy' } });
    expect((await ask('/healthz')).status).toBe(200);
    expect(await sidecar.sum('ackspan_upstream_up')).toBe(0);
    expect(sidecar.lines.filter(({ stage }) => stage === 'upstream')).toHaveLength(1);
  });

  it('off, the default: nobody dials in the first seconds, then the gauge and /readyz know, and a dead upstream keeps nothing from being ready', async () => {
    const server = await listen(await freePort());
    let dials = 0;
    server.on('connection', () => dials++);
    const sidecar = await startSidecar({ upstream: `http://127.0.0.1:${portOf(server)}` });
    const ready = async () => (await fetch(`${sidecar.admin}/readyz`)).json();
    expect(await ready()).toEqual({ ready: true, reasons: [], upstream: 'unknown' });
    expect([...(await sidecar.scrape()).keys()]).not.toContain('ackspan_upstream_up');
    expect(dials).toBe(0);
    await eventually(async () => expect(await sidecar.sum('ackspan_upstream_up')).toBe(1));
    expect(dials).toBe(1);
    await closed(server);
    await eventually(async () => expect(await sidecar.sum('ackspan_upstream_up')).toBe(0));
    expect(await ready()).toEqual({ ready: true, reasons: [], upstream: expect.stringContaining('ECONNREFUSED') });
  });
});
