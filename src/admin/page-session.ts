// admin: the log-in of the page: a cookie signed with the admin token, so that every instance accepts it.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** How long a log-in holds, ms: a working day. */
const LIFE_MS = 10 * 3_600_000;
/** Log-outs remembered until their cookies have expired. */
const ENDED_LIMIT = 4096;

export interface PageSessions {
  /**
   * `Set-Cookie` of a new log-in. `path` is where the page is; `secure`: the browser came by TLS.
   * `wall` is ms since the epoch.
   */
  begin(path: string, secure: boolean, wall: number): string;
  /**
   * `Set-Cookie` that ends the log-in of these cookies, here for good. On other instances the
   * browser forgets it.
   */
  end(cookies: string, path: string): string;
  /** Whether a `Cookie` header holds a valid log-in. */
  good(cookies: string, wall: number): boolean;
}

/**
 * Log-ins of one token. A new token ends them all. The cookie says when it ends and nothing else.
 */
export function createPageSessions(token: string): PageSessions {
  const key = createHmac('sha256', token).update('ackspan page session').digest();
  const sign = (text: string): string => createHmac('sha256', key).update(text).digest('base64url');
  // Cookies ignore ports (RFC 6265 §8.5): two sidecars of one machine with different tokens must
  // not overwrite each other's.
  const name = `ackspan_${createHmac('sha256', key).update('name').digest('hex').slice(0, 8)}`;
  const ended = new Set<string>();

  const cookieOf = (cookies: string): string | undefined => {
    for (const pair of cookies.split(';')) {
      const cut = pair.indexOf('=');
      if (cut > 0 && pair.slice(0, cut).trim() === name) return pair.slice(cut + 1).trim();
    }
    return undefined;
  };
  const attributes = (path: string): string => `Path=${path === '' ? '/' : path}; HttpOnly; SameSite=Strict`;
  const good = (cookies: string, wall: number): boolean => {
    const value = cookieOf(cookies);
    const [, text, ends, signature] = /^(([0-9a-z]{1,11})\.[\w-]{22})\.([\w-]{43})$/.exec(value ?? '') ?? [];
    if (text === undefined || ends === undefined || signature === undefined) return false;
    if (!timingSafeEqual(Buffer.from(signature), Buffer.from(sign(text)))) return false;
    return Number.parseInt(ends, 36) > wall && !ended.has(text);
  };
  return {
    begin(path, secure, wall) {
      const text = `${Math.floor(wall + LIFE_MS).toString(36)}.${randomBytes(16).toString('base64url')}`;
      const value = `${name}=${text}.${sign(text)}; ${attributes(path)}; Max-Age=${LIFE_MS / 1000}`;
      return secure ? `${value}; Secure` : value;
    },
    end(cookies, path) {
      const text = cookieOf(cookies)?.split('.').slice(0, 2).join('.');
      // A cookie that is malformed or has no valid signature ends nothing and takes no room.
      if (text !== undefined && good(cookies, 0)) ended.add(text);
      if (ended.size > ENDED_LIMIT) ended.delete(ended.values().next().value as string);
      return `${name}=; ${attributes(path)}; Max-Age=0`;
    },
    good,
  };
}
