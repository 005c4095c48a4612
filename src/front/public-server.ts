// front: node:http's server for the public port, with its limits, patient time-outs and a bound on descriptors.
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Report } from '../delivery/ports.ts';
import { patiently } from '../time/patience.ts';
import { answer } from './answers.ts';
import type { FrontCounters } from './counters.ts';
import type { Descriptors } from './descriptors.ts';

export interface PublicServerOptions {
  /** Largest request head, bytes. */
  readonly headerBytes: number;
  readonly headersTimeoutMs: number;
  /** Time between two checks for late heads, ms. */
  readonly checkMs: number;
  readonly keepAliveTimeoutMs: number;
  /** Silence after which the system asks whether a client's machine is there, ms; 0 = never. */
  readonly probeMs: number;
}

/** Longest silence that Linux can wait for (TCP_KEEPIDLE), ms. */
const LONGEST_PROBE_MS = 32_767_000;

export function createPublicServer(options: PublicServerOptions): Server {
  const server = createServer({
    maxHeaderSize: options.headerBytes,
    // refusals.ts refuses such requests, and counts them.
    requireHostHeader: false,
    headersTimeout: options.headersTimeoutMs,
    requestTimeout: 0,
    connectionsCheckingInterval: options.checkMs,
    keepAliveTimeout: options.keepAliveTimeoutMs,
    noDelay: true,
    // Where no barrier can be written, in the middle of a frame, nothing else finds out that a
    // client has vanished. The system gives it up about ten seconds after the first question.
    keepAlive: options.probeMs > 0,
    keepAliveInitialDelay: Math.min(Math.max(1000, options.probeMs), LONGEST_PROBE_MS),
  });
  // The size limit bounds the number. Node's default would silently drop every header after the
  // 1,000th.
  server.maxHeadersCount = 0;
  server.on('timeout', letGoIfIdle);
  server.on('connection', (socket: Socket) => {
    // A connection comes to the server again for its next request.
    if (!socket.listeners('error').includes(ignore)) socket.on('error', ignore);
  });
  return server;
}

/**
 * Takes the error of a client that leaves while its socket has no owner: the last one has let go of
 * it, and a failed write tells of that a tick later. Without a listener the error would end the
 * process.
 */
function ignore(): void {}

/** Lets go of a client's socket for good. Its next owner listens to its errors in the same tick. */
export function handOver(socket: Socket): void {
  socket.off('error', ignore);
}

/**
 * Ends an idle connection unless a request lies in its socket. After a standstill the timer comes
 * before the read.
 */
function letGoIfIdle(socket: Socket): void {
  const { bytesRead } = socket;
  patiently(1, () => {
    if (socket.bytesRead === bytesRead) socket.destroy();
  });
}

/**
 * Connections that the kernel accepts before this process does; Linux takes at most
 * `net.core.somaxconn` (4,096). Of a wave of clients that come back at once it drops those beyond,
 * which try again after 1, 3, 7 … s. Node's default is 511.
 */
const BACKLOG = 4096;

export function listenOn(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
  counters: FrontCounters,
  report: Report,
): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off('error', reject);
      server.on('error', (error) => {
        counters.acceptFailed++;
        report({ stage: 'relay.listen', error });
      });
      resolve(server.address() as AddressInfo);
    });
  });
}

/**
 * Counts the sockets of clients. The server's own count comes later, so that connections since then
 * are added.
 */
export function countClients(server: Server): () => number {
  let open = 0;
  const known = new WeakSet<Socket>();
  server.on('connection', (socket: Socket) => {
    // A connection comes to the server again for its next request.
    if (known.has(socket)) return;
    known.add(socket);
    open++;
    server.getConnections((_, count) => {
      open = count ?? open;
    });
  });
  return () => open;
}

/**
 * Time in which a client that is turned away must read why, ms. It is short because descriptors
 * are.
 */
const TURNED_AWAY_MS = 250;

/** Turns new clients away with 503 while descriptors are short. */
export function turnAway(server: Server, descriptors: Descriptors, counters: FrontCounters, report: Report): void {
  const admitted = new WeakSet<Socket>();
  server.prependListener('connection', (socket: Socket) => {
    if (admitted.has(socket)) return;
    if (descriptors.room) {
      admitted.add(socket);
      return;
    }
    counters.descriptorsShort++;
    report({ stage: 'relay.limit', error: new Error('connection refused with 503: file descriptors are short') });
    if (descriptors.exhausted) {
      socket.destroy();
      return;
    }
    // The answer takes the bytes away from node:http's parser, which must have been attached by
    // then.
    const how = { headers: ['Retry-After', '1'], lingerMs: TURNED_AWAY_MS };
    process.nextTick(() => answer(socket, 503, 'there are too many connections', how));
  });
}
