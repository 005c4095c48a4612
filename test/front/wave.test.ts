// The public listener: clients that come back all at once are accepted by the kernel, however busy the process is.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { listenOn } from '../../src/front/public-server.ts';

const WAVE = 1500;
const ESTABLISHED = '01';

/** What Linux lets a process ask for; 0 elsewhere. */
function somaxconn(): number {
  return process.platform === 'linux' ? Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8')) : 0;
}

/** Connections that the kernel has accepted on a port of 127.0.0.1. */
function established(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n');
  return lines.filter((line) => {
    const [, address, , state] = line.trim().split(/\s+/);
    return address === local && state === ESTABLISHED;
  }).length;
}

test.skipIf(somaxconn() < WAVE)(
  `${WAVE} clients that come within one turn of the event loop need not try again`,
  async () => {
    const server = createServer();
    const counters = { acceptFailed: 0 } as Parameters<typeof listenOn>[2];
    const { port } = await listenOn(server, { host: '127.0.0.1', port: 0 }, counters, () => {});
    const clients = Array.from({ length: WAVE }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}));
    // Node connects in this queue, before the event loop goes on and accepts the first of them.
    const accepted = await new Promise<number>((resolve) => process.nextTick(() => resolve(established(port))));
    for (const client of clients) client.destroy();
    server.closeAllConnections();
    server.close();
    expect(accepted).toBe(WAVE);
  },
);
