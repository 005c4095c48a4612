// Test support: a WebSocket server of ours that speaks a foreign protocol.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { atEnd } from '../backends.ts';

/** The port of a server that may not listen yet; closed with its clients at the end of the test. */
export async function portOf(server: WebSocketServer): Promise<number> {
  atEnd(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  if (server.address() === null) await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Serves each connection by `accept`. Returns the `http://` address. */
export async function serveWs(accept: (socket: WebSocket) => void, options: ServerOptions = {}): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
  server.on('connection', accept);
  return `http://127.0.0.1:${await portOf(server)}`;
}
