// admin-client: what can go wrong between a reader and an admin server, as one kind of error with words for people.

/**
 * `unreachable`: no connection, or it broke. `slow`: no answer in time. `token`: a token is missing
 * or wrong. `forbidden`: the server does not serve this at this address. `missing`: no such thing.
 * `refused`: the request was read and turned down. `busy`: try later. `stranger`: the answer came
 * from something that is no admin server. `broken`: the server failed.
 */
export type FailureKind =
  | 'unreachable'
  | 'slow'
  | 'token'
  | 'forbidden'
  | 'missing'
  | 'refused'
  | 'busy'
  | 'stranger'
  | 'broken';

/**
 * The one error with which calls of the client reject. `message` is a sentence for people, in which
 * text of the far end is quoted as it came.
 */
export class AdminFailure extends Error {
  readonly kind: FailureKind;
  /** HTTP status; 0 = none came. */
  readonly status: number;

  constructor(kind: FailureKind, message: string, status = 0, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'AdminFailure';
    this.kind = kind;
    this.status = status;
  }
}

/** A problem (RFC 9457), as far as it is read. */
interface Problem {
  readonly detail?: unknown;
  readonly errors?: unknown;
}

/** The failure that an answer other than 2xx means. `body` is the answer's text. */
export function failureOf(status: number, contentType: string, body: string): AdminFailure {
  const problem = contentType.startsWith('application/problem+json') ? parse(body) : undefined;
  if (problem === undefined)
    return new AdminFailure('stranger', `something that is no Ackspan admin server answers ${status}`, status);
  const detail = [typeof problem.detail === 'string' ? problem.detail : `status ${status}`, ...faults(problem.errors)];
  return new AdminFailure(kindOf(status), detail.join(' '), status);
}

function kindOf(status: number): FailureKind {
  if (status === 401) return 'token';
  if (status === 403 || status === 421) return 'forbidden';
  if (status === 404) return 'missing';
  if (status === 429 || status === 503) return 'busy';
  return status >= 500 ? 'broken' : 'refused';
}

/** Sentences about the faults of a request, each with the values that are allowed. */
function faults(errors: unknown): string[] {
  if (!Array.isArray(errors)) return [];
  return errors.map((each: { parameter?: unknown; fault?: unknown; allowed?: unknown }) => {
    const allowed = Array.isArray(each.allowed) ? ` (allowed: ${each.allowed.join(', ')})` : '';
    return `${String(each.parameter)}: ${String(each.fault)}${allowed}.`;
  });
}

function parse(body: string): Problem | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // No JSON: no admin server has sent this, which the caller reports.
    return undefined;
  }
}

/** The failure behind an error of `fetch`, whose own message says only that it failed. */
export function failureOfFetch(error: unknown, base: string, timeoutMs: number): AdminFailure {
  if (error instanceof AdminFailure) return error;
  if (error instanceof Error && error.name === 'TimeoutError')
    return new AdminFailure('slow', `${base} did not answer within ${timeoutMs / 1000} s`, 0, error);
  return new AdminFailure('unreachable', `${base} cannot be reached: ${reason(error)}`, 0, error);
}

/**
 * The innermost message. Happy-eyeballs failures carry their reasons inside, and `fetch` carries
 * all of them in `cause`.
 */
function reason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0]);
  if (error instanceof Error && error.cause instanceof Error) return reason(error.cause);
  return error instanceof Error ? error.message : String(error);
}
