// admin: a resource: a path, who may ask, and its answer. The server knows no resource by name.
import type { ServerResponse } from 'node:http';

/**
 * How a caller was admitted: without a token (loopback only), by the bearer token, or by a page
 * log-in.
 */
export type Via = 'open' | 'bearer' | 'session';

/** One request, as far as a resource may see it. */
export interface Ask {
  /** Decoded values of the `{…}` parts of the path. */
  readonly params: Readonly<Record<string, string>>;
  /** The query string without `?`. */
  readonly search: string;
  /** The `Accept` header, `''` when there is none. */
  readonly accept: string;
  /** The `Accept-Encoding` header, `''` when there is none. */
  readonly encodings: string;
  /** The `Last-Event-ID` header of a stream that goes on; undefined when there is none. */
  readonly lastEventId: string | undefined;
  /** Tells one caller that comes again from another: its address and what it calls itself. */
  readonly from: string;
  /**
   * Whether details may be told: the own port, or a valid token. False for open resources asked on
   * the public port.
   */
  readonly trusted: boolean;
  /** Path under which the admin server is mounted on the public port; `''` on its own port. */
  readonly mount: string;
  readonly via: Via;
  /** Address of the peer, without the port. */
  readonly remote: string;
}

/** A request that changes something, with its body read as JSON. */
export interface Change extends Ask {
  readonly body: unknown;
  /** The `Cookie` header, `''` when there is none. */
  readonly cookies: string;
  /** Whether the browser speaks TLS to the proxy in front. */
  readonly secure: boolean;
}

/** A complete answer. */
export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  /** `''` = there is no content. */
  readonly contentType: string;
  readonly body: string | Uint8Array;
  /** Called when the answer has been handed to the system. */
  readonly sent?: () => void;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A continuing answer: the resource writes to the response until either side ends it. */
export interface Stream {
  readonly kind: 'stream';
  readonly contentType: string;
  open(response: ServerResponse): void;
}

export type Reply = Answer | Stream;

/** One resource. `answer` is for GET and HEAD, `change` for POST. */
export interface Route {
  /** As OpenAPI writes it: `/api/v1/deliveries/{id}`. */
  readonly path: string;
  /** Whether callers without a token may ask: health, the page's own files, and the log-in. */
  readonly open: boolean;
  /**
   * Open only where a token is asked for or needed at all: on the public port without a token it
   * does not exist.
   */
  readonly page?: boolean;
  answer?(ask: Ask): Reply | Promise<Reply>;
  change?(change: Change): Reply | Promise<Reply>;
  /**
   * Whether `change` leaves the deliveries as they are (log-in and log-out): allowed in read-only
   * mode.
   */
  readonly harmless?: boolean;
}

/** The methods that a resource has, for `Allow` (RFC 9110 §10.2.1). */
export function methodsOf({ answer, change }: Route): string {
  return [answer === undefined ? '' : 'GET, HEAD', change === undefined ? '' : 'POST', 'OPTIONS']
    .filter((method) => method !== '')
    .join(', ');
}

/**
 * The route of a path and the decoded parameters; undefined when there is none, or a parameter is
 * not valid UTF-8 in %-encoding.
 */
export function matchRoute(
  routes: readonly Route[],
  path: string,
): { readonly route: Route; readonly params: Readonly<Record<string, string>> } | undefined {
  const parts = path.split('/');
  for (const route of routes) {
    const params = matchParts(route.path.split('/'), parts);
    if (params !== undefined) return { route, params };
  }
  return undefined;
}

function matchParts(template: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (template.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, expected] of template.entries()) {
    const part = parts[i] as string;
    if (!expected.startsWith('{')) {
      if (expected !== part) return undefined;
      continue;
    }
    try {
      params[expected.slice(1, -1)] = decodeURIComponent(part);
    } catch {
      // Malformed %-encoding names no resource: the caller gets 404, which says enough.
      return undefined;
    }
    if (part === '') return undefined;
  }
  return params;
}
