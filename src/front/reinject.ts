// front: gives a request that only looked like an upgrade back to node:http; some load balancers put `Upgrade` on all.
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { formatHead, type RawHeaders } from './headers.ts';

/**
 * Puts the request's head, without its Upgrade header, back in front of the socket with everything
 * that followed it. The server then reads it again. A server may ignore an Upgrade (RFC 9110 §7.8).
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
