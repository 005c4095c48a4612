// identity: reads credentials out of an upgrade request: headers, cookies and query as they were sent. Linear, bounded, never throws.

/** What is looked at; both may hold tokens, so neither is kept or logged. */
export interface IdentityRequest {
  /** In origin form, query included. */
  readonly url: string;
  /** Flat: name, value, name, value, … */
  readonly rawHeaders: readonly string[];
}

/** Where a JWT may be: `Authorization: Bearer`, a `Sec-WebSocket-Protocol` entry `jwt.<token>`, a query parameter. */
export type JwtPlace = 'authorization' | 'subprotocol' | 'query';

/** `undefined` in the list = it was there and could not be decoded. */
export type Values = readonly (string | undefined)[];

const PROTOCOL_PREFIX = 'jwt.';

/** Values of every header line of that name (lower case); UTF-8 where it is valid UTF-8, else ISO 8859-1 (RFC 9110 §5.5). */
export function headers({ rawHeaders }: IdentityRequest, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const key = rawHeaders[i]!;
    if (key.length === name.length && key.toLowerCase() === name) values.push(fromLatin1(rawHeaders[i + 1]!));
  }
  return values;
}

/** Values of every cookie of that name (RFC 6265 §4.2), unquoted and percent-decoded where that is possible. */
export function cookies(request: IdentityRequest, name: string): Values {
  const values: string[] = [];
  for (const line of headers(request, 'cookie')) {
    for (const pair of line.split(';')) {
      const at = pair.indexOf('=');
      if (at < 0 || pair.slice(0, at).trim() !== name) continue;
      const value = pair
        .slice(at + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1');
      // A cookie need not be percent-encoded: what cannot be decoded stands for itself.
      values.push(percentDecoded(value) ?? value);
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
      return headers(request, 'authorization').map((value) => /^Bearer +(\S+) *$/i.exec(value)?.[1]);
    case 'subprotocol':
      return headers(request, 'sec-websocket-protocol').flatMap((value) => value.split(',').map(protocolToken));
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

function fromLatin1(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value;
  const text = Buffer.from(value, 'latin1').toString('utf8');
  return text.includes('\uFFFD') ? value : text;
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
