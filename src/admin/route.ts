// admin: what a resource is: a path, whether it is open, and a question answered. The server knows no resource by name.
import type { ServerResponse } from 'node:http';

/** One request, as far as a resource may see it. */
export interface Ask {
  /** Decoded values of the `{…}` parts of the path. */
  readonly params: Readonly<Record<string, string>>;
  /** The query string without `?`. */
  readonly search: string;
  /** The `Accept` header, `''` when there is none. */
  readonly accept: string;
  /** Whether details may be told: the own port, or a valid token. False for open resources asked on the public port. */
  readonly trusted: boolean;
  /** Path under which the admin server is mounted on the public port; `''` on its own port. */
  readonly mount: string;
}

/** A complete answer. */
export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  /** `''` = there is no content. */
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that goes on: the resource writes to the response until either side ends it. */
export interface Stream {
  readonly kind: 'stream';
  readonly contentType: string;
  open(response: ServerResponse): void;
}

export type Reply = Answer | Stream;

/** One resource. All are read with GET or HEAD. */
export interface Route {
  /** As OpenAPI writes it: `/api/v1/deliveries/{id}`. */
  readonly path: string;
  /** Open to callers without a token: health only. */
  readonly open: boolean;
  answer(ask: Ask): Reply | Promise<Reply>;
}

/** The route of a path and the decoded parameters; undefined when there is none, or a parameter is not valid UTF-8 in %-encoding. */
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
      // Malformed %-encoding names nothing that exists: the caller gets 404, which says enough.
      return undefined;
    }
    if (part === '') return undefined;
  }
  return params;
}
