// resume: the opt-in parameters in the query of an upgrade request. The upstream never sees them.

/** The request of an opted-in client. */
export interface OptIn {
  /** The session to resume; undefined = a new one. */
  readonly session: string | undefined;
  /** The token; '' when the client sent none. */
  readonly token: string;
  /** Ordinal of the last message that the application was given; 0 when the client sends none. */
  readonly last: number;
}

const OURS = /^ackspan(_session|_token|_last)?$/;
/** Longest value that a welcome ever gave out. Longer ones are ignored. */
const MAX_VALUE = 512;

/**
 * Reads the query of `url` (origin form). Undefined = the client has not opted in with `ackspan=1`.
 * Never throws.
 */
export function readOptIn(url: string): OptIn | undefined {
  const at = url.indexOf('?');
  if (at < 0 || !url.includes('ackspan')) return undefined;
  const query = new URLSearchParams(url.slice(at + 1));
  if (query.get('ackspan') !== '1') return undefined;
  const session = query.get('ackspan_session') ?? '';
  const token = query.get('ackspan_token') ?? '';
  const last = Number(query.get('ackspan_last') ?? 0);
  return {
    session: session === '' || session.length > MAX_VALUE ? undefined : session,
    token: token.length > MAX_VALUE ? '' : token,
    last: Number.isSafeInteger(last) && last > 0 ? last : 0,
  };
}

/** `path` without our parameters. The rest of the query keeps its bytes and order. */
export function withoutOptIn(path: string): string {
  const at = path.indexOf('?');
  if (at < 0) return path;
  const kept = path
    .slice(at + 1)
    .split('&')
    .filter((pair) => !OURS.test(nameOf(pair)));
  return kept.length === 0 ? path.slice(0, at) : `${path.slice(0, at)}?${kept.join('&')}`;
}

/** The name of a pair of a query, as `readOptIn` reads it: percent signs may spell letters. */
function nameOf(pair: string): string {
  const [name = ''] = new URLSearchParams(pair).keys();
  return name;
}
