// front: the public port. Sorts what arrives into handshakes, plain HTTP and the mounted pages, within limits, and stops in order.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { answerHere, type Rejoining } from './accept.ts';
import { answer } from './answers.ts';
import { type ClientErrors, createClientErrors } from './client-errors.ts';
import { createDescriptors, type Descriptors } from './descriptors.ts';
import { createExchanges, type Exchanges } from './exchanges.ts';
import { createForwarder, type Forwarder } from './http.ts';
import { countClients, createPublicServer, listenOn, turnAway } from './public-server.ts';
import { refusalOf } from './refusals.ts';
import { reinject } from './reinject.ts';
import { targetOf } from './target.ts';
import { createTunnels, mayTunnel, type Tunnels } from './tunnel.ts';
import { createUpgrader, isHandshake, type UpgradeDeps, type Upgrader } from './upgrade.ts';
import type { Caller } from './upgraded.ts';

/** Why a handshake is not let in. */
export interface Refusal {
  readonly status: number;
  /** One line for the client. */
  readonly reason: string;
  /** Where it is counted. */
  readonly counter?: 'refusedByLimit' | 'refusedByUserLimit' | 'refusedByMemory' | 'refusedWhileStopping';
}

/** What becomes of a handshake at the door: it is refused, or let in with what was learned of it. */
export type Admission<T> = { readonly refusal: Refusal } | { readonly ticket: T };

/** `T`: what `admit` learned of a request. */
export interface ListenerDeps<T> extends Omit<UpgradeDeps<T>, 'handshakeTimeoutMs' | 'headerBytes' | 'exchanges'> {
  /**
   * Asked before each handshake is passed on. A promise holds the handshake until it resolves; one that rejects is reported, and lets
   * the handshake in without a ticket. Default: all are let in, without a ticket.
   */
  admit?(request: IncomingMessage): Admission<T> | Promise<Admission<T>>;
  /** Asked before the upstream is; undefined passes the handshake on. */
  rejoin?(request: IncomingMessage, ticket: T | undefined): Rejoining | undefined;
  /** Whether one more connection would be within the limit: asked before an upgrade that is no WebSocket. Default: always. */
  room?(): boolean;
  /** Pages that are ours: `path` and everything below it. `handle` sees the URL in origin form, prefix included. */
  readonly mount?:
    | { readonly path: string; handle(request: IncomingMessage, response: ServerResponse): void }
    | undefined;
  /** From a handshake to the upstream's answer, and from a plain request to a connection; ms. */
  readonly handshakeTimeoutMs: number;
  /** Largest message head, both ways, bytes. Default 65,536. */
  readonly headerBytes?: number;
  /** From the first byte (or the connection) to the end of the request head, ms. Default 15,000. */
  readonly headersTimeoutMs?: number;
  /** How long an idle connection stays open, ms. Default 620,000: longer than the 600 s after which cloud load balancers give up theirs. */
  readonly keepAliveTimeoutMs?: number;
  /** How long a client may send nothing of its body, or take nothing of its answer, ms; 0 = for ever. */
  readonly stallMs: number;
  /** Open connections that were upgraded, each with a socket to the upstream. Default: none. */
  connections?(): number;
  /** Sockets of this process that neither clients nor the upstream hold. Default: none. */
  otherSockets?(): number;
  /** Default: those of this process. */
  readonly descriptors?: Descriptors;
}

export interface Listener {
  /** For tests and for attaching `listening` state to readiness; do not add request listeners. */
  readonly server: Server;
  /** Handshakes in progress, and upgrades that are no WebSockets: they count towards a connection limit. */
  readonly handshaking: number;
  /** Plain requests that were passed on and are not answered to their end. */
  answering(): number;
  /** Rejects when the address cannot be had. Port 0 picks a free one. */
  listen(host: string, port: number): Promise<AddressInfo>;
  /**
   * Accepts no connection and no handshake any more, closes idle connections, lets requests in flight finish. Resolves at once
   * when nothing new can arrive; connections that were upgraded are their owner's to close.
   */
  stopAccepting(): Promise<void>;
  /** Breaks off what is left of plain HTTP and of handshakes. Upgraded sockets are untouched. */
  close(): Promise<void>;
}

