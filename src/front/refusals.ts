// front: what has to be refused because two readers could read it differently (RFC 9112), and how an upgrade is.
import type { IncomingMessage } from 'node:http';
import { tellStep } from '../channels/channels.ts';
import { type AnswerOptions, answer } from './answers.ts';
import { headerValues, plainAddress, tokens } from './headers.ts';
import type { Caller } from './upgraded.ts';

/** The refusal of a request. */
export interface Refused {
  readonly status: number;
  /** Reason for the client, one line. */
  readonly reason: string;
}

/** `uri-host [":" port]` (RFC 9110 §7.2, RFC 3986 §3.2.2); empty is allowed. */
const HOST = /^(?:\[[\w.~!$&'()*+,;=:%-]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})*)(?::\d*)?$/i;

/** Scheme and authority of a target in absolute form (RFC 9112 §3.2.2). */
const AUTHORITY = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;

/**
 * The fault of a request's head, as far as node:http's parser lets it pass; undefined = none. The
 * parser itself refuses contradicting lengths, unknown framing and everything before HTTP/1.0.
 */
export function refusalOf({ url, httpVersion, httpVersionMajor, rawHeaders }: IncomingMessage): Refused | undefined {
  // RFC 9110 §15.6.6. The version looks like HTTP/1 on the wire and calls itself something else.
  if (httpVersionMajor !== 1) return { status: 505, reason: `HTTP/${httpVersion} is not spoken here` };
  // RFC 9112 §6.1: HTTP/1.0 knows no Transfer-Encoding, so that the framing is faulty.
  if (httpVersion === '1.0' && headerValues(rawHeaders, 'transfer-encoding').length > 0)
    return { status: 400, reason: 'an HTTP/1.0 request cannot have a Transfer-Encoding' };
  // RFC 9112 §6.1, §6.3: only a single `chunked` at the end tells where the body ends. Some readers
  // take `identity` (RFC 2616 §3.6) for the absence of every other coding.
  const codings = headerValues(rawHeaders, 'transfer-encoding').flatMap(tokens);
  if (codings.length > 0 && (codings.indexOf('chunked') !== codings.length - 1 || codings.includes('identity')))
    return { status: 400, reason: 'the Transfer-Encoding does not tell where the body ends' };
  // RFC 9112 §3.2: HTTP/1.1 needs exactly one valid Host.
  const hosts = headerValues(rawHeaders, 'host');
  if (hosts.length > 1) return { status: 400, reason: 'the request has more than one Host header' };
  if (hosts.length === 0 && httpVersion !== '1.0') return { status: 400, reason: 'the request has no Host header' };
  if (hosts.length === 1 && !HOST.test(hosts[0]!.trim()))
    return { status: 400, reason: 'the Host header is not a host' };
  // RFC 9110 §4.2.1: a target without a host is invalid. The host of any other becomes the Host.
  const authority = AUTHORITY.exec(url ?? '')?.[1]?.replace(/^.*@/, '');
  if (authority !== undefined && (!HOST.test(authority) || /^(?::|$)/.test(authority)))
    return { status: 400, reason: 'the request target has no host' };
  return undefined;
}

/** Answers an upgrade that does not go to the upstream. */
export function turnDown({ request, socket }: Caller, status: number, reason: string, options?: AnswerOptions): void {
  const { url } = request;
  tellStep('turnedAway', () => ({ url, remote: plainAddress(socket.remoteAddress), status, reason }));
  answer(socket, status, reason, options);
}
