// front: node:http's server for the public port: its limits, its time-outs made patient, and the descriptors that it may use.
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
  /** How often node:http looks for heads that are late, ms. */
  readonly checkMs: number;
  readonly keepAliveTimeoutMs: number;
}

export function createPublicServer(options: PublicServerOptions): Server {
  const server = createServer({
    maxHeaderSize: options.headerBytes,
    // Refused by us (refusals.ts), where it is counted.
    requireHostHeader: false,
    headersTimeout: options.headersTimeoutMs,
    requestTimeout: 0,
    connectionsCheckingInterval: options.checkMs,
    keepAliveTimeout: options.keepAliveTimeoutMs,
    noDelay: true,
  });
  // The size limit bounds them; node's default would drop every header past the 1,000th silently.
  server.maxHeadersCount = 0;
  server.on('timeout', letGoIfIdle);
  return server;
}

/** An idle connection whose time is up may have a request in its socket: after a standstill the timer comes before the read. */
function letGoIfIdle(socket: Socket): void {
  const { bytesRead } = socket;
  patiently(1, () => {
    if (socket.bytesRead === bytesRead) socket.destroy();
  });
}

export function listenOn(
  server: Server,
  host: string,
  port: number,
  counters: FrontCounters,
  report: Report,
): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      server.on('error', (error) => {
        counters.acceptFailed++;
        report({ stage: 'relay.listen', error });
      });
      resolve(server.address() as AddressInfo);
    });
  });
}

/** Counts the sockets of clients: between two looks at the server's own count, those that have come. */
export function countClients(server: Server): () => number {
  let open = 0;
  const known = new WeakSet<Socket>();
  server.on('connection', (socket: Socket) => {
    // A connection may be handed to the server again, for its next request.
    if (known.has(socket)) return;
    known.add(socket);
    open++;
    server.getConnections((_, count) => {
      open = count ?? open;
    });
  });
  return () => open;
}

/** How long a client that is turned away may take to read why, ms: its descriptor is wanted. */
const TURNED_AWAY_MS = 250;

/** Turns new clients away while descriptors are short: 503, counted, reported. */
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
    // After node:http has attached its parser, from which the answer takes the bytes away.
    process.nextTick(() => answer(socket, 503, 'there are too many connections', ['Retry-After', '1'], TURNED_AWAY_MS));
  });
}
