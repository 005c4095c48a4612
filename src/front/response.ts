// front: the answer to a plain request: interim answers, head, body and trailers, as the upstream sent them.
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { formatHead, headerValues, type RawHeaders, tokens, withoutHopByHop } from './headers.ts';

/** Responses whose client has been told to go on with its body. */
const continued = new WeakSet<ServerResponse>();

/**
 * Passes 1xx answers: 100 where the client asked for it, others as they come (RFC 9110 §15.2), none
 * to HTTP/1.0.
 */
export function passInterim(outgoing: ClientRequest, request: IncomingMessage, response: ServerResponse): void {
  const expected = expectationsOf(request);
  if (expected.length > 0) {
    outgoing.setHeader('Expect', expected.join(', '));
    outgoing.flushHeaders();
  }
  outgoing.on('information', ({ statusCode, statusMessage, rawHeaders }) => {
    if (response.headersSent || request.httpVersion === '1.0') return;
    if (statusCode === 100) {
      if (expected.length === 0) return;
      continued.add(response);
      // node:http would close the connection after the answer, because it has not sent the 100
      // itself.
      const known = response as { _sent100?: boolean };
      if (known._sent100 === false) known._sent100 = true;
    }
    // `socket` is set while this response may write to the connection.
    response.socket?.write(
      formatHead(`HTTP/1.1 ${statusCode} ${statusMessage}`, withoutHopByHop(rawHeaders)),
      'latin1',
    );
  });
}

/** Whether the client keeps its body back until it gets a 100 (RFC 9110 §10.1.1). */
export function awaitsContinue(request: IncomingMessage, response: ServerResponse): boolean {
  return expectationsOf(request).length > 0 && !continued.has(response);
}

/** Values of Expect. HTTP/1.0 has none (RFC 9110 §10.1.1). */
function expectationsOf(request: IncomingMessage): string[] {
  return request.httpVersion === '1.0' ? [] : headerValues(request.rawHeaders, 'expect');
}

/** Writes the head, and the body as it comes. */
export function passResponse(incoming: IncomingMessage, request: IncomingMessage, response: ServerResponse): void {
  const status = incoming.statusCode!;
  if (status === 101) throw new Error('the upstream answered 101 to a request without an upgrade');
  response.sendDate = false;
  // A client without a 100 may send all of its body or nothing. Only a new connection is
  // unambiguous.
  if (!request.complete && awaitsContinue(request, response)) response.shouldKeepAlive = false;
  const headers = withoutHopByHop(incoming.rawHeaders, ownConnection(status, response.shouldKeepAlive));
  const bodiless = request.method === 'HEAD' || status === 204 || status === 304;
  const chunked = !bodiless && request.httpVersion === '1.1' && headerValues(headers, 'content-length').length === 0;
  const codings = headerValues(incoming.rawHeaders, 'transfer-encoding').flatMap(tokens);
  if (!bodiless) passCodings(codings, headers, chunked);
  if (incoming.httpVersion === '1.0' && codings.length > 0) {
    // RFC 9112 §6.1: the framing is faulty, so that nothing later on that connection can be
    // trusted.
    const { socket } = incoming;
    // This listener stands before the one that would keep the connection for the next request.
    incoming.prependOnceListener('end', () => socket.destroy());
  }
  // node:http throws on a Trailer header where there can be no trailers.
  response.writeHead(status, incoming.statusMessage, chunked ? headers : withoutName(headers, 'trailer'));
  if (chunked) {
    incoming.on('end', () => response.addTrailers(pairs(incoming.rawTrailers)));
  }
  incoming.pipe(response);
  flushSoon(response);
}

/**
 * This hop's Connection value. 426 must name the protocol that it wants (RFC 9110 §15.5.22); for
 * all other answers node:http writes the header.
 */
function ownConnection(status: number, keepAlive: boolean): string {
  if (status !== 426) return '';
  return keepAlive ? 'Upgrade' : 'close, Upgrade';
}

/**
 * Tells the client the other codings of the body (RFC 9112 §6.1). Throws where HTTP/1.0 cannot say
 * so, and where another coding was applied to chunks.
 */
function passCodings(codings: readonly string[], headers: string[], chunked: boolean): void {
  // `identity` says that nothing was done (RFC 2616 §3.6).
  const applied = codings.filter((coding) => coding !== '' && coding !== 'identity');
  const others = applied.filter((coding) => coding !== 'chunked');
  // node:http has read such a body to the end of the connection, chunk sizes and all.
  if (applied.includes('chunked') && applied.at(-1) !== 'chunked')
    throw new Error(`the answer is coded as ${codings.join(', ')}, which tells nobody where it ends`);
  if (others.length === 0) return;
  if (!chunked) throw new Error(`the answer is coded as ${others.join(', ')}, and HTTP/1.0 cannot say so`);
  headers.push('Transfer-Encoding', [...others, 'chunked'].join(', '));
}

/**
 * Sends a head soon. node:http holds it back until the first byte of the body, which may be long in
 * coming (an event stream, a slow upload).
 */
export function flushSoon(message: ServerResponse | ClientRequest): void {
  setImmediate(() => {
    if (!message.writableEnded && !message.destroyed) message.flushHeaders();
  });
}

/** A raw list as pairs. */
export function pairs(raw: RawHeaders): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) list.push([raw[i]!, raw[i + 1]!]);
  return list;
}

function withoutName(raw: RawHeaders, name: string): string[] {
  return raw.filter((_, i) => raw[i - (i % 2)]!.toLowerCase() !== name);
}
