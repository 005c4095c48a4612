// front: where the backend is: reads the operator's `upstream` address, and opens sockets to it.
import { type ClientRequest, Agent as HttpAgent, request } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { lasting } from './lasting.ts';

/** The backend that Ackspan fronts, ready to dial. */
export interface Upstream {
  /** The address as the operator wrote it, for logs. */
  readonly address: string;
  readonly secure: boolean;
  /**
   * Host name or IP (IPv6 without brackets), or the socket path for `unix:`. Suits
   * `server.address`.
   */
  readonly host: string;
  /** Port; 0 for `unix:`. */
  readonly port: number;
  /** Path of the socket; set for `unix:` only. */
  readonly socketPath: string | undefined;
  /** Prefix of every request path, without a slash at the end; `''` = none. */
  readonly basePath: string;
  /** Whether an `https://` certificate must verify. */
  readonly verifyTls: boolean;
  /**
   * Authorities to trust in place of Node's, as PEM. May change, for connections that begin after
   * that.
   */
  ca: string | undefined;
  /** Host header of every request; undefined = the client's own. */
  readonly hostHeader?: string | undefined;
  /**
   * Whether a peer of that address may say for whom it forwards (`trusted_proxies`). Default: none
   * may.
   */
  trustsPeer?(address: string): boolean;
}

/** The conditions under which an `https://` upstream is trusted. */
export interface TlsTrust {
  /** Whether the certificate must verify. Default true. */
  readonly verifyTls?: boolean | undefined;
  readonly ca?: string | undefined;
}

/** The upstream, or one sentence for the operator that says what is wrong with the address. */
export type ParsedUpstream =
  | { readonly upstream: Upstream; readonly fault?: undefined }
  | { readonly upstream?: undefined; readonly fault: string };

const SHAPES = 'use http://host:port, https://host:port or unix:/path/to.sock';

/**
 * Reads `http://host[:port][/base]`, `https://host[:port][/base]` or `unix:/path`. Never throws.
 * The port defaults to 80, or 443.
 */
export function parseUpstream(address: string, { verifyTls = true, ca }: TlsTrust = {}): ParsedUpstream {
  if (address.startsWith('unix:')) return parseUnix(address);
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    // The URL parser's own message names neither the key nor the remedy.
    return { fault: `upstream "${address}" is not an address: ${SHAPES}` };
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return { fault: `upstream "${address}" has the scheme "${url.protocol}": ${SHAPES}` };
  }
  if (url.username !== '' || url.password !== '') return { fault: 'upstream must not hold a user name or password' };
  if (url.search !== '' || url.hash !== '') {
    return { fault: `upstream "${address}" must not hold a query or a fragment` };
  }
  const secure = url.protocol === 'https:';
  return {
    upstream: {
      address,
      secure,
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
      socketPath: undefined,
      basePath: url.pathname.replace(/\/+$/, ''),
      verifyTls,
      ca,
    },
  };
}

function parseUnix(address: string): ParsedUpstream {
  const path = address.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
  if (!path.startsWith('/')) return { fault: `upstream "${address}" needs an absolute path: unix:/path/to.sock` };
  const plain = { secure: false, verifyTls: true, ca: undefined };
  return { upstream: { address, host: path, port: 0, socketPath: path, basePath: '', ...plain } };
}

/** The authority of the configured address, as for a Host header. A socket path has none. */
export function authorityOf({ address, socketPath }: Upstream): string {
  return socketPath === undefined ? new URL(address).host : 'localhost';
}

/**
 * Opens a socket that stays half-open on FIN, has no Nagle delay and speaks HTTP/1.1. A failure is
 * its `error` event.
 */
function openSocket(upstream: Upstream): Socket {
  if (upstream.socketPath !== undefined) return connect({ path: upstream.socketPath, allowHalfOpen: true });
  const where = { host: upstream.host, port: upstream.port, allowHalfOpen: true, noDelay: true };
  if (!upstream.secure) return connect(where);
  return connectTls({
    ...where,
    ...trust(upstream),
    ALPNProtocols: ['http/1.1'],
  });
}

/** One upgrade request. */
export interface DialRequest {
  readonly method: string;
  readonly path: string;
  /** Headers; a flat raw list is sent in its order and spelling. */
  readonly headers: readonly string[] | Record<string, string | string[]>;
  /** Largest response head, bytes. */
  readonly headerBytes: number;
  /** Whether an answer is read also when the upstream takes no more of the request. */
  readonly lasting?: boolean;
}

/**
 * Sends an upgrade request on a socket of its own. The caller ends it, and listens to `upgrade`,
 * `response` and `error`.
 */
export function dial(upstream: Upstream, asked: DialRequest): ClientRequest {
  const { method, path, headers, headerBytes } = asked;
  const sent = request({
    method,
    path,
    headers,
    maxHeaderSize: headerBytes,
    createConnection: () => (asked.lasting === true ? lasting(openSocket(upstream)) : openSocket(upstream)),
  });
  sent.maxHeadersCount = ANY_NUMBER;
  // No other request can have the socket. node:http would keep it, for `Connection: Upgrade` does
  // not say `close`, and its end would go unheard.
  sent.once('response', () => {
    sent.shouldKeepAlive = false;
  });
  return sent;
}

/**
 * `maxHeadersCount` of answers. The size limit bounds the number. Node's default would silently
 * drop every header after the 1,000th.
 */
const ANY_NUMBER = 0;

/**
 * Creates the pool of connections for plain HTTP. Idle connections close after 4 s: uvicorn and
 * Node close theirs after 5 s, and a request that meets a closing connection would fail.
 */
export function createAgent(upstream: Upstream): HttpAgent {
  const reuse = { keepAlive: true, timeout: 4_000, noDelay: true };
  if (!upstream.secure) return readsWholeAnswers(new HttpAgent(reuse));
  const agent = new HttpsAgent({ ...reuse, ...trust(upstream) });
  // Read for each connection.
  Object.defineProperty(agent.options, 'ca', { enumerable: true, get: () => upstream.ca });
  return readsWholeAnswers(agent);
}

/**
 * Lets each request of an agent take an answer with any number of headers, also when the upstream
 * takes no more of the request. The request has to know the former before it has its socket, and an
 * agent is the last to see it by then.
 */
function readsWholeAnswers(agent: HttpAgent): HttpAgent {
  const known = agent as unknown as {
    addRequest(request: ClientRequest, ...more: unknown[]): void;
    createConnection(...options: unknown[]): Socket;
  };
  const connects = known.createConnection.bind(agent);
  known.createConnection = (...options) => lasting(connects(...options));
  const add = known.addRequest.bind(agent);
  known.addRequest = (request, ...more) => {
    request.maxHeadersCount = ANY_NUMBER;
    add(request, ...more);
  };
  return agent;
}

/**
 * The TLS options. SNI and the name in the certificate are the configured host, never the client's
 * Host header. RFC 6066 §3 forbids IPs.
 */
function trust({ host, verifyTls, ca }: Upstream) {
  const name = { servername: isIP(host) === 0 ? host : '', rejectUnauthorized: verifyTls };
  return ca === undefined ? name : { ...name, ca };
}
