// front: the head of a request as the upstream should see it: hop-by-hop headers gone, the peer added, the Host that the operator wants.
import type { ClientRequest, IncomingMessage } from 'node:http';
import { addForwarded, plainAddress, withoutHopByHop } from './headers.ts';
import { setHost, targetOf } from './target.ts';
import type { Upstream } from './upstream.ts';

/** What the upstream is asked. */
export interface OutgoingHead {
  /** Origin form, base path included. */
  readonly path: string;
  /** Flat raw list. */
  readonly headers: string[];
}

/** `connection` is this hop's own Connection value; '' = none. */
export function outgoingHead(request: IncomingMessage, upstream: Upstream, connection = ''): OutgoingHead {
  const { path, host } = targetOf(request, upstream.basePath);
  const headers = withoutHopByHop(request.rawHeaders, connection);
  setHost(headers, host);
  const remoteAddress = plainAddress(request.socket.remoteAddress);
  addForwarded(headers, { remoteAddress, proto: 'http', trusted: upstream.trustsPeer?.(remoteAddress) ?? false });
  // After X-Forwarded-Host, which says what the client asked for.
  setHost(headers, upstream.hostHeader);
  return { path, headers };
}

/**
 * What `http.request` takes: names in their own case except `lowered`, several lines as an array. Expect and Trailer are left to
 * the code that can pass what belongs to them.
 */
export function namedHeaders(raw: readonly string[], lowered = ''): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = Object.create(null);
  const spelling = new Map<string, string>();
  for (let i = 0; i < raw.length; i += 2) {
    const lower = raw[i]!.toLowerCase();
    const name = lower === lowered ? lower : (spelling.get(lower) ?? raw[i]!);
    if (lower === 'expect' || lower === 'trailer') continue;
    spelling.set(lower, name);
    const before = headers[name];
    if (before === undefined) headers[name] = raw[i + 1]!;
    else if (typeof before === 'string') headers[name] = [before, raw[i + 1]!];
    else before.push(raw[i + 1]!);
  }
  return headers;
}

/** A request that says nothing about a body has none (RFC 9112 §6.3); node:http would say that it comes in chunks. */
export function withoutFraming(outgoing: ClientRequest): void {
  outgoing.removeHeader('content-length');
  outgoing.removeHeader('transfer-encoding');
}
