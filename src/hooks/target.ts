// hooks: where notices go: an address, or a path of the upstream, reached the way the relay reaches it.

/** The receiver, as far as a request needs it. */
export interface HookTarget {
  readonly secure: boolean;
  /** Host name or IP, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Path of a unix socket. Host and port are not used then. */
  readonly socketPath: string | undefined;
  /** Path and query. */
  readonly path: string;
  /** Value of the Host header. */
  readonly authority: string;
  readonly verifyTls: boolean;
  /** PEM of the authorities to trust instead of Node's. */
  readonly ca: string | undefined;
}

/** The upstream, as far as a notice needs it. */
export interface HookUpstream {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly socketPath: string | undefined;
  /** Prefix of every path, without a trailing slash. */
  readonly basePath: string;
  readonly verifyTls: boolean;
  readonly ca: string | undefined;
}

/**
 * Reads `https://…`, `http://…`, or `/path` of the upstream. Throws a RangeError for anything else:
 * the configuration checks first.
 */
export function resolveTarget(url: string, upstream: HookUpstream): HookTarget {
  if (/^\/[!-~]*$/.test(url)) return onUpstream(url, upstream);
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.password !== '') {
    throw new RangeError('a hook goes to http://…, https://… (without a user name) or a /path of the upstream');
  }
  const secure = parsed.protocol === 'https:';
  return {
    secure,
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? (secure ? 443 : 80) : Number(parsed.port),
    socketPath: undefined,
    path: parsed.pathname + parsed.search,
    authority: parsed.host,
    verifyTls: true,
    ca: undefined,
  };
}

function onUpstream(path: string, upstream: HookUpstream): HookTarget {
  const { secure, host, port, socketPath, basePath, verifyTls } = upstream;
  const name = host.includes(':') ? `[${host}]` : host;
  const authority = socketPath === undefined ? `${name}:${port}` : 'localhost';
  return {
    ...{ secure, host, port, socketPath, path: basePath + path, authority, verifyTls },
    // The file may have changed since.
    get ca() {
      return upstream.ca;
    },
  };
}
