// admin: last step of an admin request: answers are built and written here, always with security headers.
import type { ServerResponse } from 'node:http';
import type { Answer, Reply } from './route.ts';
import type { ProblemJson } from './shapes.ts';

/** For answers that no browser may frame, sniff, store or run. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/**
 * One fault of a request, as the `errors` member of a problem lists it. Never repeats what the
 * caller sent.
 */
export interface ParameterFault {
  readonly parameter: string;
  readonly fault: string;
  /** The allowed values, or a description of them. */
  readonly allowed: readonly string[];
}

const TITLES = {
  400: 'Bad request',
  401: 'A token is required',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Content too large',
  414: 'URI too long',
  415: 'Unsupported media type',
  421: 'Misdirected request',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Too busy',
} as const;

/** A JSON answer. Numbers that JSON cannot hold become null. */
export function json(status: number, body: object): Answer {
  return { kind: 'answer', status, contentType: 'application/json', body: `${JSON.stringify(body)}\n` };
}

/**
 * A problem as RFC 9457 describes it; `errors` and `code` (a word for programs) are our extension
 * members.
 */
export function problem(
  status: keyof typeof TITLES,
  detail: string,
  more: {
    readonly code?: string;
    readonly errors?: readonly ParameterFault[];
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Answer {
  const { code, errors } = more;
  const body: ProblemJson = {
    ...{ type: 'about:blank', title: TITLES[status], status, detail },
    ...(code === undefined ? {} : { code }),
    ...(errors === undefined ? {} : { errors }),
  };
  const answer = { ...json(status, body), contentType: 'application/problem+json' };
  return more.headers === undefined ? answer : { ...answer, headers: more.headers };
}

/**
 * The answer to OPTIONS (RFC 9110 §9.3.7): what the resource allows, and no content. Nothing is
 * granted to other origins.
 */
export function options(headers: Readonly<Record<string, string>>): Answer {
  return { kind: 'answer', status: 204, contentType: '', body: '', headers };
}

/** Sends the client to another address, for good, with the same method (RFC 9110 §15.4.9). */
export function redirect(location: string): Answer {
  return { kind: 'answer', status: 308, contentType: '', body: '', headers: { Location: location } };
}

/** The answer to a query with faults: all of them at once. */
export function badQuery(errors: readonly ParameterFault[]): Answer {
  return problem(400, `These query parameters are wrong: ${namesOf(errors)}.`, { errors });
}

/** The answer to a body with faults: all of them at once. */
export function badBody(errors: readonly ParameterFault[]): Answer {
  return problem(400, `These members of the body are wrong: ${namesOf(errors)}.`, { errors });
}

function namesOf(errors: readonly ParameterFault[]): string {
  return [...new Set(errors.map((error) => error.parameter))].slice(0, 20).join(', ');
}

/** Writes the reply; for HEAD only its head. */
export function writeReply(response: ServerResponse, reply: Reply, headOnly: boolean): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  // nginx would collect the events of a stream before it passes them on.
  if (reply.kind === 'stream') response.setHeader('X-Accel-Buffering', 'no');
  if (reply.contentType !== '') response.setHeader('Content-Type', reply.contentType);
  if (reply.kind === 'stream') {
    response.writeHead(200);
    if (headOnly) response.end();
    else reply.open(response);
    return;
  }
  if (reply.status === 204) {
    // RFC 9110 §8.6: a 204 has no Content-Length.
    response.writeHead(204, reply.headers).end();
    return;
  }
  const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body;
  if (reply.sent !== undefined) response.once('finish', reply.sent);
  response.writeHead(reply.status, { ...reply.headers, 'Content-Length': body.length });
  response.end(headOnly ? undefined : body);
}
