// admin-client: where the admin server is and what opens it: from a flag, a variable or a file, each checked before anything is sent.
import { readFileSync } from 'node:fs';
import type { Place } from './request.ts';

/** What the operator gave. */
export interface GivenPlace {
  /** URL or `host:port`. */
  readonly admin?: string | undefined;
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
}

/** Something the operator gave that cannot be used; `message` says what and why, and never repeats a token. */
export class PlaceFault extends Error {}

/** Where a sidecar serves its admin API unless it is told otherwise. */
export const DEFAULT_ADMIN = 'http://127.0.0.1:9464';
/** A token file longer than this is some other file, bytes. */
const TOKEN_LIMIT = 16 * 1024;

/**
 * Flag before variable before default: `ACKSPAN_ADMIN`, and for the token `ACKSPAN_ADMIN_TOKEN` or the first line of the file that
 * `ACKSPAN_ADMIN_TOKEN_FILE` names. Throws a `PlaceFault`.
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

/** As it can stand in a header (RFC 9110 §5.5) behind `Bearer `. */
function checked(token: string, from: string): string {
  if (token === '') throw new PlaceFault(`${from}: the token is empty`);
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new PlaceFault(`${from}: the token holds characters that no header may carry (blanks, controls, non-ASCII)`);
  return token;
}
