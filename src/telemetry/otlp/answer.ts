// telemetry: OTLP over HTTP, the answer: the result of one request, and whether another try may help.
import type { ClientRequest, IncomingMessage } from 'node:http';
import { readRefusal } from './response.ts';

/** An answer with a status of 2xx. */
export interface Accepted {
  readonly contentType: string;
  readonly body: Buffer;
}

/** Why a request failed. */
export interface Failed {
  readonly kind: 'failed';
  readonly error: Error;
  /** Whether the request may succeed later, at the soonest after `askedMs`. */
  readonly again: boolean;
  readonly askedMs: number;
  /**
   * Whether the request went into a kept-alive connection that the collector had closed meanwhile.
   * It can go again at once, over a new one.
   */
  readonly stale: boolean;
}

/** The result of one request. */
export type Outcome = { readonly kind: 'accepted'; readonly answer: Accepted } | Failed;

/** Bytes of an answer that are kept: enough for any message, little enough for any peer. */
const ANSWER_LIMIT = 65_536;
/** Answers after which the request may succeed (OTLP specification, "Retryable Response Codes"). */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * Waits for the end of a request. Never rejects, and has no time-out of its own: the caller
 * destroys a request that takes too long.
 */
export function answerOf(outgoing: ClientRequest): Promise<Outcome> {
  return new Promise((resolve) => {
    let response: IncomingMessage | undefined;
    const chunks: Buffer[] = [];
    let bytes = 0;
    const end = (error: Error): void => {
      // A status that has arrived counts, whatever became of the body.
      resolve(
        response === undefined
          ? networkFault(error, outgoing.reusedSocket)
          : outcomeOf(response, Buffer.concat(chunks)),
      );
    };
    outgoing.on('error', end);
    outgoing.on('close', () => end(new Error('the connection was closed without an answer')));
    outgoing.on('response', (incoming) => {
      response = incoming;
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= ANSWER_LIMIT) chunks.push(chunk);
        else incoming.destroy();
      });
      incoming.on('error', end);
      incoming.on('end', () => end(new Error('unread')));
    });
  });
}

/**
 * A request without an answer may succeed when the collector comes back. A TLS or address fault
 * stays one.
 */
function networkFault(error: Error, reused: boolean): Failed {
  const { code = '' } = error as NodeJS.ErrnoException;
  const again = /^(ECONN|EPIPE|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|ENETUNREACH|EHOSTUNREACH)/.test(code);
  return { kind: 'failed', error: innermost(error), again, askedMs: 0, stale: reused && again };
}

/** Happy-eyeballs failures carry their reasons inside. */
function innermost(error: Error): Error {
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return inner instanceof Error ? inner : error;
}

function outcomeOf({ statusCode = 0, statusMessage = '', headers }: IncomingMessage, body: Buffer): Outcome {
  const contentType = headers['content-type'] ?? '';
  if (statusCode >= 200 && statusCode < 300) return { kind: 'accepted', answer: { contentType, body } };
  const told = readRefusal(contentType, body);
  const error = new Error(`HTTP ${statusCode} ${statusMessage}${told === '' ? '' : `: ${told}`}`);
  const again = PASSING.has(statusCode);
  return { kind: 'failed', error, again, askedMs: askedMs(headers['retry-after']), stale: false };
}

/** `Retry-After` as ms: seconds or an HTTP date (RFC 9110 §10.2.3); 0 when absent or unreadable. */
function askedMs(header: string | undefined): number {
  if (header === undefined) return 0;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}
