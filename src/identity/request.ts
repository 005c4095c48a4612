// identity: reads credentials out of an upgrade request: headers, cookies and query as they were sent. Never throws.

/**
 * The request as the upstream gets it: a header that is not sent on proves nothing. The request may
 * hold tokens, so it is neither kept nor logged.
 */
export interface IdentityRequest {
  /** The target in origin form, query included. */
  readonly url: string;
  /** A flat list: name, value, name, value, … */
  readonly rawHeaders: readonly string[];
}

/**
 * Where a JWT may be: `Authorization: Bearer`, a `Sec-WebSocket-Protocol` entry `jwt.<token>`, a
 * query parameter.
 */
export const JWT_PLACES = ['authorization', 'subprotocol', 'query'] as const;
export type JwtPlace = (typeof JWT_PLACES)[number];

/** Values that were found; `undefined` in the list = a value that could not be decoded. */
export type Values = readonly (string | undefined)[];

const PROTOCOL_PREFIX = 'jwt.';

/**
 * Values of every header line of that name (lower case), as UTF-8: two encodings of one name would
 * be two users for the backend. CGI and WSGI backends read `X_User` as `X-User`, and some any other
 * sign too. Of two lines backends read one, or both joined. Where a backend could read another
 * value, an undecodable value is added.
 */
export function headers(request: IdentityRequest, name: string): Values {
  const values = lines(request, name);
  return repeated(values) ? [...values, undefined] : values;
}

function lines({ rawHeaders }: IdentityRequest, name: string): Values {
  const values: (string | undefined)[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const key = rawHeaders[i]!;
    if (key.length !== name.length) continue;
    const lower = key.toLowerCase();
    if (lower === name) values.push(fromBytes(rawHeaders[i + 1]!));
    else if (lower.replace(/[^a-z0-9]/g, '-') === name.replace(/[^a-z0-9]/g, '-')) values.push(undefined);
  }
  return values;
}

/**
 * Values of every cookie of that name, byte by byte (RFC 6265 §4.2.2): unquoted or percent-decoded,
 * the cookies of two users could become one. Old parsers separate at commas too, take quoted text
 * for one value, decode names or ignore case. Of two Cookie lines, which RFC 6265 §5.4 forbids,
 * some read one. Where a parser could read another value, an undecodable value is added.
 */
export function cookies({ rawHeaders }: IdentityRequest, name: string): Values {
  const values: (string | undefined)[] = [];
  const lower = name.toLowerCase();
  const alike = loosely(name);
  let mentioned = 0;
  let cookieLines = 0;
  let quotesOpen = false;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.length !== 6 || rawHeaders[i]!.toLowerCase() !== 'cookie') continue;
    const line = rawHeaders[i + 1]!;
    cookieLines++;
    mentioned += mentions(line.toLowerCase(), lower);
    for (const pair of line.split(';')) {
      quotesOpen ||= hasOpenQuote(pair);
      const at = pair.indexOf('=');
      const key = at < 0 ? '' : withoutSpace(pair.slice(0, at));
      if (key === name) values.push(fromBytes(pair.slice(at + 1)));
      else if (loosely(formDecoded(key) ?? key) === alike) mentioned++;
    }
  }
  if (mentioned !== values.length || ((cookieLines > 1 || quotesOpen) && values.length > 0)) values.push(undefined);
  return values;
}

/**
 * Letters, digits and `-._~` percent-encoded, a plus sign, or bytes that should be encoded:
 * backends differ in whether and how they decode these.
 */
const OPEN_TO_READING = /%(?:2[de]|3\d|[46][1-9a-f]|[57][0-9a]|5f|7e)|\+|[^!-~]/i;

/**
 * Values of every query parameter of that name, form-decoded. Backends differ in the case of names,
 * in `name[]`, in `;` between parameters, in what a `#` ends, in decoding, and in which of two
 * values they take. Where a backend could read another value, an undecodable value is added.
 */
export function parameters({ url }: IdentityRequest, name: string): Values {
  const at = url.indexOf('?');
  if (at < 0) return [];
  const values: (string | undefined)[] = [];
  const alike = loosely(name);
  let doubtful = url.includes('#');
  for (const pair of url.slice(at + 1).split('&')) {
    const [first = '', ...more] = pair.split(';');
    const key = nameOf(first);
    const decoded = formDecoded(key);
    if (decoded === name) {
      const value = pair.slice(key.length + 1);
      values.push(formDecoded(value));
      doubtful ||= more.length > 0 || OPEN_TO_READING.test(value) || (key !== name && OPEN_TO_READING.test(key));
    } else doubtful ||= loosely(decoded ?? key) === alike;
    doubtful ||= more.some((part) => loosely(formDecoded(nameOf(part)) ?? part) === alike);
  }
  return doubtful || repeated(values) ? [...values, undefined] : values;
}

