// front: answers a WebSocket handshake here, for a client that comes back to an upstream connection which is still there.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { formatHead } from './headers.ts';

/** RFC 6455 §1.3: what turns the client's key into the proof that a WebSocket server has read it. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Writes the 101 (RFC 6455 §4.2.2) with the subprotocol agreed before, and no extension. The socket is the caller's from here on. */
export function acceptHandshake(request: IncomingMessage, client: Socket, subprotocol: string | undefined): void {
  const key = request.headers['sec-websocket-key'] ?? '';
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  const headers = ['Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Accept', accept];
  if (subprotocol !== undefined) headers.push('Sec-WebSocket-Protocol', subprotocol);
  client.setTimeout(0);
  client.write(formatHead('HTTP/1.1 101 Switching Protocols', headers), 'latin1');
}
