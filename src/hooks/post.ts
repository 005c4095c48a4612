// hooks: one POST to the receiver, with an end: it is answered, fails, or takes too long. Redirects are not followed.
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { patiently } from '../time/patience.ts';
import type { HookTarget } from './target.ts';

/** The result of a request. */
export type Answer =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfter: string | undefined }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'timeout' };

/** A request under way. */
export interface Posting {
  /** The result. Never rejects. */
  readonly answer: Promise<Answer>;
  /** Ends the request as failed. */
  abort(): void;
}

/** Sends requests over kept-alive connections. */
export interface Poster {
  post(headers: Readonly<Record<string, string>>, body: string): Posting;
  /** Closes idle connections. */
  close(): void;
}

/**
 * Bytes of an answer's body that are read, and thrown away, so that the connection can be used
 * again.
 */
const BODY_LIMIT = 65_536;

/**
 * `timeoutMs`: from the call to the end of the answer, in running time. An answer that lies in the
 * socket by then counts (SPEC D14).
 */
export function createPoster(target: HookTarget, connections: number, timeoutMs: number): Poster {
  const { secure, host, port, socketPath, path, authority, verifyTls } = target;
  const keep = { keepAlive: true, maxSockets: connections, maxFreeSockets: 1, keepAliveMsecs: 30_000 };
  const agent = secure ? new HttpsAgent(keep) : new HttpAgent(keep);
  const place = socketPath === undefined ? { host, port } : { socketPath };
  const trust = secure ? { rejectUnauthorized: verifyTls } : {};
  const options = { ...place, ...trust, path, method: 'POST', agent };
  const request = secure ? httpsRequest : httpRequest;
  return {
    post(headers, body) {
      const length = String(Buffer.byteLength(body));
      const { ca } = target;
      const trusting = secure && ca !== undefined ? { ...options, ca } : options;
      const outgoing = request({ ...trusting, headers: { host: authority, ...headers, 'content-length': length } });
      const answer = awaitAnswer(outgoing, timeoutMs);
      outgoing.end(body);
      return { answer, abort: () => outgoing.destroy(new Error('stopped')) };
    },
    close: () => agent.destroy(),
  };
}

function awaitAnswer(outgoing: ClientRequest, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    let response: IncomingMessage | undefined;
    const answered = (to: IncomingMessage): Answer => ({
      kind: 'answered',
      status: to.statusCode ?? 0,
      retryAfter: to.headers['retry-after'],
    });
    const end = (answer: Answer) => {
      wait.cancel();
      // A status that has arrived counts, whatever became of the body.
      resolve(response === undefined ? answer : answered(response));
    };
    const wait = patiently(timeoutMs, () => {
      end({ kind: 'timeout' });
      outgoing.destroy();
    });
    outgoing.on('error', (error) => end({ kind: 'failed', error }));
    outgoing.on('response', (incoming) => {
      response = incoming;
      let bytes = 0;
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > BODY_LIMIT) incoming.destroy();
      });
      incoming.on('error', (error) => end({ kind: 'failed', error }));
      incoming.on('close', () => end(answered(incoming)));
    });
  });
}
