// front: requests that a server has to refuse whoever is behind it, because two readers could take them for different things (RFC 9112).
import type { IncomingMessage } from 'node:http';
import { headerValues, tokens } from './headers.ts';

/** Why a request is not passed on. */
export interface Refused {
  readonly status: number;
  /** One line for the client. */
  readonly reason: string;
}

/** `uri-host [":" port]` (RFC 9110 §7.2, RFC 3986 §3.2.2); empty is allowed. */
const HOST = /^(?:\[[\w.~!$&'()*+,;=:%-]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})*)(?::\d*)?$/i;

/**
 * What is wrong with the request's head, as far as node:http's parser lets it pass; undefined = nothing. The parser itself refuses
 * contradicting lengths, unknown framing and everything before HTTP/1.0.
 */
export function refusalOf({ httpVersion, httpVersionMajor, rawHeaders }: IncomingMessage): Refused | undefined {
  // RFC 9110 §15.6.6; a version that looks like HTTP/1 on the wire and calls itself something else.
  if (httpVersionMajor !== 1) return { status: 505, reason: `HTTP/${httpVersion} is not spoken here` };
  // RFC 9112 §6.1: HTTP/1.0 knows no Transfer-Encoding, so its framing is faulty.
  if (httpVersion === '1.0' && headerValues(rawHeaders, 'transfer-encoding').length > 0)
    return { status: 400, reason: 'an HTTP/1.0 request cannot have a Transfer-Encoding' };
  // RFC 9112 §6.1, §6.3: only `chunked` at the end tells where the body ends, and it comes once.
  const codings = headerValues(rawHeaders, 'transfer-encoding').flatMap(tokens);
  if (codings.length > 0 && codings.indexOf('chunked') !== codings.length - 1)
    return { status: 400, reason: 'the Transfer-Encoding does not tell where the body ends' };
  // RFC 9112 §3.2.
  const hosts = headerValues(rawHeaders, 'host');
  if (hosts.length > 1) return { status: 400, reason: 'the request has more than one Host header' };
  if (hosts.length === 0 && httpVersion !== '1.0') return { status: 400, reason: 'the request has no Host header' };
  if (hosts.length === 1 && !HOST.test(hosts[0]!.trim()))
    return { status: 400, reason: 'the Host header is not a host' };
  return undefined;
}
