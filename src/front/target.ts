// front: the target of a request line for the upstream. Paths are never decoded, normalised or encoded again.
import type { IncomingMessage } from 'node:http';

/** A request target for the upstream. */
export interface Target {
  /** Path in origin form (or `*`), with the upstream's base path in front. */
  readonly path: string;
  /** Host of an absolute-form target, which outranks the Host header (RFC 9112 §3.2.2). */
  readonly host: string | undefined;
}

/**
 * Reads origin form, absolute form and `*` (RFC 9112 §3.2). Anything else passes as it is, for the
 * upstream to refuse.
 */
export function targetOf(request: { method?: string | undefined; url?: string | undefined }, basePath: string): Target {
  const url = request.url!;
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(.*)$/i.exec(url);
  const path = absolute === null ? url : absolute[2]!;
  const host = absolute === null ? undefined : absolute[1]!.replace(/^.*@/, '');
  if (path === '*' || (path === '' && request.method === 'OPTIONS')) return { path: '*', host };
  return { path: basePath + (path.startsWith('/') || absolute === null ? path : `/${path}`), host };
}

/** Replaces the value of the Host header, in place; undefined leaves it. */
export function setHost(headers: string[], host: string | undefined): void {
  if (host === undefined) return;
  const at = headers.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'host');
  if (at === -1) headers.unshift('Host', host);
  else headers[at + 1] = host;
}

/** Whether the request is for the mounted path or below, not for one that only begins alike. */
export function isBelow(mount: string, request: IncomingMessage): boolean {
  const { path } = targetOf(request, '');
  return path.startsWith(mount) && /^(?:[/?]|$)/.test(path.slice(mount.length));
}
