// admin-client: one request to an admin server: answered 2xx in time and in the expected shape, else a rejection.
import { readAnswer } from './answer.ts';
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
/** Longest refusal that is read, bytes. */
const PROBLEM_LIMIT = 256 * 1024;

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
    if (!response.ok) throw await refusalOf(response);
    return await textOf(response, ANSWER_LIMIT);
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
  const answer = readAnswer(text);
  if (answer === undefined) throw stranger(place);
  return answer;
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
    const { ready, reasons } = readAnswer(await textOf(response, PROBLEM_LIMIT)) ?? {};
    if (typeof ready === 'boolean' && Array.isArray(reasons)) return { ready, reasons: reasons.map(String) };
    throw stranger(place);
  } catch (error) {
    throw failureOfFetch(error, place.base, timeoutMs);
  }
}

export function stranger({ base }: Place): AdminFailure {
  return new AdminFailure('stranger', `${base} answers, but not as an Ackspan admin server does`);
}

/**
 * The failure that an answer other than 2xx means. No more of its body is read than a problem has.
 */
export async function refusalOf(response: Response): Promise<AdminFailure> {
  const type = response.headers.get('content-type') ?? '';
  return failureOf(response.status, type, await textOf(response, PROBLEM_LIMIT));
}

async function textOf(response: Response, limit: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > limit) throw new AdminFailure('stranger', `the answer is longer than ${limit} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
