// admin-client: one request to an admin server: answered 2xx in time and in the expected shape, else a rejection.
import { AdminFailure, failureOf, failureOfFetch } from './failure.ts';

/** The address of an admin server, and its token. */
export interface Place {
  /**
   * URL without a slash at the end. It includes the path of a mount:
   * `https://app.example.com/.ackspan`.
   */
  readonly base: string;
  /** Bearer token; undefined = none is sent. */
  readonly token: string | undefined;
}

export interface RequestOptions {
  readonly method?: 'GET' | 'POST';
  /** Body, which is sent as JSON. */
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest time until the whole answer is there, ms. */
  readonly timeoutMs: number;
}

/** Longest answer that is read, bytes. A page of 500 deliveries has less than 1 MiB. */
const ANSWER_LIMIT = 32 * 1024 * 1024;

/** The headers of every request. */
export function headersFor({ token }: Place, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { ...more, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
}

/**
 * The text of an answer with status 2xx. Rejects with an `AdminFailure` otherwise. A redirect is
 * not followed, because that would show the token to another server.
 */
export async function requestText(place: Place, path: string, options: RequestOptions): Promise<string> {
  const { method = 'GET', body, headers, timeoutMs } = options;
  try {
    const response = await fetch(place.base + path, {
      method,
      headers: headersFor(place, { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await textOf(response);
    if (response.ok) return text;
    throw failureOf(response.status, response.headers.get('content-type') ?? '', text);
  } catch (error) {
    throw failureOfFetch(error, place.base, timeoutMs);
  }
}

/** The object of a JSON answer. */
export async function requestJson(
  place: Place,
  path: string,
  options: RequestOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const text = await requestText(place, path, options);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // No JSON: the code below reports that this is no admin server.
  }
  throw stranger(place);
}

/** Reads `/readyz`, whose answer has the same shape with status 200 and 503. */
export async function readiness(
  place: Place,
  timeoutMs: number,
): Promise<{ readonly ready: boolean; readonly reasons: readonly string[] }> {
  try {
    const response = await fetch(`${place.base}/readyz`, {
      headers: headersFor(place),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const { ready, reasons }: { ready?: unknown; reasons?: unknown } = JSON.parse(await textOf(response));
    if (typeof ready === 'boolean' && Array.isArray(reasons)) return { ready, reasons: reasons.map(String) };
    throw stranger(place);
  } catch (error) {
    throw failureOfFetch(error instanceof SyntaxError ? stranger(place) : error, place.base, timeoutMs);
  }
}

export function stranger({ base }: Place): AdminFailure {
  return new AdminFailure('stranger', `${base} answers, but not as an Ackspan admin server does`);
}

async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > ANSWER_LIMIT) throw new AdminFailure('stranger', `the answer is longer than ${ANSWER_LIMIT} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
