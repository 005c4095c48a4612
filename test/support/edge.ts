// Test support: an edge between clients and sidecars, as load balancers and gateways are: it ends each WebSocket, begins another one, and misbehaves as told.
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { atEnd } from './backends.ts';

export interface EdgeFaults {
  /** Pings: passed on (default), answered here, or swallowed. */
  readonly pings?: 'answered' | 'dropped';
  /** Pongs are swallowed. */
  readonly pongs?: 'dropped';
  /** A ping goes on at once, and messages a moment later. */
  readonly overtakes?: boolean;
  /**
   * Compression: agreed on end to end (default), taken out of the offer, or agreed on with the
   * client only.
   */
  readonly compression?: 'stripped' | 'own';
  readonly protocols?: 'stripped' | 'first';
  readonly query?: 'stripped' | 'rebuilt';
  /** Ends every connection after so long, ms; or one on which nothing goes for so long. */
  readonly cutMs?: number;
  readonly idleMs?: number;
  /** Sends a client with the cookie of an earlier answer to the same target. */
  readonly sticky?: boolean;
  /** Answers upgrades with that status. */
  readonly refuses?: number;
  /** Adds so much to the Date header of plain answers, ms. */
  readonly dateShiftMs?: number;
}

/** Starts one on a free port; connections go to the targets (`ws://…`) in turn. */
export async function startEdge(targets: readonly string[], faults: EdgeFaults = {}): Promise<string> {
  let turn = 0;
  const server = createServer((_, response) => {
    response.setHeader('date', new Date(Date.now() + (faults.dateShiftMs ?? 0)).toUTCString());
    response.writeHead(404).end();
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request, socket, head) => {
    if (faults.refuses !== undefined) {
      socket.end(`HTTP/1.1 ${faults.refuses} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    const known = /edge=(\d+)/.exec(request.headers.cookie ?? '')?.[1];
    const index = faults.sticky === true && known !== undefined ? Number(known) : turn++ % targets.length;
    join(request, socket as Socket, head, { target: targets[index]!, index, faults });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Way {
  readonly target: string;
  readonly index: number;
  readonly faults: EdgeFaults;
}

function join(request: IncomingMessage, socket: Socket, head: Buffer, { target, index, faults }: Way): void {
  const { headers } = request;
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim());
  const protocols =
    faults.protocols === 'stripped' ? [] : faults.protocols === 'first' ? offered.slice(0, 1) : offered.filter(Boolean);
  const wanted = (headers['sec-websocket-extensions'] ?? '').includes('permessage-deflate');
  const upstream = new WebSocket(`${target}${asSent(request.url ?? '/', faults)}`, protocols, {
    autoPong: false,
    perMessageDeflate: wanted && faults.compression === undefined,
  });
  upstream.on('error', () => socket.destroy());
  upstream.on('unexpected-response', (_, response) => {
    socket.end(
      `HTTP/1.1 ${response.statusCode} ${response.statusMessage}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    );
  });
  // What comes before the client is there waits for it.
  const early: [event: string, ...rest: unknown[]][] = [];
  const keep = (...args: unknown[]) => void early.push(['message', ...args]);
  upstream.on('message', keep);
  upstream.once('open', () => {
    const server = new WebSocketServer({
      noServer: true,
      autoPong: false,
      perMessageDeflate: faults.compression === 'own' || upstream.extensions !== '',
      handleProtocols: () => upstream.protocol || false,
    });
    server.on('headers', (lines) => void lines.push(`Set-Cookie: edge=${index}; Path=/`));
    server.handleUpgrade(request, socket, head, (client) => {
      upstream.off('message', keep);
      splice(client, upstream, faults);
      for (const [event, ...rest] of early) upstream.emit(event, ...rest);
    });
  });
}

function asSent(url: string, { query }: EdgeFaults): string {
  if (query === 'stripped') return url.split('?', 1)[0]!;
  if (query !== 'rebuilt') return url;
  const [path, search = ''] = url.split('?');
  return `${path}?${new URLSearchParams(search)}`;
}

function splice(client: WebSocket, upstream: WebSocket, faults: EdgeFaults): void {
  let idle: NodeJS.Timeout | undefined;
  const cut = (): void => {
    client.terminate();
    upstream.terminate();
  };
  const moved = (): void => {
    clearTimeout(idle);
    if (faults.idleMs !== undefined) idle = setTimeout(cut, faults.idleMs);
  };
  const age = faults.cutMs === undefined ? undefined : setTimeout(cut, faults.cutMs);
  moved();
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    from.on('message', (data, binary) => {
      moved();
      const pass = (): void => {
        if (to.readyState === WebSocket.OPEN) to.send(data as Buffer, { binary });
      };
      if (faults.overtakes === true) setTimeout(pass, 50);
      else pass();
    });
    from.on('ping', (payload) => {
      moved();
      if (faults.pings === 'answered') from.pong(payload);
      else if (faults.pings !== 'dropped') to.ping(payload);
    });
    from.on('pong', (payload) => {
      moved();
      if (faults.pongs !== 'dropped' && to.readyState === WebSocket.OPEN) to.pong(payload);
    });
    from.on('error', () => {});
    from.on('close', () => {
      clearTimeout(idle);
      clearTimeout(age);
      to.close();
    });
  }
}
