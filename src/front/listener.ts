// front: the public port: sorts arrivals into handshakes, plain HTTP and mounted pages, within limits.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { answerHere, type Rejoining } from './accept.ts';
import { answer } from './answers.ts';
import { type ClientErrors, createClientErrors } from './client-errors.ts';
import { createDescriptors, type Descriptors } from './descriptors.ts';
import { createExchanges, type Exchanges } from './exchanges.ts';
import type { FarEnd } from './far-end.ts';
import { createForwarder, type Forwarder } from './http.ts';
import { countClients, createPublicServer, handOver, listenOn, turnAway } from './public-server.ts';
import { refusalOf, turnDown } from './refusals.ts';
import { reinject } from './reinject.ts';
import { createResting } from './resting.ts';
import { isBelow, targetOf } from './target.ts';
import { createTunnels, mayTunnel, type Tunnels } from './tunnel.ts';
import { createTurns, type Turns } from './turns.ts';
import { createUpgrader, isHandshake, type UpgradeDeps, type Upgrader } from './upgrade.ts';
import type { Caller } from './upgraded.ts';

/** The refusal of a handshake. */
export interface Refusal {
  readonly status: number;
  /** Reason for the client, one line. */
  readonly reason: string;
  /** Counter of the refusal. */
  readonly counter?: 'refusedByLimit' | 'refusedByUserLimit' | 'refusedByMemory' | 'refusedWhileStopping';
}

/** Decision on a handshake: it is refused, or let in with what was learned of it. */
export type Admission<T> = { readonly refusal: Refusal } | { readonly ticket: T };

/** `T` is what `admit` has learned of a request. */
export interface ListenerDeps<T> extends Omit<UpgradeDeps<T>, 'handshakeTimeoutMs' | 'headerBytes' | 'exchanges'> {
  /**
   * Is asked before a handshake is passed on. Without an answer, or if it rejects (reported), the
   * handshake is let in without a ticket.
   */
  admit?(request: IncomingMessage): Admission<T> | Promise<Admission<T>>;
  /** Is asked before the upstream; undefined = the handshake is passed on. */
  rejoin?(request: IncomingMessage, ticket: T | undefined): Rejoining | undefined;
  /** Whether an upgrade that is no WebSocket is within the limit. Default: always. */
  room?(): boolean;
  /** Pages of ours at `path` and below. `handle` gets the URL in origin form, prefix included. */
  readonly mount?:
    | { readonly path: string; handle(request: IncomingMessage, response: ServerResponse): void }
    | undefined;
  /** Answers WebSockets that are this process's own. */
  readonly farEnd?: FarEnd | undefined;
  /** Longest time from a handshake to its answer, and from a plain request to a connection, ms. */
  readonly handshakeTimeoutMs: number;
  /** Largest message head, both ways, bytes. Default 65,536. */
  readonly headerBytes?: number;
  /**
   * Longest time from the first byte (or the connection) to the end of a head, ms. Default 15,000.
   */
  readonly headersTimeoutMs?: number;
  /** Longest idle time of a connection, ms. Default 620,000: load balancers wait for 600 s. */
  readonly keepAliveTimeoutMs?: number;
  /** Silence before the system asks whether a client is there, ms. Default 0 = never. */
  readonly probeMs?: number;
  /** Longest pause of a client in its body, or in the reading of its answer, ms; 0 = for ever. */
  readonly stallMs: number;
  /** Number of open upgraded connections, each with a socket to the upstream. Default: 0. */
  connections?(): number;
  /** Number of sockets that neither clients nor the upstream hold. Default: 0. */
  otherSockets?(): number;
  /** Default: the descriptors of this process. */
  readonly descriptors?: Descriptors;
}

export interface Listener {
  /** The server, for tests and its `listening` state. Request listeners must not be added. */
  readonly server: Server;
  /** Handshakes in progress, and open tunnels. They count towards a connection limit. */
  readonly handshaking: number;
  /** WebSocket handshakes that the upstream has not answered yet. */
  upgrading(): number;
  /** Plain requests that were passed on and are not answered to their end. */
  answering(): number;
  /** Rejects when the address cannot be had. Port 0 picks a free one. */
  listen(host: string, port: number): Promise<AddressInfo>;
  /** Takes no more connections and handshakes; requests in flight may finish. */
  stopAccepting(): Promise<void>;
  /** Breaks off plain HTTP and handshakes. Upgraded sockets stay. */
  close(): Promise<void>;
}

