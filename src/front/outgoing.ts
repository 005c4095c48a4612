// front: the head of a request for the upstream: hop-by-hop headers gone, the peer added, the operator's Host.
import type { ClientRequest, IncomingMessage } from 'node:http';
import { addForwarded, plainAddress, withoutHopByHop } from './headers.ts';
import { setHost, targetOf } from './target.ts';
import type { Upstream } from './upstream.ts';

/** The head of a request for the upstream. */
export interface OutgoingHead {
  /** Path in origin form, base path included. */
  readonly path: string;
  /** Headers as a flat raw list. */
  readonly headers: string[];
}

/** The head for the upstream. `connection` is this hop's own Connection value; '' = none. */
export function outgoingHead(request: IncomingMessage, upstream: Upstream, connection = ''): OutgoingHead {
  const { path, host } = targetOf(request, upstream.basePath);
  const headers = withoutHopByHop(request.rawHeaders, connection);
  setHost(headers, host);
  const remoteAddress = plainAddress(request.socket.remoteAddress);
  addForwarded(headers, { remoteAddress, proto: 'http', trusted: upstream.trustsPeer?.(remoteAddress) ?? false });
  // X-Forwarded-Host has the client's Host by now.
  setHost(headers, upstream.hostHeader);
  return { path, headers };
}

/**
 * The headers as `http.request` takes them: names in their own case except `lowered`, several lines
 * as an array. Expect and Trailer are left out, because other code passes what belongs to them.
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

/**
 * Removes the framing of a request without a body (RFC 9112 §6.3), which node:http would call
 * chunked.
 */
export function withoutFraming(outgoing: ClientRequest): void {
  outgoing.removeHeader('content-length');
  outgoing.removeHeader('transfer-encoding');
}
