// relay, plain HTTP: http-proxy-3 moves the bodies; this file keeps heads, 1xx answers and trailers as they were, and counts.
import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createProxyServer, type ProxyServer } from 'http-proxy-3';
import type { FrontCounters } from './front-counters.ts';
import {
  addForwarded,
  formatHead,
  hasToken,
  headerValues,
  plainAddress,
  type RawHeaders,
  withoutHopByHop,
} from './headers.ts';
import { setHost, targetOf } from './target.ts';
import { createAgent, type Upstream } from './upstream.ts';

export interface ForwarderDeps {
  readonly upstream: Upstream;
  readonly counters: FrontCounters;
  /** From the request to an open connection, TLS included, ms. An open request has no time limit: uploads and SSE last. */
  readonly connectTimeoutMs: number;
  /** Largest response head, bytes. */
  readonly headerBytes: number;
  report(fault: { stage: string; error: unknown }): void;
}

export interface Forwarder {
  /** Passes one request on and its answer back; every failure becomes a 502, a 504 or a broken-off response. Retries nothing. */
  forward(request: IncomingMessage, response: ServerResponse): void;
  /** Closes the idle connections to the upstream. */
  close(): void;
}

class ConnectTimeout extends Error {}

export function createForwarder(deps: ForwarderDeps): Forwarder {
  const { upstream, counters, report } = deps;
  const agent = createAgent(upstream);
  const proxy = createProxy(upstream, agent);
  proxy.on('proxyReq', (outgoing, request, response, _options, socket) => {
    limitConnect(outgoing, socket, deps.connectTimeoutMs);
    outgoing.once('close', () => {
      // node:http lets a 101 that nobody asked for end without an error.
      if (!response.headersSent) fail(response, new Error('the upstream closed the connection without an answer'));
      // The rest of an upload that the upstream did not take must not block the client's connection.
      request.resume();
    });
    try {
      prepareRequest(outgoing, request, response, upstream.basePath);
    } catch (error) {
      outgoing.destroy(error as Error);
    }
  });
  proxy.on('proxyRes', (incoming, request, response) => {
    try {
      passResponse(incoming, request, response);
    } catch (error) {
      incoming.destroy();
      fail(response, error);
    }
    incoming.on('error', (error) => fail(response, error));
  });

  /** At most one answer and one count per request, however many of its four streams break. */
  function fail(response: ServerResponse, error: unknown): void {
    if (response.destroyed || response.writableEnded) return;
    counters.requestErrors++;
    report({ stage: 'relay.http', error });
    if (response.headersSent) response.destroy();
    else refuse(response, error instanceof ConnectTimeout);
  }

  function forward(request: IncomingMessage, response: ServerResponse): void {
    counters.requests++;
    request.headers = outgoingHeaders(request, upstream.basePath) as IncomingHttpHeaders;
    // After the upstream's head its body tells: a complete answer may come with a refusal to read our request to its end.
    const onError = (error: Error) => response.headersSent || fail(response, error);
    try {
      // `ssl` is what the library spreads into the options of http.request, secure or not.
      proxy.web(request, response, { ssl: { maxHeaderSize: deps.headerBytes } }, onError);
    } catch (error) {
      fail(response, error);
    }
  }
  return { forward, close: () => agent.destroy() };
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
    toProxy: true, // Otherwise it normalises the path, and throws where it cannot.
    selfHandleResponse: true, // Otherwise it merges, reorders and lower-cases response headers.
  });
}

/** What the library hands to `http.request`: names in their own case, several lines as an array; Expect and Trailer come later. */
function outgoingHeaders(request: IncomingMessage, basePath: string): Record<string, string | string[]> {
  const raw = withoutHopByHop(request.rawHeaders);
  setHost(raw, targetOf(request, basePath).host);
  addForwarded(raw, { remoteAddress: plainAddress(request.socket.remoteAddress), proto: 'http' });
  const headers: Record<string, string | string[]> = Object.create(null);
  const spelling = new Map<string, string>();
  for (let i = 0; i < raw.length; i += 2) {
    const lower = raw[i]!.toLowerCase();
    // The library adds a Content-Length of its own to DELETE and OPTIONS unless it finds this spelling.
    const name = lower === 'content-length' ? lower : (spelling.get(lower) ?? raw[i]!);
    if (lower === 'expect' || lower === 'trailer') continue;
    spelling.set(lower, name);
    const before = headers[name];
    if (before === undefined) headers[name] = raw[i + 1]!;
    else if (typeof before === 'string') headers[name] = [before, raw[i + 1]!];
    else before.push(raw[i + 1]!);
  }
  return headers;
}