/** The whole front. Requests and answers may take as long as they like while they move; heads, handshakes and dials may not. */
export function createListener<T = undefined>(deps: ListenerDeps<T>): Listener {
  const { handshakeTimeoutMs, headerBytes = 65_536, stallMs, counters, report } = deps;
  const { headersTimeoutMs = 15_000, keepAliveTimeoutMs = 620_000 } = deps;
  const checkMs = Math.max(50, Math.min(5_000, headersTimeoutMs / 3));
  const server = createPublicServer({ headerBytes, headersTimeoutMs, checkMs, keepAliveTimeoutMs });
  const forwarder = createForwarder({ ...deps, connectTimeoutMs: handshakeTimeoutMs, headerBytes });
  const exchanges = createExchanges({ counters, stallMs, report, abort: (request) => forwarder.abort(request) });
  const upgrader = createUpgrader({ ...deps, handshakeTimeoutMs, headerBytes, exchanges });
  const tunnels = createTunnels({ ...deps, server, connectTimeoutMs: handshakeTimeoutMs, headerBytes, exchanges });
  const turns: Routes<T>['turns'] = new WeakMap();
  const heads: Routes<T>['heads'] = new WeakMap();
  const errors = createClientErrors({
    ...{ counters, headersTimeoutMs, checkMs },
    responding: (socket) => turns.get(socket)?.headersSent === true,
    heads: (socket) => heads.get(socket) ?? 0,
  });
  const descriptors =
    deps.descriptors ??
    createDescriptors({
      clients: countClients(server),
      upstreams: () => forwarder.upstreams + upgrader.handshaking + tunnels.open + (deps.connections?.() ?? 0),
      others: deps.otherSockets ?? (() => 0),
    });
  turnAway(server, descriptors, counters, report);
  const routes: Routes<T> = {
    ...{ deps, server, upgrader, forwarder, tunnels, exchanges, descriptors },
    ...{ turns, heads, errors, held: new Set<Finish<T>>(), stopping: false, answering: 0 },
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse) => routeRequest(routes, request, response);
  server.on('request', onRequest);
  server.on('checkContinue', onRequest);
  server.on('checkExpectation', onRequest);
  server.on('upgrade', (request, socket, head) => {
    noteHead(routes, socket as Socket);
    const caller: Caller = { request, socket: socket as Socket, head };
    afterTurn(routes, caller.socket, () => routeUpgrade(routes, caller));
  });
  // node:http would close the connection without a word.
  server.on('connect', (_, socket) => {
    deps.counters.badRequests++;
    afterTurn(routes, socket as Socket, () => answer(socket as Socket, 501, 'CONNECT is not passed on'));
  });
  server.on('clientError', (error, socket) => routes.errors.answer(error, socket as Socket));

  async function stopAccepting(): Promise<void> {
    routes.stopping = true;
    server.close();
    server.closeIdleConnections();
  }
  return {
    server,
    get handshaking() {
      return upgrader.handshaking + routes.held.size + tunnels.open;
    },
    answering: () => routes.answering,
    listen: (host, port) => listenOn(server, host, port, counters, report),
    stopAccepting,
    async close() {
      await stopAccepting();
      upgrader.abort();
      tunnels.close();
      for (const finish of [...routes.held]) finish(STOPPING);
      server.closeAllConnections();
      forwarder.close();
    },
  };
}

type Finish<T> = (admission: Admission<T> | undefined) => void;

/** What the event handlers of one listener share. */
interface Routes<T> {
  readonly deps: ListenerDeps<T>;
  readonly server: Server;
  readonly upgrader: Upgrader<T>;
  readonly forwarder: Forwarder;
  readonly tunnels: Tunnels;
  readonly exchanges: Exchanges;
  readonly descriptors: Descriptors;
  /** The last response begun on each connection, until it is out. */
  readonly turns: WeakMap<Socket, ServerResponse>;
  /** How many heads of a connection have been read. */
  readonly heads: WeakMap<Socket, number>;
  readonly errors: ClientErrors;
  /** Handshakes whose admission is being decided: what ends the wait of each. */
  readonly held: Set<Finish<T>>;
  stopping: boolean;
  answering: number;
}

function routeRequest<T>(routes: Routes<T>, request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  const { mount } = routes.deps;
  routes.turns.set(socket, response);
  response.once('close', () => {
    if (routes.turns.get(socket) === response) routes.turns.delete(socket);
    if (routes.stopping) routes.server.closeIdleConnections();
  });
  noteHead(routes, socket);
  const refused = refusalOf(request);
  if (routes.stopping || refused !== undefined || routes.descriptors.scarce) response.shouldKeepAlive = false;
  if (refused !== undefined) {
    routes.deps.counters.badRequests++;
    // What the parser will still say about it is the same refusal.
    routes.errors.answered(socket);
    const body = `${refused.reason}\n`;
    const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(body) };
    response.writeHead(refused.status, headers).end(body);
    return;
  }
  routes.exchanges.begin(request, response);
  if (mount === undefined || !isBelow(mount.path, request)) {
    routes.answering++;
    response.once('close', () => routes.answering--);
    routes.forwarder.forward(request, response);
    return;
  }
  request.url = targetOf(request, '').path;
  mount.handle(request, response);
}

