// front: plain HTTP: http-proxy-3 moves bodies; this file keeps heads, 1xx answers and trailers as they were.
import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createProxyServer, type ProxyServer } from 'http-proxy-3';
import type { Report } from '../delivery/ports.ts';
import { patiently } from '../time/patience.ts';
import { onStandstill } from '../time/pulse.ts';
import type { FrontCounters } from './counters.ts';
import { hasToken, headerValues, tokens } from './headers.ts';
import { namedHeaders, outgoingHead, withoutFraming } from './outgoing.ts';
import { flushSoon, pairs, passInterim, passResponse } from './response.ts';
import { targetOf } from './target.ts';
import { createAgent, type Upstream } from './upstream.ts';

export interface ForwarderDeps {
  readonly upstream: Upstream;
  readonly counters: FrontCounters;
  /**
   * Longest time from a request to an open connection, TLS included, ms. An open request has no
   * limit, because uploads and event streams last.
   */
  readonly connectTimeoutMs: number;
  /** Largest response head, bytes. */
  readonly headerBytes: number;
  readonly report: Report;
}

export interface Forwarder {
  /**
   * Passes one request on and its answer back. A failure becomes a 502, a 504 or a response that
   * breaks off. Retries nothing.
   */
  forward(request: IncomingMessage, response: ServerResponse): void;
  /** Gives up a request that was passed on. The client gets no answer from here. */
  abort(request: IncomingMessage): void;
  /** Number of connections to the upstream, idle ones included. */
  readonly upstreams: number;
  /** Closes the idle connections to the upstream. */
  close(): void;
}

/** The upstream has accepted no connection in time. */
class ConnectTimeout extends Error {}

export function createForwarder(deps: ForwarderDeps): Forwarder {
  const { upstream, counters, report } = deps;
  const agent = createAgent(upstream);
  /** Made for the first request: it loads much that a sidecar without plain HTTP never needs. */
  let proxy: ProxyServer | undefined;
  /** What is asked of the upstream, by the request that it is for. */
  const asked = new WeakMap<IncomingMessage, ClientRequest>();
  // During a standstill the upstream may have closed idle connections, and the next request may be
  // read before their end.
  const stopWatching = onStandstill(() => {
    for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
  });
  function openProxy(): ProxyServer {
    const opened = createProxy(upstream, agent);
    // biome-ignore lint/complexity/useMaxParams: http-proxy-3 calls it so.
    opened.on('proxyReq', (outgoing, request, response, _options, socket) => {
      asked.set(request, outgoing);
      limitConnect(outgoing, socket, deps.connectTimeoutMs);
      outgoing.once('close', () => {
        // node:http lets a 101 that nobody asked for end without an error.
        if (!response.headersSent) fail(response, new Error('the upstream closed the connection without an answer'));
        // The rest of an upload that the upstream did not take must not block the client's
        // connection.
        request.resume();
      });
      try {
        prepareRequest(outgoing, request, response, upstream.basePath);
      } catch (error) {
        outgoing.destroy(error as Error);
      }
    });
    opened.on('proxyRes', (incoming, request, response) => {
      try {
        passResponse(incoming, request, response);
      } catch (error) {
        incoming.destroy();
        fail(response, error);
      }
      incoming.on('error', (error) => fail(response, error));
    });
    return opened;
  }

  /** Answers and counts at most once per request, however many of its four streams break. */
  function fail(response: ServerResponse, error: unknown): void {
    if (response.destroyed || response.writableEnded) return;
    counters.requestErrors++;
    if (isShortage(error)) counters.descriptorsShort++;
    report({ stage: 'relay.http', error });
    if (response.headersSent) response.destroy();
    else refuse(response, error);
  }

  function forward(request: IncomingMessage, response: ServerResponse): void {
    counters.requests++;
    // http-proxy-3 adds a Content-Length of its own to DELETE and OPTIONS unless it finds this
    // spelling.
    request.headers = namedHeaders(outgoingHead(request, upstream).headers, 'content-length') as IncomingHttpHeaders;
    // After the upstream's head its body decides. A complete answer may come with a refusal to read
    // the rest of the request.
    const onError = (error: Error) => response.headersSent || fail(response, error);
    try {
      // `ssl` is what the library spreads into the options of http.request, secure or not.
      proxy ??= openProxy();
      proxy.web(request, response, { ssl: { maxHeaderSize: deps.headerBytes } }, onError);
    } catch (error) {
      fail(response, error);
    }
  }
  return {
    forward,
    abort: (request) => asked.get(request)?.destroy(),
    get upstreams() {
      return count(agent.sockets) + count(agent.freeSockets);
    },
    close() {
      stopWatching();
      agent.destroy();
    },
  };
}

