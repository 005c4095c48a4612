// Test support: a backend and clients on `ws`, inside the test's process.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ClientOptions, type PerMessageDeflateOptions, WebSocket, WebSocketServer } from 'ws';
import { atEnd } from './backends.ts';
import { eventually } from './child.ts';

/** One end of a connection with what it has received. */
export interface Peer {
  readonly socket: WebSocket;
  /** Text messages in order. */
  readonly texts: string[];
  /** Payload lengths of pings in order: 14 is a barrier. */
  readonly pings: number[];
  /** Resolves with the close code when the connection has ended. */
  readonly closed: Promise<number>;
}

export interface Accepted extends Peer {
  readonly request: IncomingMessage;
}

export interface WsBackend {
  readonly address: string;
  readonly server: WebSocketServer;
  /** All connections so far, in order of their upgrade. */
  readonly peers: readonly Accepted[];
  /** Resolves with connection number `index` as soon as it is there. */
  peer(index: number): Promise<Accepted>;
}

/** A backend on a free port. */
export async function startWsBackend(
  options: { deflate?: boolean | PerMessageDeflateOptions } = {},
): Promise<WsBackend> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: options.deflate ?? false });
  await once(server, 'listening');
  const peers: Accepted[] = [];
  server.on('connection', (socket, request) => peers.push({ ...peerOf(socket), request }));
  atEnd(() => {
    for (const { socket } of peers) socket.terminate();
    server.close();
  });
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    peers,
    peer: (index) =>
      eventually(() => {
        const found = peers[index];
        if (found === undefined) throw new Error(`connection ${index} has not come`);
        return found;
      }),
  };
}

export interface Client extends Peer {
  /** The header `Sec-WebSocket-Extensions` of the 101; '' = none. */
  readonly extensions: string;
}

/** A connected client that offers these subprotocols. */
export async function openClient(
  url: string,
  options: ClientOptions = {},
  protocols: readonly string[] = [],
): Promise<Client> {
  const socket = new WebSocket(url, [...protocols], options);
  atEnd(() => socket.terminate());
  const peer = peerOf(socket);
  let extensions = '';
  socket.once('upgrade', ({ headers }) => {
    extensions = headers['sec-websocket-extensions'] ?? '';
  });
  await once(socket, 'open');
  return { ...peer, extensions };
}

function peerOf(socket: WebSocket): Peer {
  const texts: string[] = [];
  const pings: number[] = [];
  socket.on('message', (data, binary) => {
    if (!binary) texts.push(String(data));
  });
  socket.on('ping', (payload) => pings.push(payload.length));
  // Silence is right: the close event that follows says all that a test needs.
  socket.on('error', () => {});
  const closed = new Promise<number>((resolve) => {
    socket.once('close', (code) => resolve(code));
  });
  return { socket, texts, pings, closed };
}

/** Sends a JSON message. */
export function tell({ socket }: Peer, message: object): void {
  socket.send(JSON.stringify(message));
}

/** An event as a backend sends it. */
export function event(id: string, type = 'agent_thinking', more: object = {}): object {
  return { type, event_id: id, run_id: 'run_1', ...more };
}

/** An application's confirmation. */
export function confirmation(id: string, more: object = {}): object {
  return { type: 'event_confirmation', event_id: id, ...more };
}