function routeUpgrade<T>(routes: Routes<T>, caller: Caller): void {
  const { deps, server } = routes;
  const { request, socket, head } = caller;
  const refused = refusalOf(request);
  if (refused !== undefined) {
    deps.counters.badRequests++;
    answer(socket, refused.status, refused.reason);
    return;
  }
  if (!isHandshake(request)) {
    const ours = routes.stopping || (deps.mount !== undefined && isBelow(deps.mount.path, request));
    if (!ours && mayTunnel(request) && deps.room?.() !== false) routes.tunnels.start(request, socket, head);
    else reinject(server, request, socket, head);
    return;
  }
  if (deps.mount !== undefined && isBelow(deps.mount.path, request)) {
    answer(socket, 404, 'there is no WebSocket here');
    return;
  }
  const admission = routes.stopping ? STOPPING : deps.admit?.(request);
  if (admission instanceof Promise) hold(routes, caller, admission);
  else proceed(routes, caller, admission);
}

/** Keeps a handshake back until its admission is decided; a client that leaves meanwhile is let go. */
function hold<T>(routes: Routes<T>, caller: Caller, admission: Promise<Admission<T>>): void {
  const { socket } = caller;
  let gone = false;
  const leave = (): void => {
    gone = true;
  };
  const finish: Finish<T> = (decided) => {
    if (!routes.held.delete(finish)) return;
    socket.off('error', leave).off('close', leave);
    if (gone || socket.destroyed) {
      routes.deps.counters.clientGone++;
      socket.destroy();
      return;
    }
    proceed(routes, caller, routes.stopping ? STOPPING : decided);
  };
  routes.held.add(finish);
  socket.on('error', leave).on('close', leave);
  admission.then(finish, (error: unknown) => {
    // Whoever is to decide is broken: the relay goes on without (SPEC D8).
    routes.deps.report({ stage: 'relay.admit', error });
    finish(undefined);
  });
}

/** The handshake is refused, answered here, or passed on. `admission` undefined: nobody could decide, so it is let in. */
function proceed<T>({ deps, upgrader }: Routes<T>, caller: Caller, admission: Admission<T> | undefined): void {
  const { request, socket } = caller;
  if (admission !== undefined && 'refusal' in admission) {
    const { status, reason, counter = 'refusedByLimit' } = admission.refusal;
    deps.counters[counter]++;
    deps.report({ stage: 'relay.limit', error: new Error(`handshake refused with ${status}: ${reason}`) });
    answer(socket, status, reason, status === 503 || status === 429 ? ['Retry-After', '1'] : []);
    return;
  }
  const ticket = admission?.ticket;
  const rejoining = deps.rejoin?.(request, ticket);
  if (rejoining === undefined) upgrader.start(caller, ticket);
  else answerHere(caller, rejoining);
}

const STOPPING: { readonly refusal: Refusal } = {
  refusal: { status: 503, reason: 'the sidecar is shutting down', counter: 'refusedWhileStopping' },
};

function noteHead<T>({ heads }: Routes<T>, socket: Socket): void {
  heads.set(socket, (heads.get(socket) ?? 0) + 1);
}

/** Runs `next` when the response before it on that connection is out: a client may pipeline a handshake behind a request. */
function afterTurn<T>(routes: Routes<T>, socket: Socket, next: () => void): void {
  const turn = routes.turns.get(socket);
  if (turn === undefined) {
    next();
    return;
  }
  const gone = (): void => {
    turn.destroy();
  };
  socket.on('error', gone).once('close', gone);
  turn.once('close', () => {
    socket.off('error', gone).off('close', gone);
    if (socket.writable && turn.writableFinished) next();
    else socket.destroy();
  });
}

/** Whether the request is for a mounted path: for it or for something under it, not for one that merely begins alike. */
function isBelow(mount: string, request: IncomingMessage): boolean {
  const { path } = targetOf(request, '');
  return path.startsWith(mount) && /^(?:[/?]|$)/.test(path.slice(mount.length));
}
