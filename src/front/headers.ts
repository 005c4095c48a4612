// front: what changes in a message head on its way, and nothing else: flat raw lists [name, value, …] in and out.

/**
 * A raw header list as node:http has it: name, value, name, value, … in the order and spelling of
 * the wire.
 */
export type RawHeaders = readonly string[];

/**
 * Headers that are removed on every hop, whether `Connection` names them or not (RFC 9110 §7.6.1).
 */
const HOP_BY_HOP = new Set(['connection', 'proxy-connection', 'keep-alive', 'te', 'transfer-encoding', 'upgrade']);

/**
 * Headers that stay even if `Connection` names them: framing, routing, the handshake, and what this
 * hop vouches for.
 */
const END_TO_END = /^(?:host|content-length|sec-websocket-.*|x-forwarded-.*|forwarded|traceparent)$/;

/** Values of every line with that name (lower case), in order. */
export function headerValues(raw: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.length === name.length && raw[i]!.toLowerCase() === name) values.push(raw[i + 1]!);
  }
  return values;
}

/** Whether a header that is a comma-separated list holds that token (lower case). */
export function hasToken(raw: RawHeaders, name: string, token: string): boolean {
  return headerValues(raw, name).some((value) => tokens(value).includes(token));
}

/** The elements of a comma-separated list, in lower case. */
export function tokens(value: string): string[] {
  return value.split(',').map((token) => token.trim().toLowerCase());
}

/**
 * Drops hop-by-hop headers, and those that `Connection` names (RFC 9110 §7.6.1). `connection` is
 * this hop's own Connection value, which takes the place of the old one; the headers that it names
 * stay.
 */
export function withoutHopByHop(raw: RawHeaders, connection = ''): string[] {
  const nominated = new Set(headerValues(raw, 'connection').flatMap(tokens));
  const own = tokens(connection);
  const kept: string[] = [];
  let pending = connection;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (name === 'connection' && pending !== '') {
      kept.push(raw[i]!, pending);
      pending = '';
    } else if (own.includes(name) || survives(name, nominated)) {
      kept.push(raw[i]!, raw[i + 1]!);
    }
  }
  if (pending !== '') kept.push('Connection', pending);
  return kept;
}

function survives(name: string, nominated: Set<string>): boolean {
  return !HOP_BY_HOP.has(name) && (!nominated.has(name) || END_TO_END.test(name));
}

/** The sender of a request, as this hop sees it. */
export interface Hop {
  /** Address of the peer; '' = unknown. */
  readonly remoteAddress: string;
  readonly proto: 'http' | 'https';
  /** Whether the peer is trusted to say for whom it forwards. */
  readonly trusted: boolean;
}

/**
 * Names that some backends take for a forwarding header. CGI-like ones read an underscore, and some
 * any other sign, as a hyphen.
 */
const FORWARDED = /^(?:x[^a-z0-9]forwarded[^a-z0-9](?:for|proto|host)|forwarded)$/i;
const PLAINLY = /^(?:x-forwarded-(?:for|proto|host)|forwarded)$/i;

/**
 * Appends a trusted peer to `X-Forwarded-For`, and to `Forwarded` (RFC 7239 §4) where the peer sent
 * one. Adds `X-Forwarded-Proto` and `-Host` unless an earlier hop did. Drops these four headers of
 * any other peer, in every spelling that a proxy may have passed on unread. `Host` stays as it is.
 */
export function addForwarded(headers: string[], hop: Hop): void {
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if (FORWARDED.test(headers[i]!) && !(hop.trusted && PLAINLY.test(headers[i]!))) headers.splice(i, 2);
  }
  const peer = hop.remoteAddress === '' ? 'unknown' : hop.remoteAddress;
  let forLine = -1;
  let forwardedLine = -1;
  let host = '';
  let hasProto = false;
  let hasHost = false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase();
    if (name === 'x-forwarded-for') forLine = i + 1;
    else if (name === 'forwarded') forwardedLine = i + 1;
    else if (name === 'x-forwarded-proto') hasProto = true;
    else if (name === 'x-forwarded-host') hasHost = true;
    else if (name === 'host') host = headers[i + 1]!;
  }
  if (forwardedLine !== -1) append(headers, forwardedLine, peer.includes(':') ? `for="[${peer}]"` : `for=${peer}`);
  if (forLine === -1) headers.push('X-Forwarded-For', peer);
  else append(headers, forLine, peer);
  if (!hasProto) headers.push('X-Forwarded-Proto', hop.proto);
  if (!hasHost && host !== '') headers.push('X-Forwarded-Host', host);
}

function append(headers: string[], at: number, element: string): void {
  headers[at] = headers[at] === '' ? element : `${headers[at]}, ${element}`;
}

/** The peer's address without the IPv4-mapped prefix that dual-stack sockets report. */
export function plainAddress(address: string | undefined): string {
  return address === undefined ? '' : address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/**
 * Whether `value` names a trace by W3C Trace Context §3.2: known layout, no all-zero ids, version
 * not ff.
 */
export function isTraceparent(value: string): boolean {
  const parts = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/.exec(value);
  if (parts === null) return false;
  const [, version, trace, parent, rest] = parts;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return false;
  return !/^0+$/.test(trace!) && !/^0+$/.test(parent!);
}

/** The `traceparent` of a head, if it is single and valid. */
export function traceparentOf(raw: RawHeaders): string | undefined {
  const present = headerValues(raw, 'traceparent');
  return present.length === 1 && isTraceparent(present[0]!) ? present[0] : undefined;
}

/**
 * Gives a head without a valid `traceparent` this one. An invalid one goes, together with its
 * `tracestate` (W3C Trace Context §3.2.2, §4.3).
 */
export function setTraceparent(headers: string[], traceparent: string): void {
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if (/^trace(?:parent|state)$/i.test(headers[i]!)) headers.splice(i, 2);
  }
  headers.push('traceparent', traceparent);
}

/**
 * The head as bytes on the wire. They are latin1 both ways, so that obs-text survives (RFC 9110
 * §5.5).
 */
export function formatHead(startLine: string, headers: RawHeaders): string {
  let head = `${startLine}\r\n`;
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return `${head}\r\n`;
}
