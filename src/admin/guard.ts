// admin: first step of an admin request: who may ask. Tokens are compared in constant time, and never logged or repeated.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Whether a host (as in a listen address or a URL) can only mean this machine. Names are not resolved. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1' || name === '[::1]') return true;
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

/** Whether a `Host` header names this machine: what a page that rebinds its own name to 127.0.0.1 cannot send. */
export function namesLoopback(hostHeader: string | undefined): boolean {
  return hostHeader !== undefined && isLoopback(hostHeader.replace(/:\d*$/, ''));
}

/** Checks `Authorization: Bearer …` (RFC 6750 §2.1) against the token; without a token everybody passes. */
export function createBearerCheck(token: string | undefined): (headers: IncomingHttpHeaders) => boolean {
  if (token === undefined) return () => true;
  // Digests have one length, so that the comparison tells nothing about the token's.
  const expected = digest(token);
  return (headers) => {
    const given = /^bearer +([^ ]+) *$/i.exec(headers.authorization ?? '')?.[1];
    return given !== undefined && timingSafeEqual(digest(given), expected);
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
