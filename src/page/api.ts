// page: requests to the admin API of the server that the page came from, wherever it is mounted.
import type { ProblemJson } from '../admin/shapes.ts';

/** An answer that is a problem (RFC 9457). `status` 0 = no answer came. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | undefined;
  readonly problem: ProblemJson | undefined;

  constructor(status: number, text: string, problem?: ProblemJson) {
    super(text);
    this.status = status;
    this.code = problem?.code;
    this.problem = problem;
  }
}

export type Search = Readonly<Record<string, string | number | undefined>>;

/** The address of a resource. */
export function address(path: string, search: Search = {}): string {
  const url = new URL(`api/v1/${path}`, document.baseURI);
  url.hash = '';
  for (const [name, value] of Object.entries(search))
    if (value !== undefined && value !== '') url.searchParams.set(name, String(value));
  return url.href;
}

/** Reads a resource. Rejects with an `ApiError`. */
export function read<T>(path: string, search: Search = {}, signal?: AbortSignal): Promise<T> {
  return ask<T>(address(path, search), signal === undefined ? {} : { signal });
}

/** Sends a change. A page of another origin cannot send the header. */
export function send<T>(path: string, body: object): Promise<T> {
  return ask<T>(address(path), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Ackspan-Request': '1' },
    body: JSON.stringify(body),
  });
}

async function ask<T>(url: string, options: RequestInit): Promise<T> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(url, { ...options, credentials: 'same-origin', cache: 'no-store' });
    const type = response.headers.get('content-type') ?? '';
    if (type.includes('json')) body = await response.json();
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    // No answer, or one that broke off.
    throw new ApiError(0, 'The sidecar does not answer.');
  }
  if (response.ok) return body as T;
  const problem = body as ProblemJson | undefined;
  throw new ApiError(response.status, told(response.status, problem), problem);
}

function told(status: number, problem: ProblemJson | undefined): string {
  if (problem === undefined) return `The sidecar answered ${status}.`;
  const faults = (problem.errors ?? []).map(
    ({ parameter, fault, allowed }) => `${parameter}: ${fault} (${allowed.join(', ')})`,
  );
  return [problem.detail, ...faults].join(' ');
}
