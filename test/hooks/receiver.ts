// A real HTTP receiver of notices: keeps what arrived, verifies signatures by the specification's own words, and misbehaves when told to.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly at: number;
}

export interface CloudEvent {
  readonly specversion: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: string;
  readonly traceparent?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

type Behave = (response: ServerResponse, index: number) => void;

export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

export function status(code: number, headers: Record<string, string> = {}): Behave {
  return (response) => void response.writeHead(code, headers).end();
}

/** Listens on loopback, or on a unix socket. */
export async function startReceiver(where: string | number = 0) {
  const received: Received[] = [];
  const held: ServerResponse[] = [];
  const waiters = new Set<() => void>();
  let behave: Behave = status(204);
  let underWay = 0;
  let most = 0;
  const server = createServer((request, response) => {
    most = Math.max(most, ++underWay);
    response.on('close', () => underWay--);
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      received.push({ path: request.url ?? '', headers: request.headers, body, at: Date.now() });
      behave(response, received.length);
      for (const wake of waiters) wake();
    });
  });
  if (typeof where === 'string') server.listen(where);
  else server.listen(where, '127.0.0.1');
  await once(server, 'listening');
  const port = typeof where === 'string' ? 0 : (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${port}/hooks?x=1`,
    port,
    /** For who wants to be more than a receiver. */
    server,
    received,
    get most() {
      return most;
    },
    behave(next: Behave) {
      behave = next;
    },
    /** Answers nothing until `release`. */
    hold() {
      behave = (response) => held.push(response);
    },
    release() {
      behave = status(204);
      for (const response of held.splice(0)) response.writeHead(204).end();
    },
    /** Resolves when so many requests have arrived. */
    async arrived(count: number): Promise<readonly Received[]> {
      while (received.length < count) {
        await new Promise<void>((resolve) => {
          const wake = () => {
            waiters.delete(wake);
            resolve();
          };
          waiters.add(wake);
        });
      }
      return received;
    },
    events: () => received.map((each) => JSON.parse(each.body) as CloudEvent),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Standard Webhooks, "Verifying signatures": one of the signatures must match. */
export function verifies({ headers, body }: Received, secret: string): boolean {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const expected = createHmac('sha256', key)
    .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
    .digest();
  return String(headers['webhook-signature'])
    .split(' ')
    .filter((each) => each.startsWith('v1,'))
    .map((each) => Buffer.from(each.slice(3), 'base64'))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
}