function createProxy(upstream: Upstream, agent: Agent): ProxyServer {
  return createProxyServer({
    target: {
      protocol: upstream.secure ? 'https:' : 'http:',
      host: upstream.host,
      hostname: upstream.host,
      port: upstream.port,
      ...(upstream.socketPath === undefined ? {} : { socketPath: upstream.socketPath }),
    },
    agent,
    secure: upstream.verifyTls,
    toProxy: true, // Without it the library normalises the path, and throws where it cannot.
    selfHandleResponse: true, // Without it the library changes response headers.
  });
}

/** Completes the outgoing request when it has its socket, before a byte is written. */
function prepareRequest(
  outgoing: ClientRequest,
  request: IncomingMessage,
  response: ServerResponse,
  basePath: string,
): void {
  const raw = request.rawHeaders;
  outgoing.path = targetOf(request, basePath).path;
  // node:http takes an empty Host for none, and would put the upstream's name in its place.
  if (headerValues(raw, 'host')[0] === '') outgoing.setHeader('Host', '');
  if (hasToken(raw, 'te', 'trailers')) outgoing.setHeader('TE', 'trailers');
  const framing = headerValues(raw, 'transfer-encoding');
  if (framing.length > 0) {
    outgoing.removeHeader('content-length');
    // Some backends compare with `chunked`, letter by letter, and would read the body as a request.
    const codings = framing.flatMap(tokens).filter((coding) => coding !== '');
    outgoing.setHeader('Transfer-Encoding', codings.join(', '));
    const announced = headerValues(raw, 'trailer');
    if (announced.length > 0) outgoing.setHeader('Trailer', announced.join(', '));
    // This listener stands before the library's own, which ends the outgoing request.
    request.prependListener('end', () => outgoing.addTrailers(pairs(request.rawTrailers)));
  } else {
    const at = raw.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'content-length');
    if (at === -1) withoutFraming(outgoing);
    // The header keeps its place and the client's spelling.
    else outgoing.setHeader(raw[at]!, raw[at + 1]!);
  }
  passInterim(outgoing, request, response);
  flushSoon(outgoing);
}

/** Gives a dial `ms` ms, TLS included. */
export function limitConnect(outgoing: ClientRequest, socket: Socket, ms: number): void {
  if (!socket.connecting) return;
  const wait = patiently(ms, () => outgoing.destroy(new ConnectTimeout(`no connection within ${ms} ms`)));
  socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => wait.cancel());
  outgoing.once('close', () => wait.cancel());
}

function refuse(response: ServerResponse, error: unknown): void {
  const { status, text } = unreachable(error);
  const body = `${text}\n`;
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(body) };
  response.writeHead(status, headers).end(body);
}

/** The answer for a client whose request has met no upstream. */
export function unreachable(error: unknown): { status: 502 | 503 | 504; text: string } {
  if (error instanceof ConnectTimeout) return { status: 504, text: 'the upstream did not accept a connection in time' };
  if (isShortage(error)) return { status: 503, text: 'there are too many connections' };
  return { status: 502, text: 'the upstream could not be reached' };
}

/** Whether no file descriptor is left, in this process (EMFILE) or on this machine (ENFILE). */
export function isShortage(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'EMFILE' || code === 'ENFILE';
}

function count(sockets: NodeJS.ReadOnlyDict<unknown[]>): number {
  let sum = 0;
  for (const name in sockets) sum += sockets[name]!.length;
  return sum;
}
