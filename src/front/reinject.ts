// front: gives a request that only looked like an upgrade back to node:http. Some load balancers put `Upgrade` on every request.
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { formatHead, type RawHeaders } from './headers.ts';

/**
 * Puts the request's head, without its Upgrade header, and everything that followed it back in front of the socket, and has the
 * server read it again. RFC 9110 §7.8 allows ignoring an Upgrade; a 101 is never owed.
 */
export function reinject(server: Server, request: IncomingMessage, socket: Socket, rest: Buffer): void {
  const headers = withoutUpgrade(request.rawHeaders);
  const head = formatHead(`${request.method} ${request.url} HTTP/${request.httpVersion}`, headers);
  socket.unshift(Buffer.concat([Buffer.from(head, 'latin1'), rest]));
  server.emit('connection', socket);
}

function withoutUpgrade(raw: RawHeaders): string[] {
  const headers: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (name === 'upgrade') continue;
    headers.push(raw[i]!, name === 'connection' ? withoutToken(raw[i + 1]!) : raw[i + 1]!);
  }
  return headers;
}

function withoutToken(connection: string): string {
  const kept = connection.split(',').filter((token) => token.trim().toLowerCase() !== 'upgrade');
  return kept.join(',').trim();
}
