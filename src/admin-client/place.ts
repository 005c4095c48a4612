// admin-client: the address of the admin server and its token, from a flag, a variable or a file, checked before use.
import { readFileSync } from 'node:fs';
import type { Place } from './request.ts';

/** The flags that the operator gave. */
export interface GivenPlace {
  /** URL or `host:port`. */
  readonly admin?: string | undefined;
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
}

/**
 * A value of the operator that cannot be used. `message` says what and why, and never repeats a
 * token.
 */
export class PlaceFault extends Error {}

/** Address at which a sidecar serves its admin API by default. */
export const DEFAULT_ADMIN = 'http://127.0.0.1:9464';
/** Longest token file, bytes. A longer file is something else. */
const TOKEN_LIMIT = 16 * 1024;

/**
 * Reads the place: a flag comes before a variable, and a variable before the default. The variables
 * are `ACKSPAN_ADMIN`, `ACKSPAN_ADMIN_TOKEN`, and `ACKSPAN_ADMIN_TOKEN_FILE`, which names a file
 * whose first line is the token. Throws a `PlaceFault`.
 */
export function readPlace(given: GivenPlace, env: Readonly<Record<string, string | undefined>>): Place {
  const said = given.admin ?? (env.ACKSPAN_ADMIN || undefined);
  const base = readBase(said ?? DEFAULT_ADMIN, given.admin === undefined ? 'ACKSPAN_ADMIN' : '--admin');
  if (given.token !== undefined && given.tokenFile !== undefined)
    throw new PlaceFault('--token and --token-file exclude each other');
  if (given.token !== undefined) return { base, token: checked(given.token, '--token') };
  if (given.tokenFile !== undefined) return { base, token: readToken(given.tokenFile, '--token-file') };
  const { ACKSPAN_ADMIN_TOKEN: token, ACKSPAN_ADMIN_TOKEN_FILE: file } = env;
  if (token) return { base, token: checked(token, 'ACKSPAN_ADMIN_TOKEN') };
  return { base, token: file ? readToken(file, 'ACKSPAN_ADMIN_TOKEN_FILE') : undefined };
}

function readBase(text: string, from: string): string {
  const written = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(written)) throw new PlaceFault(`${from}: "${text}" is no URL; write it like ${DEFAULT_ADMIN}`);
  const url = new URL(written);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new PlaceFault(`${from}: write an http:// or https:// URL`);
  if (url.username !== '' || url.password !== '')
    throw new PlaceFault(`${from}: the URL holds credentials; a token goes into --token-file or ACKSPAN_ADMIN_TOKEN`);
  if (url.search !== '' || url.hash !== '')
    throw new PlaceFault(`${from}: write the address alone, without a query or fragment`);
  return url.origin + url.pathname.replace(/\/+$/, '');
}

function readToken(file: string, from: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new PlaceFault(
      `${from}: ${file}: ${code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`}`,
    );
  }
  if (text.length > TOKEN_LIMIT) throw new PlaceFault(`${from}: ${file}: too long for a token`);
  return checked(text.split(/\r?\n/, 1)[0]!.trim(), from);
}

/** The token, if it can stand in a header behind `Bearer ` (RFC 9110 §5.5). */
function checked(token: string, from: string): string {
  if (token === '') throw new PlaceFault(`${from}: the token is empty`);
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new PlaceFault(`${from}: the token holds characters that no header may carry (blanks, controls, non-ASCII)`);
  return token;
}
