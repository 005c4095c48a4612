// cli: tells whether an address takes a connection, and whether a path accepts a WebSocket upgrade.
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { upstreamAddress } from '../config/consistency.ts';

/** The result of a dial. `detail` says why it failed, or what came back. */
export interface Dialled {
  readonly target: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly detail: string;
}

/** TLS of an https target. */
export interface DialTls {
  readonly insecure: boolean;
  readonly ca: string | undefined;
}

const TIMEOUT_MS = 3_000;

/**
 * Connects to an `http(s)://` or `unix:` target (TLS handshake included) and hangs up. Never
 * rejects; gives up after 3 s.
 */
export function dial(target: string, tls: DialTls): Promise<Dialled> {
  const started = performance.now();
  const { promise, resolve } = once<Dialled>();
  const end = (ok: boolean, detail: string): void => {
    socket.destroy();
    resolve({ target, ok, ms: Math.round(performance.now() - started), detail });
  };
  const address = upstreamAddress(target);
  const secure = target.startsWith('https:');
  const socket =
    address === undefined
      ? connect({ path: target.replace(/^unix:/, '') })
      : secure
        ? connectTls({ ...address, ...tlsOptions(tls), ALPNProtocols: ['http/1.1'] })
        : connect(address);
  socket.setTimeout(TIMEOUT_MS, () => end(false, `no answer within ${TIMEOUT_MS / 1000} s`));
  socket.once(secure ? 'secureConnect' : 'connect', () => end(true, 'reachable'));
  socket.once('error', (error) => end(false, reason(error)));
  return promise;
}

/**
 * Asks for a WebSocket on `path` of the target and hangs up. `ok` = the answer was 101. Never
 * rejects; gives up after 3 s.
 */
export function probeUpgrade(target: string, path: string, tls: DialTls): Promise<Dialled> {
  const started = performance.now();
  const { promise, resolve } = once<Dialled>();
  const unix = target.startsWith('unix:');
  const url = new URL(unix ? `http://localhost${path}` : target.replace(/\/$/, '') + path);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = send(url, {
    agent: false,
    ...(unix ? { socketPath: target.slice('unix:'.length) } : tlsOptions(tls)),
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    },
  });
  const end = (ok: boolean, detail: string): void => {
    request.destroy();
    resolve({ target: `${target} ${path}`, ok, ms: Math.round(performance.now() - started), detail });
  };
  request.once('upgrade', (_response, socket) => {
    socket.destroy();
    end(true, 'accepts WebSockets');
  });
  request.once('response', (response) => end(false, `answers an upgrade with ${response.statusCode} instead of 101`));
  // The listener stays: destroying the request may raise an error after the answer.
  request.on('error', (error) => end(false, reason(error)));
  request.setTimeout(TIMEOUT_MS, () => end(false, `no answer within ${TIMEOUT_MS / 1000} s`));
  request.end();
  return promise;
}

function tlsOptions({ insecure, ca }: DialTls): { rejectUnauthorized: boolean; ca?: string } {
  return { rejectUnauthorized: !insecure, ...(ca === undefined ? {} : { ca }) };
}

/** Happy-eyeballs failures carry their reasons inside. */
function reason(error: Error): string {
  const inner = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  return `not reachable: ${inner.message}`;
}

function once<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