/** Runs when the outgoing request has its socket, before a byte is written. */
function prepareRequest(
  outgoing: ClientRequest,
  request: IncomingMessage,
  response: ServerResponse,
  basePath: string,
): void {
  const raw = request.rawHeaders;
  outgoing.path = targetOf(request, basePath).path;
  if (hasToken(raw, 'te', 'trailers')) outgoing.setHeader('TE', 'trailers');
  const framing = headerValues(raw, 'transfer-encoding');
  if (framing.length > 0) {
    outgoing.removeHeader('content-length');
    outgoing.setHeader('Transfer-Encoding', framing.join(', '));
    const announced = headerValues(raw, 'trailer');
    if (announced.length > 0) outgoing.setHeader('Trailer', announced.join(', '));
    // Ahead of the library's own listener, which ends the outgoing request.
    request.prependListener('end', () => outgoing.addTrailers(pairs(request.rawTrailers)));
  } else if (outgoing.hasHeader('content-length') && headerValues(raw, 'content-length').length === 0) {
    outgoing.removeHeader('content-length');
  }
  passInterim(outgoing, request, response);
  flushSoon(outgoing);
}

/** 1xx answers: 100 only where the client asked for it, 103 and others as they come (RFC 9110 §15.2), none to HTTP/1.0. */
function passInterim(outgoing: ClientRequest, request: IncomingMessage, response: ServerResponse): void {
  const expected = headerValues(request.rawHeaders, 'expect');
  if (expected.length > 0) {
    outgoing.setHeader('Expect', expected.join(', '));
    outgoing.flushHeaders();
  }
  outgoing.on('information', ({ statusCode, statusMessage, rawHeaders }) => {
    if (response.headersSent || request.httpVersion === '1.0') return;
    if (statusCode === 100 && expected.length === 0) return;
    // `socket` is set while it is this response's turn on the connection.
    response.socket?.write(
      formatHead(`HTTP/1.1 ${statusCode} ${statusMessage}`, withoutHopByHop(rawHeaders)),
      'latin1',
    );
  });
}

function limitConnect(outgoing: ClientRequest, socket: Socket, ms: number): void {
  if (!socket.connecting) return;
  const timer = setTimeout(() => outgoing.destroy(new ConnectTimeout(`no connection within ${ms} ms`)), ms);
  socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => clearTimeout(timer));
  outgoing.once('close', () => clearTimeout(timer));
}

function passResponse(incoming: IncomingMessage, request: IncomingMessage, response: ServerResponse): void {
  const status = incoming.statusCode!;
  const headers = withoutHopByHop(incoming.rawHeaders);
  const chunked =
    headerValues(headers, 'content-length').length === 0 &&
    request.httpVersion === '1.1' &&
    request.method !== 'HEAD' &&
    status !== 204 &&
    status !== 304;
  response.sendDate = false;
  // A client that was told not to send its body may send nothing or all of it: only a new connection is unambiguous.
  if (headerValues(request.rawHeaders, 'expect').length > 0 && !request.complete) response.shouldKeepAlive = false;
  // node:http throws on a Trailer header where there can be no trailers.
  response.writeHead(status, incoming.statusMessage, chunked ? headers : withoutName(headers, 'trailer'));
  if (chunked) {
    incoming.on('end', () => response.addTrailers(pairs(incoming.rawTrailers)));
  }
  incoming.pipe(response);
  flushSoon(response);
}

/** node:http holds a head back until the first byte of the body, which may be long in coming: an event stream, a slow upload. */
function flushSoon(message: ServerResponse | ClientRequest): void {
  setImmediate(() => {
    if (!message.writableEnded && !message.destroyed) message.flushHeaders();
  });
}

function refuse(response: ServerResponse, timedOut: boolean): void {
  const text = timedOut ? 'the upstream did not accept a connection in time\n' : 'the upstream could not be reached\n';
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(text) };
  response.writeHead(timedOut ? 504 : 502, headers).end(text);
}

function pairs(raw: RawHeaders): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) list.push([raw[i]!, raw[i + 1]!]);
  return list;
}

function withoutName(raw: RawHeaders, name: string): string[] {
  return raw.filter((_, i) => raw[i - (i % 2)]!.toLowerCase() !== name);
}
