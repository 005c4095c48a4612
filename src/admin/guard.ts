// admin: checks of who may ask: tokens are compared in constant time, and never logged or repeated.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a host (as in a listen address or a URL) can only mean this machine. Names are not
 * resolved.
 */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1' || name === '[::1]') return true;
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

/**
 * Whether a `Host` header names this machine: what a page that rebinds its own name to 127.0.0.1
 * cannot send.
 */
export function namesLoopback(hostHeader: string | undefined): boolean {
  return hostHeader !== undefined && isLoopback(hostHeader.replace(/:\d*$/, ''));
}

/**
 * Whether `given` is the token, in a time that tells nothing of the token: digests have one length.
 */
export function createTokenCheck(token: string): (given: string) => boolean {
  const expected = digest(token);
  return (given) => timingSafeEqual(digest(given), expected);
}

/**
 * The bearer token of a request (RFC 6750 §2.1); undefined where it has none, `''` for other
 * credentials.
 */
export function bearerOf({ authorization }: IncomingHttpHeaders): string | undefined {
  if (authorization === undefined) return undefined;
  return /^bearer +([^ ]+) *$/i.exec(authorization)?.[1] ?? '';
}

/**
 * Why a browser's request is not accepted as one of our own page; undefined = it may be. A page of
 * another origin can have a browser send simple requests here with the user's cookies, or to a
 * loopback port that asks for no token. Such a page can neither add a header of its own without a
 * preflight, which nothing here grants (Fetch, CORS protocol), nor forge `Origin` and
 * `Sec-Fetch-Site`.
 */
export function foreignChange(headers: IncomingHttpHeaders): string | undefined {
  if (headers['x-ackspan-request'] !== '1') return 'Send the header "X-Ackspan-Request: 1".';
  return foreignOrigin(headers);
}

/**
 * Why a browser's request that only reads is refused: what the browser says of its origin must be
 * this one.
 */
export function foreignOrigin({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): string | undefined {
  // Browsers let no script set the header. It also holds where a proxy in front has changed the
  // Host header.
  if (site === 'same-origin') return undefined;
  if (site !== undefined && site !== 'none') return 'The request comes from another site.';
  if (origin === undefined) return undefined;
  const own = /^https?:\/\/(.+)$/.exec(origin)?.[1];
  return own !== undefined && own === host ? undefined : 'The request comes from another origin.';
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
