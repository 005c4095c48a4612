// front: where the backend is. Reads the operator's `upstream` address and opens sockets to it; decides nothing else.
import { type ClientRequest, Agent as HttpAgent, request } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** The backend that Ackspan fronts, ready to dial. */
export interface Upstream {
  /** The address as the operator wrote it: for logs. */
  readonly address: string;
  readonly secure: boolean;
  /** Host name or IP (IPv6 without brackets); the socket path for `unix:`. Suits `server.address`. */
  readonly host: string;
  /** 0 for `unix:`. */
  readonly port: number;
  /** Set for `unix:` only. */
  readonly socketPath: string | undefined;
  /** Prefix of every request path, without a trailing slash; `''` when there is none. */
  readonly basePath: string;
  /** Whether an `https://` certificate must verify. */
  readonly verifyTls: boolean;
  /** PEM of the authorities to trust instead of Node's. */
  readonly ca: string | undefined;
  /** Host header of every request; undefined = the client's own. */
  readonly hostHeader?: string | undefined;
  /** Whether a peer of that address may say whom it forwards for (`trusted_proxies`); left out = none may. */
  trustsPeer?(address: string): boolean;
}

/** How to trust an `https://` upstream. */
export interface TlsTrust {
  /** Default true; false accepts any certificate. */
  readonly verifyTls?: boolean | undefined;
  readonly ca?: string | undefined;
}

/** Either the upstream or, in one sentence for the operator, what is wrong with the address. */
export type ParsedUpstream =
  | { readonly upstream: Upstream; readonly fault?: undefined }
  | { readonly upstream?: undefined; readonly fault: string };

const SHAPES = 'use http://host:port, https://host:port or unix:/path/to.sock';

/**
 * Reads `http://host[:port][/base]`, `https://host[:port][/base]` or `unix:/path`; never throws.
 * Ports default to 80 and 443.
 */
export function parseUpstream(address: string, { verifyTls = true, ca }: TlsTrust = {}): ParsedUpstream {
  if (address.startsWith('unix:')) return parseUnix(address);
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    // The URL parser's own message names neither the key nor the remedy; ours does.
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

/** The authority of the configured address, as a Host header has it; a socket path has none of its own. */
export function authorityOf({ address, socketPath }: Upstream): string {
  return socketPath === undefined ? new URL(address).host : 'localhost';
}

/** Opens a socket that stays half-open on FIN, has no Nagle delay and speaks HTTP/1.1; errors arrive as its `error` event. */
export function openSocket(upstream: Upstream): Socket {
  if (upstream.socketPath !== undefined) return connect({ path: upstream.socketPath, allowHalfOpen: true });
  const where = { host: upstream.host, port: upstream.port, allowHalfOpen: true, noDelay: true };
  if (!upstream.secure) return connect(where);
  return connectTls({
    ...where,
    ...trust(upstream),
    ALPNProtocols: ['http/1.1'],
  });
}

/** What one upgrade request says. */
export interface DialRequest {
  readonly method: string;
  readonly path: string;
  /** A flat raw list is sent in this order and spelling. */
  readonly headers: readonly string[] | Record<string, string | string[]>;
  /** Largest response head, bytes. */
  readonly headerBytes: number;
}

/** Sends an upgrade request on a socket of its own; the caller ends it and listens to `upgrade`, `response` and `error`. */
export function dial(upstream: Upstream, { method, path, headers, headerBytes }: DialRequest): ClientRequest {
  const sent = request({
    method,
    path,
    headers,
    maxHeaderSize: headerBytes,
    createConnection: () => openSocket(upstream),
  });
  // The size limit already bounds them; node's default would drop every header past the 1,000th silently.
  sent.maxHeadersCount = 0;
  return sent;
}

/**
 * Kept-alive connections for plain HTTP. Idle ones close after 4 s: before the 5 s at which uvicorn and Node close theirs,
 * because a request that meets a closing connection fails and nothing is retried.
 */
export function createAgent(upstream: Upstream): HttpAgent {
  const reuse = { keepAlive: true, timeout: 4_000, noDelay: true };
  if (!upstream.secure) return new HttpAgent(reuse);
  return new HttpsAgent({ ...reuse, ...trust(upstream) });
}

/** SNI and the name the certificate must carry are the configured host, never the client's Host header; RFC 6066 §3 forbids IPs. */
function trust({ host, verifyTls, ca }: Upstream) {
  const name = { servername: isIP(host) === 0 ? host : '', rejectUnauthorized: verifyTls };
  return ca === undefined ? name : { ...name, ca };
}