/** Builds the port. Requests and answers may last while they move. */
export function createListener<T = undefined>(deps: ListenerDeps<T>): Listener {
  const { handshakeTimeoutMs, headerBytes = 65_536, stallMs, counters, report } = deps;
  const { headersTimeoutMs = 15_000, keepAliveTimeoutMs = 620_000, probeMs = 0 } = deps;
  const checkMs = Math.max(50, Math.min(5_000, headersTimeoutMs / 3));
  const server = createPublicServer({ headerBytes, headersTimeoutMs, checkMs, keepAliveTimeoutMs, probeMs });
  const connectTimeoutMs = handshakeTimeoutMs;
  const forwarder = createForwarder({ ...deps, connectTimeoutMs, headerBytes });
  const exchanges = createExchanges({ counters, stallMs, report, abort: (request) => forwarder.abort(request) });
  const onUpgraded: typeof deps.onUpgraded = (upgraded, ticket) => {
    handOver(upgraded.client);
    deps.onUpgraded(upgraded, ticket);
  };
  const upgrader = createUpgrader({ ...deps, handshakeTimeoutMs, headerBytes, exchanges, onUpgraded });
  const resting = createResting(keepAliveTimeoutMs);
  const rests = (socket: Socket) => resting.begin(socket);
  const tunnels = createTunnels({ ...deps, server, rests, connectTimeoutMs, headerBytes, exchanges });
  const turns = createTurns();
  const heads: Routes<T>['heads'] = new WeakMap();
  const errors = createClientErrors({
    ...{ counters, headersTimeoutMs, checkMs },
    after: turns.after,
    rests: (socket) => resting.has(socket) || turns.busy(socket),
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
  for (const name of ['request', 'checkContinue', 'checkExpectation']) server.on(name, onRequest);
  server.on('upgrade', (request, socket, head) => {
    noteHead(routes, socket as Socket);
    const caller: Caller = { request, socket: socket as Socket, head };
    turns.after(caller.socket, () => routeUpgrade(routes, caller));
  });
  // node:http would close the connection without an answer.
  server.on('connect', (_, socket) => {
    deps.counters.badRequests++;
    turns.after(socket as Socket, () => answer(socket as Socket, 501, 'CONNECT is not passed on'));
  });
  server.on('clientError', (error, socket) => routes.errors.answer(error, socket as Socket));

  async function stopAccepting(): Promise<void> {
    routes.stopping = true;
    server.close();
    server.closeIdleConnections();
    resting.close();
  }
  return {
    server,
    upgrading: () => upgrader.handshaking,
    get handshaking() {
      return upgrader.handshaking + routes.held.size + tunnels.open;
    },
    answering: () => routes.answering,
    listen: (host, port) => listenOn(server, { host, port }, counters, report),
    stopAccepting,
    async close() {
      await stopAccepting();
      upgrader.abort();
      tunnels.close();
      deps.farEnd?.close();
      for (const finish of [...routes.held]) finish(STOPPING);
      server.closeAllConnections();
      forwarder.close();
    },
  };
}

type Finish<T> = (admission: Admission<T> | undefined) => void;

/** The parts that the event handlers of one listener share. */
interface Routes<T> {
  readonly deps: ListenerDeps<T>;
  readonly server: Server;
  readonly upgrader: Upgrader<T>;
  readonly forwarder: Forwarder;
  readonly tunnels: Tunnels;
  readonly exchanges: Exchanges;
  readonly descriptors: Descriptors;
  readonly turns: Turns;
  /** Number of heads that have been read on each connection. */
  readonly heads: WeakMap<Socket, number>;
  readonly errors: ClientErrors;
  /** Handshakes whose admission is being decided: the function that ends the wait of each. */
  readonly held: Set<Finish<T>>;
  stopping: boolean;
  answering: number;
}

function routeRequest<T>(routes: Routes<T>, request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  response.once('close', () => {
    if (routes.stopping) routes.server.closeIdleConnections();
  });
  noteHead(routes, socket);
  const refused = refusalOf(request);
  if (routes.stopping || refused !== undefined || routes.descriptors.scarce) response.shouldKeepAlive = false;
  if (refused === undefined) {
    routes.turns.begin(socket, response, () => pass(routes, request, response));
    return;
  }
  routes.deps.counters.badRequests++;
  // The parser will report the same fault, which has its answer already.
  routes.errors.answered(socket);
  const body = `${refused.reason}\n`;
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(body) };
  routes.turns.begin(socket, response, () => response.writeHead(refused.status, headers).end(body));
}

/** Passes a plain request on, or answers it with a page of ours. */
function pass<T>(routes: Routes<T>, request: IncomingMessage, response: ServerResponse): void {
  const { mount } = routes.deps;
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
  // A client that ended its side behind earlier requests has left. Its socket has told so already.
  if (socket.readableEnded) {
    deps.counters.clientGone++;
    socket.destroy();
    return;
  }
  const refused = refusalOf(request);
  if (refused !== undefined) {
    deps.counters.badRequests++;
    turnDown(caller, refused.status, refused.reason);
    return;
  }
  if (!isHandshake(request)) {
    const ours = routes.stopping || (deps.mount !== undefined && isBelow(deps.mount.path, request));
    if (!ours && mayTunnel(request) && deps.room?.() !== false) routes.tunnels.start(request, socket, head);
    else reinject(server, request, socket, head);
    return;
  }
  if (deps.mount !== undefined && isBelow(deps.mount.path, request)) {
    turnDown(caller, 404, 'there is no WebSocket here');
    return;
  }
  if (deps.farEnd?.take(request, socket, head) === true) return;
  const admission = routes.stopping ? STOPPING : deps.admit?.(request);
  if (admission instanceof Promise) hold(routes, caller, admission);
  else proceed(routes, caller, admission);
}

/** Keeps a handshake back until its admission is decided, or its client leaves. */
function hold<T>(routes: Routes<T>, caller: Caller, admission: Promise<Admission<T>>): void {
  const { socket } = caller;
  let gone = false;
  const leave = (): void => {
    gone = true;
  };
  const finish: Finish<T> = (decided) => {
    if (!routes.held.delete(finish)) return;
    socket.off('error', leave).off('end', leave).off('close', leave);
    if (gone || socket.destroyed || socket.readableEnded) {
      routes.deps.counters.clientGone++;
      socket.destroy();
      return;
    }
    proceed(routes, caller, routes.stopping ? STOPPING : decided);
  };
  routes.held.add(finish);
  socket.on('error', leave).on('end', leave).on('close', leave);
  admission.then(finish, (error: unknown) => {
    // A bug in `admit` must not stop the relay (SPEC D8).
    routes.deps.report({ stage: 'relay.admit', error });
    finish(undefined);
  });
}

/** Refuses a handshake, answers it here, or passes it on. Without an `admission` it is let in. */
function proceed<T>({ deps, upgrader }: Routes<T>, caller: Caller, admission: Admission<T> | undefined): void {
  if (admission !== undefined && 'refusal' in admission) {
    const { status, reason, counter = 'refusedByLimit' } = admission.refusal;
    deps.counters[counter]++;
    deps.report({ stage: 'relay.limit', error: new Error(`handshake refused with ${status}: ${reason}`) });
    turnDown(caller, status, reason, status === 503 || status === 429 ? { headers: ['Retry-After', '1'] } : {});
    return;
  }
  const ticket = admission?.ticket;
  const rejoining = deps.rejoin?.(caller.request, ticket);
  if (rejoining === undefined) upgrader.start(caller, ticket);
  else answerHere(caller, rejoining);
}

const STOPPING: { readonly refusal: Refusal } = {
  refusal: { status: 503, reason: 'the sidecar is shutting down', counter: 'refusedWhileStopping' },
};

function noteHead<T>({ heads }: Routes<T>, socket: Socket): void {
  heads.set(socket, (heads.get(socket) ?? 0) + 1);
}
