// A real OTLP/HTTP receiver for tests: keeps what arrived, and misbehaves when told to.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { decodeMetrics, decodeTraces, type ReceivedMetric, type ReceivedSpan } from './otlp-decode.ts';
import { decodeLogs, type ReceivedLog } from './otlp-decode-logs.ts';

/**
 * How the receiver treats the next requests. `hang` never answers; `hold` takes in and answers at
 * `release`; `close` destroys the socket.
 */
export type Behaviour =
  | { readonly kind: 'accept'; readonly afterMs?: number }
  | { readonly kind: 'status'; readonly code: number; readonly retryAfter?: string }
  | { readonly kind: 'hang' }
  | { readonly kind: 'hold' }
  | { readonly kind: 'answer'; readonly contentType: string; readonly body: string | Uint8Array }
  | { readonly kind: 'close' };

export interface ReceivedRequest {
  readonly path: string;
  readonly contentType: string;
  readonly encoding: string;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: number;
}

export interface OtlpReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  /** Accepted spans, metrics and log records, in order of arrival. */
  readonly spans: ReceivedSpan[];
  readonly logs: ReceivedLog[];
  readonly metrics: ReceivedMetric[];
  /** Every request whose body arrived, accepted or not. */
  readonly requests: ReceivedRequest[];
  behave(behaviour: Behaviour): void;
  /**
   * Answers the held requests, and accepts from now on. Resolves when the answers have left this
   * process.
   */
  release(): Promise<void>;
  /** Resolves when `predicate` holds. It is checked at once and whenever a request arrives. */
  waitFor(predicate: (receiver: OtlpReceiver) => boolean): Promise<void>;
  close(): Promise<void>;
}

/** Listens on a free loopback port, or on `port`. */
export async function startOtlpReceiver(port = 0): Promise<OtlpReceiver> {
  let behaviour: Behaviour = { kind: 'accept' };
  const waiters = new Set<() => void>();
  const timers = new Set<NodeJS.Timeout>();
  const held: { readonly response: ServerResponse; readonly answer: () => void }[] = [];

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handle(request, response, Buffer.concat(chunks)));
  });

  function handle(request: IncomingMessage, response: ServerResponse, raw: Buffer): void {
    const contentType = request.headers['content-type'] ?? '';
    const encoding = request.headers['content-encoding'] ?? '';
    const path = request.url ?? '';
    receiver.requests.push({ path, contentType, encoding, headers: request.headers, bytes: raw.length });
    switch (behaviour.kind) {
      case 'hang':
        break;
      case 'answer':
        response.writeHead(200, { 'Content-Type': behaviour.contentType }).end(behaviour.body);
        break;
      case 'close':
        request.socket.destroy();
        break;
      case 'status':
        if (behaviour.retryAfter !== undefined) response.setHeader('Retry-After', behaviour.retryAfter);
        response.writeHead(behaviour.code).end();
        break;
      case 'hold':
      case 'accept': {
        const json = contentType.startsWith('application/json');
        const body = encoding === 'gzip' ? gunzipSync(raw) : raw;
        const answer = () => {
          if (path.endsWith('/v1/traces')) receiver.spans.push(...decodeTraces(body, json));
          else if (path.endsWith('/v1/metrics')) receiver.metrics.push(...decodeMetrics(body, json));
          else if (path.endsWith('/v1/logs')) receiver.logs.push(...decodeLogs(body, json));
          response.writeHead(200, { 'Content-Type': contentType }).end(json ? '{}' : '');
          for (const check of waiters) check();
        };
        if (behaviour.kind === 'hold') held.push({ response, answer });
        else if (behaviour.afterMs === undefined) answer();
        else timers.add(setTimeout(answer, behaviour.afterMs));
        if (behaviour.kind === 'hold') break;
        return;
      }
    }
    for (const check of waiters) check();
  }

  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const receiver: OtlpReceiver = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    logs: [],
    metrics: [],
    requests: [],
    behave(next) {
      behaviour = next;
    },
    async release() {
      behaviour = { kind: 'accept' };
      await Promise.all(
        held.splice(0).map(({ response, answer }) => {
          const gone = once(response, 'finish');
          answer();
          return gone;
        }),
      );
    },
    waitFor(predicate) {
      return new Promise((resolve) => {
        const check = () => {
          if (!predicate(receiver)) return;
          waiters.delete(check);
          resolve();
        };
        waiters.add(check);
        check();
      });
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return receiver;
}
