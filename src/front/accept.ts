// front: answers a WebSocket handshake for a client that comes back while its upstream connection is still there.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { formatHead } from './headers.ts';
import type { Caller } from './upgraded.ts';

/** An upstream connection to which its client comes back. */
export interface Rejoining {
  /** The subprotocol that the upstream has chosen; undefined = none. */
  readonly subprotocol: string | undefined;
  /** Takes over the client's socket, to which the 101 has been written. Must not throw. */
  join(socket: Socket, head: Buffer): void;
}

/**
 * Constant of RFC 6455 §1.3. With the client's key it makes the proof that a WebSocket server has
 * read the request.
 */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * Answers the client 101 as the upstream once did, and joins its socket to that upstream
 * connection.
 */
export function answerHere({ request, socket, head }: Caller, rejoining: Rejoining): void {
  acceptHandshake(request, socket, rejoining.subprotocol);
  rejoining.join(socket, head);
}

/** Writes the 101 (RFC 6455 §4.2.2), with the subprotocol agreed before and no extension. */
function acceptHandshake(request: IncomingMessage, client: Socket, subprotocol: string | undefined): void {
  const key = request.headers['sec-websocket-key'] ?? '';
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  const headers = ['Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Accept', accept];
  if (subprotocol !== undefined) headers.push('Sec-WebSocket-Protocol', subprotocol);
  client.setTimeout(0);
  client.write(formatHead('HTTP/1.1 101 Switching Protocols', headers), 'latin1');
}
