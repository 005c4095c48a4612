// [D7] A process that runs short of file descriptors: newcomers are told so at once, who is in is served, and nothing breaks.
import { execFileSync } from 'node:child_process';
import { afterEach, expect, it } from 'vitest';
import { closeAll, httpUpstream, type RawPeer, rawClient } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { expectHealthyLog, startSidecar } from '../support/sidecar-process.ts';

afterEach(closeAll);

const LIMIT = 200;
const CLIENTS = 150;
const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

it.runIf(process.platform === 'linux')('the last descriptors are kept for those who are in', async () => {
  let served = 0;
  const { address } = await httpUpstream((request, response) => {
    served++;
    request.resume().on('end', () => response.end('ok'));
  });
  const sidecar = await startSidecar({ upstream: address });
  const own = sidecar.descriptors();
  execFileSync('prlimit', ['--pid', String(sidecar.pid), `--nofile=${LIMIT}:${LIMIT}`]);
  const clients: RawPeer[] = [];
  for (let i = 0; i < CLIENTS; i++) {
    const client = rawClient(sidecar.port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx');
    clients.push(client);
  }
  const refused = await eventually(() => {
    const turnedAway = clients.filter(({ closed, ended }) => closed || ended);
    // Every client is either turned away or at the backend: none is still on its way to a 503.
    expect(turnedAway.length + served).toBe(CLIENTS);
    return turnedAway;
  });
  expect(refused.length + (LIMIT - own) / 2).toBeGreaterThan(CLIENTS);
  expect(refused.some(({ all }) => all.startsWith('HTTP/1.1 503'))).toBe(true);
  expect(sidecar.descriptors()).toBeLessThan(LIMIT);
  const inside = clients.filter((client) => !refused.includes(client));
  expect(inside.length).toBeGreaterThan(10);
  for (const client of inside) client.send('y');
  for (const client of inside) expect(await client.until('ok')).toContain('200 OK');
  expect(await sidecar.sum('ackspan_http_rejected_total', { reason: 'descriptors' })).toBe(refused.length);
  for (const client of clients) client.socket.destroy();
  await eventually(async () => {
    const late = rawClient(sidecar.port);
    late.send(REQUEST);
    expect(await late.until('\r\n')).toContain('200 OK');
    late.socket.destroy();
  });
  expectHealthyLog(sidecar);
});
