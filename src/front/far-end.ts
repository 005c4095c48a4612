// front: the far end of `ackspan check --through`: WebSockets answered here, which tell what has come through.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Report } from '../delivery/ports.ts';
import { answer } from './answers.ts';
import { isProbeTicket, TICKET_MS } from './probe-ticket.ts';

/**
 * What the far end says of a connection as soon as it is there: what the handshake was when it came
 * here.
 */
export interface FarHello {
  readonly ackspan: 'far end';
  /** Names the process, so that two connections can be compared. */
  readonly instance: string;
  readonly version: string;
  /** ms since the epoch. */
  readonly now: number;
  /** The request target behind the ticket: `''`, or a query with its `?`. */
  readonly query: string;
  /** The headers `Sec-WebSocket-Protocol` and `-Extensions`; '' = there was none. */
  readonly protocols: string;
  readonly extensions: string;
  /** What was agreed to. */
  readonly protocol: string;
  readonly agreed: string;
  readonly facts: FarFacts;
}

/** What the process says of itself. */
export interface FarFacts {
  readonly store: { readonly kind: string; readonly degraded: string | null };
  /**
   * File descriptors that the process may have, and that `limits.connections` needs; null = not
   * known here.
   */
  readonly descriptors: { readonly allowed: number | null; readonly needed: number };
}

/**
 * What the far end says when it is asked: which pings and pongs have come, by payload, in order.
 */
export interface FarReport {
  readonly pings: readonly string[];
  readonly pongs: readonly string[];
}

export interface FarEndDeps {
  /** Prefix of the paths that are answered here. */
  readonly path: string;
  /** The admin token, which a probe must show. */
  readonly token: string;
  readonly version: string;
  facts(): FarFacts;
  /** ms since the epoch. */
  wall(): number;
  readonly report: Report;
}

export interface FarEnd {
  /** Answers a handshake, if it is one of its. */
  take(request: IncomingMessage, socket: Socket, head: Buffer): boolean;
  /** Ends every probe. */
  close(): void;
}

/** Most probes at once, over all callers: they hold descriptors and are no traffic. */
const PROBES = 64;
/** Pings and pongs that are remembered of one probe. */
const REMEMBERED = 1000;
/** Longest message of a probe, bytes. */
const MESSAGE_BYTES = 4096;
/**
 * The subprotocols that are offered. The second is agreed to where it comes, so that an edge that
 * chooses itself shows.
 */
export const PROBE_PROTOCOLS = ['ackspan.probe.a', 'ackspan.probe.b'] as const;

export function createFarEnd(deps: FarEndDeps): FarEnd {
  const { path, token, version, facts, wall, report } = deps;
  const instance = randomBytes(6).toString('hex');
  const sockets = new Set<WebSocket>();
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: { threshold: 0 },
    maxPayload: MESSAGE_BYTES,
    handleProtocols: (offered) => PROBE_PROTOCOLS.toReversed().find((each) => offered.has(each)) ?? false,
  });

  function begin(socket: WebSocket, request: IncomingMessage): void {
    sockets.add(socket);
    const life = setTimeout(() => socket.terminate(), TICKET_MS).unref();
    const pings: string[] = [];
    const pongs: string[] = [];
    const note = (list: string[], payload: Buffer): void => {
      if (list.length < REMEMBERED) list.push(payload.toString('latin1'));
    };
    socket.on('ping', (payload) => note(pings, payload));
    socket.on('pong', (payload) => note(pongs, payload));
    socket.on('close', () => {
      sockets.delete(socket);
      clearTimeout(life);
    });
    // The close that follows says all that there is to know of a probe.
    socket.on('error', () => {});
    socket.on('message', (data) => serve(socket, String(data), { pings, pongs }));
    const { url = '', headers } = request;
    const cut = url.indexOf('?');
    const hello: FarHello = {
      ackspan: 'far end',
      ...{ instance, version, now: wall(), query: cut < 0 ? '' : url.slice(cut) },
      protocols: headers['sec-websocket-protocol'] ?? '',
      extensions: headers['sec-websocket-extensions'] ?? '',
      ...{ protocol: socket.protocol, agreed: socket.extensions, facts: facts() },
    };
    send(socket, hello);
  }

  function open(request: IncomingMessage, socket: Socket, head: Buffer): void {
    try {
      server.handleUpgrade(request, socket, head, (probe) => begin(probe, request));
    } catch (error) {
      report({ stage: 'relay.handshake', error });
      socket.destroy();
    }
  }

  return {
    take(request, socket, head) {
      const [target = ''] = (request.url ?? '').split('?', 1);
      if (!target.startsWith(`${path}/`)) return false;
      if (!isProbeTicket(target.slice(path.length + 1), token, wall()))
        answer(socket, 403, 'this is for ackspan check --through, with the admin token');
      else if (sockets.size >= PROBES) answer(socket, 503, `${PROBES} probes are the most`);
      else open(request, socket, head);
      return true;
    },
    close() {
      for (const socket of sockets) socket.terminate();
      server.close();
    },
  };
}

/**
 * What a probe may ask for: `ping:TEXT` sends a message, a ping with that payload and a message;
 * `report` is answered.
 */
function serve(socket: WebSocket, asked: string, seen: FarReport): void {
  if (asked === 'report') send(socket, { report: seen });
  const [, payload] = /^ping:([\w-]{1,64})$/.exec(asked) ?? [];
  if (payload === undefined) return;
  send(socket, { before: payload });
  socket.ping(payload);
  send(socket, { after: payload });
}

/** Uncompressed, so that nothing is put off on its way through this process. */
function send(socket: WebSocket, message: object): void {
  socket.send(JSON.stringify(message), { compress: false });
}