/** The tokens of a request. */
export interface Tokens {
  /** Every different token. Callers decide whether they are JWTs. */
  readonly found: readonly string[];
  /**
   * Whether other credentials stand in the same places, or tokens that not every backend reads
   * alike.
   */
  readonly others: boolean;
}

/** The tokens that the request presents at those places. */
export function tokens(request: IdentityRequest, places: readonly JwtPlace[], queryNames: readonly string[]): Tokens {
  const found = new Set<string>();
  let others = false;
  for (const place of places)
    for (const token of tokensAt(request, place, queryNames))
      if (token === undefined) others = true;
      else if (token !== '') found.add(token);
  return { found: [...found], others };
}

/** Tokens that were found; `undefined` in the list = a token that cannot be read. */
function tokensAt(request: IdentityRequest, place: JwtPlace, queryNames: readonly string[]): Values {
  switch (place) {
    case 'authorization':
      return headers(request, 'authorization').map((value) =>
        value === '' ? '' : /^Bearer +(\S+) *$/i.exec(value ?? '')?.[1],
      );
    case 'subprotocol':
      return lines(request, 'sec-websocket-protocol').flatMap((value) => value?.split(',').map(protocolToken));
    case 'query':
      return queryNames.flatMap((name) => parameters(request, name));
  }
}

/**
 * Whether a value stands there twice, which a backend that joins values takes for another one.
 * Different values leave the request without a user anyway.
 */
function repeated(values: Values): boolean {
  return new Set(values).size < values.length;
}

/**
 * Number of places where `name` stands before a `=` and some parser of cookies would begin a name.
 * Both in lower case.
 */
function mentions(line: string, name: string): number {
  let count = 0;
  for (let at = line.indexOf(name); at >= 0; at = line.indexOf(name, at + 1)) {
    if (at > 0 && !/[;,"\s]/.test(line[at - 1]!)) continue;
    let end = at + name.length;
    while (end < line.length && /\s/.test(line[end]!)) end++;
    if (line[end] === '=') count++;
  }
  return count;
}

/**
 * Whether quoted text may go on behind the `;` that ends it, for a parser with or without
 * backslashes.
 */
function hasOpenQuote(pair: string): boolean {
  if (!pair.includes('"')) return false;
  const quotes = (text: string): number => text.split('"').length - 1;
  return quotes(pair) % 2 === 1 || quotes(pair.replace(/\\./gs, '')) % 2 === 1;
}

/**
 * A name as the most lenient backend reads it: up to a bracket or NUL, in one case, with PHP's
 * underscores.
 */
function loosely(name: string): string {
  const [plain = ''] = name.split(/[[\0]/, 1);
  return plain.trim().replace(/[ .]/g, '_').toUpperCase().toLowerCase();
}

function nameOf(pair: string): string {
  const equals = pair.indexOf('=');
  return equals < 0 ? pair : pair.slice(0, equals);
}

/**
 * The token of `jwt.<token>`: plain, or base64url-encoded for servers that allow no dots in
 * subprotocols. '' = none, `undefined` = one that only a backend which ignores case would read.
 */
function protocolToken(entry: string): string | undefined {
  const trimmed = entry.trim();
  if (!trimmed.startsWith(PROTOCOL_PREFIX)) return trimmed.toLowerCase().startsWith(PROTOCOL_PREFIX) ? undefined : '';
  const token = trimmed.slice(PROTOCOL_PREFIX.length);
  return token.includes('.') ? token : Buffer.from(token, 'base64url').toString('latin1');
}

function fromBytes(value: string): string | undefined {
  const bare = withoutSpace(value);
  if (!/[\x80-\xff]/.test(bare)) return bare;
  const text = Buffer.from(bare, 'latin1').toString('utf8');
  return text.includes('\uFFFD') ? undefined : text;
}

/**
 * The value without the spaces and tabs around it that belong to the syntax (RFC 9110 §5.6.3).
 * Other white space belongs to the name.
 */
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
    // The value is not UTF-8, or has a stray percent sign. The caller decides what an undecodable
    // value is worth.
    return undefined;
  }
}
