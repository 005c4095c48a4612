// Test support: a splice between real sockets whose far ends are the test's, and bytes that are recognised again.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'vitest';
import type { Fault } from '../../src/delivery/ports.ts';
import { Splice } from '../../src/relay/splice.ts';
import type { SplicedSockets } from '../../src/relay/spliced-sockets.ts';
import { DEFAULT_RELAY_LIMITS, type RelayContext, RelayCounters } from '../../src/relay/tap.ts';
import { createChance } from './chance.ts';
import { settle } from './socket-pair.ts';
import { RecordingTap } from './spliced.ts';

/** One socket's two ends: `near` belongs to the relay, `far` to the test. */
export interface Link {
  readonly near: Socket;
  readonly far: Socket;
}

const sockets: Socket[] = [];
const servers: Server[] = [];

/** A server, and a function that connects to it. */
export async function linkThrough(where: { path: string } | { port: 0; host: string }): Promise<() => Promise<Link>> {
  const server = createServer({ allowHalfOpen: true });
  servers.push(server);
  await once(server.listen(where), 'listening');
  const address = server.address() as AddressInfo | string;
  const target = typeof address === 'string' ? { path: address } : { port: address.port, host: '127.0.0.1' };
  return async () => {
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const far = connect({ ...target, allowHalfOpen: true }).on('error', () => {});
    const [[near]] = await Promise.all([accepted, once(far, 'connect')]);
    sockets.push(near, far);
    return { near, far };
  };
}

/** For `afterEach`. */
export function destroyLinks(): void {
  for (const socket of sockets.splice(0)) socket.destroy();
}

/** For `afterAll`. */
export function closeLinkServers(): void {
  for (const server of servers) server.close();
}

/** A splice, its sockets, and its reports. */
export interface Joined {
  readonly client: Link;
  readonly upstream: Link;
  readonly splice: Splice;
  readonly tap: RecordingTap;
  readonly counters: RelayCounters;
  readonly faults: Fault[];
}

/** A splice that is not started, and its tap. */
export function between(client: Link, upstream: Link, more: Partial<SplicedSockets> = {}): Joined {
  const counters = new RelayCounters();
  const faults: Fault[] = [];
  const context: RelayContext = {
    counters,
    limits: DEFAULT_RELAY_LIMITS,
    now: () => performance.timeOrigin + performance.now(),
    report: (fault) => faults.push(fault),
  };
  const tap = new RecordingTap();
  const given = { client: client.near, upstream: upstream.near, deflate: undefined, ...more };
  return { client, upstream, splice: new Splice(given, tap, context), tap, counters, faults };
}

/** Bytes that do not repeat at any distance of a likely mistake. */
export function bytesOf(seed: number, size: number): Buffer {
  const block = Buffer.alloc(Math.min(size, 1_000_003));
  const chance = createChance(seed);
  for (let i = 0; i < block.length; i++) block[i] = chance.next() * 256;
  const out = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; at += block.length) block.copy(out, at);
  return out;
}

/** A hash, to compare long texts. */
export const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** The next `size` bytes, by hash. */
export function gets(far: Socket, size: number): Promise<string> {
  const sum = createHash('sha256');
  let left = size;
  return new Promise((resolve) => {
    far.resume().on('data', function take(chunk: Buffer) {
      sum.update(chunk);
      left -= chunk.length;
      if (left > 0) return;
      far.off('data', take);
      resolve(left === 0 ? sum.digest('hex') : `${-left} bytes too many`);
    });
  });
}

/** All bytes up to FIN. */
export async function toEnd(far: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  far.resume().on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(far, 'end');
  return Buffer.concat(chunks);
}

/** Waits until the condition holds. */
export async function until(is: () => boolean): Promise<void> {
  while (!is()) await settle();
}

/**
 * Work for the shared buffer, and time for other tasks: `size` bytes each way over a connection of
 * their own.
 */
export async function exchange({ client, upstream }: Joined, seed: number, size: number): Promise<void> {
  const [down, up] = [bytesOf(seed, size), bytesOf(seed + 1, size)];
  const got = Promise.all([gets(client.far, size), gets(upstream.far, size)]);
  upstream.far.write(down);
  client.far.write(up);
  expect(await got).toEqual([hash(down), hash(up)]);
}
