// identity: reads credentials out of an upgrade request: headers, cookies and query as they were sent. Linear, bounded, never throws.

/** The request as the upstream gets it: what is not sent on proves nothing. It may hold tokens, so it is neither kept nor logged. */
export interface IdentityRequest {
  /** In origin form, query included. */
  readonly url: string;
  /** Flat: name, value, name, value, … */
  readonly rawHeaders: readonly string[];
}

/** Where a JWT may be: `Authorization: Bearer`, a `Sec-WebSocket-Protocol` entry `jwt.<token>`, a query parameter. */
export const JWT_PLACES = ['authorization', 'subprotocol', 'query'] as const;
export type JwtPlace = (typeof JWT_PLACES)[number];

/** `undefined` in the list = it was there and could not be decoded. */
export type Values = readonly (string | undefined)[];

const PROTOCOL_PREFIX = 'jwt.';

/**
 * Values of every header line of that name (lower case), as UTF-8: two encodings of one name would be two users for the backend.
 * CGI and WSGI backends take `X_User` for `X-User`, others do not, so such a line cannot be decoded either.
 */
export function headers({ rawHeaders }: IdentityRequest, name: string): Values {
  const values: (string | undefined)[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const key = rawHeaders[i]!;
    if (key.length !== name.length) continue;
    const lower = key.toLowerCase();
    if (lower === name) values.push(fromBytes(rawHeaders[i + 1]!));
    else if (lower.replaceAll('_', '-') === name.replaceAll('_', '-')) values.push(undefined);
  }
  return values;
}

/** Letters, digits and `-._~` percent-encoded: no encoder does that, and not every backend decodes cookies. */
const NEEDLESS_ESCAPE = /%(?:2[de]|3\d|[46][1-9a-f]|[57][0-9a]|5f|7e)/i;

/** Values of every cookie of that name (RFC 6265 §4.2), unquoted and percent-decoded where that is possible. */
export function cookies(request: IdentityRequest, name: string): Values {
  const values: (string | undefined)[] = [];
  for (const line of headers(request, 'cookie')) {
    for (const pair of line?.split(';') ?? []) {
      const at = pair.indexOf('=');
      if (at < 0 || withoutSpace(pair.slice(0, at)) !== name) continue;
      const value = withoutSpace(pair.slice(at + 1)).replace(/^"(.*)"$/, '$1');
      // A cookie need not be percent-encoded: what cannot be decoded stands for itself.
      values.push(NEEDLESS_ESCAPE.test(value) ? undefined : (percentDecoded(value) ?? value));
    }
  }
  return values;
}

/** Values of every query parameter of that name, form-decoded. */
export function parameters({ url }: IdentityRequest, name: string): Values {
  const at = url.indexOf('?');
  if (at < 0) return [];
  const values: (string | undefined)[] = [];
  for (const pair of url.slice(at + 1).split('&')) {
    const equals = pair.indexOf('=');
    const key = equals < 0 ? pair : pair.slice(0, equals);
    if (key !== name && formDecoded(key) !== name) continue;
    values.push(equals < 0 ? '' : formDecoded(pair.slice(equals + 1)));
  }
  return values;
}

/** Every different token that the request presents at those places; whether they are JWTs is for others to say. */
export function tokens(request: IdentityRequest, places: readonly JwtPlace[], queryNames: readonly string[]): string[] {
  const found = new Set<string>();
  for (const place of places) for (const token of tokensAt(request, place, queryNames)) if (token) found.add(token);
  return [...found];
}

function tokensAt(request: IdentityRequest, place: JwtPlace, queryNames: readonly string[]): Values {
  switch (place) {
    case 'authorization':
      return headers(request, 'authorization').map((value) => /^Bearer +(\S+) *$/i.exec(value ?? '')?.[1]);
    case 'subprotocol':
      return headers(request, 'sec-websocket-protocol').flatMap((value) => (value ?? '').split(',').map(protocolToken));
    case 'query':
      return queryNames.flatMap((name) => parameters(request, name));
  }
}

/** The token of `jwt.<token>`: as it is, or base64url around it, for servers that allow no dots in subprotocols. */
function protocolToken(entry: string): string | undefined {
  const trimmed = entry.trim();
  if (!trimmed.startsWith(PROTOCOL_PREFIX)) return undefined;
  const token = trimmed.slice(PROTOCOL_PREFIX.length);
  return token.includes('.') ? token : Buffer.from(token, 'base64url').toString('latin1');
}

function fromBytes(value: string): string | undefined {
  const bare = withoutSpace(value);
  if (!/[\x80-\xff]/.test(bare)) return bare;
  const text = Buffer.from(bare, 'latin1').toString('utf8');
  return text.includes('\uFFFD') ? undefined : text;
}

/** Without the spaces and tabs around a value that belong to the syntax (RFC 9110 §5.6.3); others belong to the name. */
function withoutSpace(value: string): string {
  return value.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '');
}

function formDecoded(text: string): string | undefined {
  return percentDecoded(text.replaceAll('+', ' '));
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not UTF-8, or a stray percent sign: the caller decides what an undecodable value is worth.
    return undefined;
  }
}
