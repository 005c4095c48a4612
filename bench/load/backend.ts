// The load's backend: accepts upgrades on a raw socket, writes events, and checks every confirmation that reaches it, byte for byte.
import { createHash } from 'node:crypto';
import net from 'node:net';
import { FrameReader } from './frames.ts';
import { clientControl, type Encoder, MAX_FRAME, type Messages, readPayload } from './messages.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455 §1.3

export interface BackendOptions {
  readonly messages: Messages;
  readonly deflate: boolean;
  readonly writes: 'each' | 'burst';
  /** Where to listen instead of on a port: a socket in the file system. */
  readonly path?: string;
  /** Whether confirmations are meant to arrive here; if not, one that does is a fault. */
  readonly forwarded: boolean;
  onFault(what: string): void;
  /** All confirmations of `count` more events have arrived. */
  onConfirmed(count: number): void;
}

/** One accepted connection, found by the number in its URL (`/ws?c=7`). */
export interface BackendConnection {
  readonly socket: net.Socket;
  sent: number;
  confirmed: number;
}

export interface Backend {
  /** Its port, or its path. */
  readonly place: number | string;
  readonly connections: readonly (BackendConnection | undefined)[];
  /** Sends the next `count` events of a connection. */
  send(conn: number, count: number): void;
  close(): void;
}

/** Listens on loopback, any port, or on a path. */
export async function startBackend(options: BackendOptions): Promise<Backend> {
  const connections: (BackendConnection | undefined)[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    // A reset ends the connection like any other end: the flow notices what is missing.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    let head = '';
    const onHead = (chunk: Buffer): void => {
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', onHead);
      const conn = accept(socket, head, options.deflate);
      if (conn < 0) return void socket.resume();
      const connection: BackendConnection = { socket, sent: 0, confirmed: 0 };
      connections[conn] = connection;
      const reader = confirmationReader(connection, conn, options);
      socket.on('data', (data: Buffer) => reader.push(data));
    };
    socket.on('data', onHead);
  });
  const { path } = options;
  const place = path === undefined ? { port: 0, host: '127.0.0.1' } : { path };
  await new Promise<void>((resolve) => server.listen({ ...place, backlog: 4096 }, resolve));
  const writer = eventWriter(options.messages.event, options.writes);
  return {
    place: path ?? (server.address() as net.AddressInfo).port,
    connections,
    send: (conn, count) => {
      const connection = connections[conn];
      if (connection !== undefined && !connection.socket.destroyed) writer(connection, conn, count);
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * Answers the upgrade; returns the connection's number, or -1 when it has none (a plain request, a
 * first try).
 */
function accept(socket: net.Socket, head: string, deflate: boolean): number {
  const key = /^sec-websocket-key:\s*(.*?)\r$/im.exec(head)?.[1];
  if (key === undefined) {
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    return -1;
  }
  const offer = /^sec-websocket-extensions:.*permessage-deflate.*$/im.exec(head)?.[0];
  const agreed = ['server_no_context_takeover', 'client_no_context_takeover'].filter((name) => offer?.includes(name));
  const extension =
    deflate && offer !== undefined
      ? `Sec-WebSocket-Extensions: ${['permessage-deflate', ...agreed].join('; ')}\r\n`
      : '';
  const proof = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${extension}Sec-WebSocket-Accept: ${proof}\r\n\r\n`,
  );
  return Number(/^GET \/ws\?c=(\d+)/.exec(head)?.[1] ?? -1);
}

function confirmationReader(connection: BackendConnection, conn: number, options: BackendOptions): FrameReader {
  const { messages, forwarded, onFault, onConfirmed } = options;
  return new FrameReader((buf, start, end, opcode, payloadAt) => {
    if (opcode === 9) {
      // An unmasked pong is what a server sends.
      const pong = Buffer.from(buf.subarray(start, end));
      const payload = readPayload(pong);
      connection.socket.write(Buffer.concat([Buffer.from([0x8a, payload.length]), payload]));
      return;
    }
    if (opcode === 10) return onFault('a pong reached the backend, which sent no ping');
    if (opcode === 8) {
      connection.socket.end(Buffer.from([0x88, 0]));
      return;
    }
    if (!forwarded) return onFault(`a confirmation reached the backend: ${readPayload(buf.subarray(start, end))}`);
    if (!matches(buf, start, end, messages.confirmation, messages.plainConfirmation, conn, connection.confirmed)) {
      return onFault(`confirmation ${connection.confirmed} of connection ${conn} came as ${hex(buf, payloadAt, end)}`);
    }
    connection.confirmed++;
    onConfirmed(1);
  });
}

const expected = Buffer.alloc(2 * MAX_FRAME);

/**
 * Whether a received frame is message `seq`: the same bytes, or, from a proxy that writes frames of
 * its own, the same message.
 */
export function matches(
  buf: Buffer,
  start: number,
  end: number,
  encode: Encoder,
  encodePlain: Encoder,
  conn: number,
  seq: number,
): boolean {
  const length = encode(expected, 0, conn, seq);
  if (end - start === length && buf.compare(expected, 0, length, start, end) === 0) return true;
  const plain = encodePlain(expected, 0, conn, seq);
  return readPayload(buf.subarray(start, end)).equals(readPayload(expected.subarray(0, plain)));
}

/** The first bytes of what came instead, for the fault's text. */
export function hex(buf: Buffer, start: number, end: number): string {
  return buf.toString('hex', start, Math.min(end, start + 64));
}

/**
 * Writes frames from one shared buffer; takes a fresh one whenever the kernel did not accept
 * everything at once.
 */
function eventWriter(encode: Encoder, writes: 'each' | 'burst') {
  let scratch = Buffer.allocUnsafe(64 * MAX_FRAME);
  const flush = (connection: BackendConnection, length: number): void => {
    connection.socket.write(scratch.subarray(0, length));
    if (connection.socket.writableLength > 0) scratch = Buffer.allocUnsafe(64 * MAX_FRAME);
  };
  return (connection: BackendConnection, conn: number, count: number): void => {
    let length = 0;
    for (let i = 0; i < count; i++) {
      if (length > scratch.length - MAX_FRAME) {
        flush(connection, length);
        length = 0;
      }
      length += encode(scratch, length, conn, connection.sent++);
      if (writes === 'each') {
        flush(connection, length);
        length = 0;
      }
    }
    if (length > 0) flush(connection, length);
  };
}

/** A client's answer to a ping with that payload. */
export function pongFor(payload: Uint8Array): Buffer {
  return clientControl(10, payload);
}
