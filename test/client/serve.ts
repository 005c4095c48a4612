// Test support: the fake sidecar behind a real WebSocket server, and a plain server without one. Loopback, any free port.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { FakeSidecar } from './fake-sidecar.ts';

export interface Served {
  readonly url: string;
  readonly sidecar: FakeSidecar;
  /** Live sockets, newest last. */
  readonly sockets: WebSocket[];
  /** Text that clients sent, apart from the protocol's. */
  readonly heard: string[];
  /** What comes over the wire, whole. */
  readonly raw: string[];
  /** How upgrades are answered: as asked, with 503, or not at all. */
  accept: boolean | 'never';
  stop(): Promise<void>;
}

/** Starts one. `plain`: no sidecar in front. `page`: what to answer to HTTP requests. */
export async function serve(plain = false, page: Record<string, string> = {}): Promise<Served> {
  const sidecar = new FakeSidecar();
  const server: Server = createServer((request, response) => {
    const body = page[request.url ?? ''];
    response.writeHead(body === undefined ? 404 : 200, {
      'content-type': request.url?.endsWith('.js') ? 'text/javascript' : 'text/html',
    });
    response.end(body);
  });
  const wss = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] ?? false });
  server.on('upgrade', (request, socket, head) => {
    // A client that gives up meanwhile resets the connection, which is no fault of the server.
    socket.on('error', () => {});
    if (served.accept === 'never') {
      socket.resume().on('end', () => socket.destroy());
      return;
    }
    if (!served.accept) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n');
      return;
    }
    wss.handleUpgrade(request, socket, head, (ws) => {
      served.sockets.push(ws);
      const query = new URL(request.url!, 'ws://here').searchParams;
      const session = plain
        ? undefined
        : sidecar.attach(query, { send: (data) => ws.send(data), close: (code) => ws.close(code) });
      if (plain) sidecar.queries.push(query);
      ws.on('message', (data: Buffer, binary: boolean) => {
        const text = binary ? `binary ${data.toString('hex')}` : data.toString();
        served.raw.push(text);
        if (session && text.startsWith('{"ackspan":')) sidecar.hear(session, text);
        else served.heard.push(text);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const served: Served = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/chat`,
    sidecar,
    sockets: [],
    heard: [],
    raw: [],
    accept: true,
    stop: () => {
      for (const ws of wss.clients) ws.terminate();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return served;
}

/** Waits for an event of a socket. */
export function once<E>(target: EventTarget, type: string): Promise<E> {
  return new Promise((resolve) =>
    target.addEventListener(type, (event) => resolve(event as E), { once: true } as AddEventListenerOptions),
  );
}
