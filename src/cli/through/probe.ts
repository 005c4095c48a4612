// cli: one probe through the public address: a WebSocket to the far end, and everything that was seen of it from here.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { type FarHello, type FarReport, PROBE_PROTOCOLS } from '../../front/far-end.ts';

/** How long an answer of the far end may take, ms. */
const ANSWER_MS = 10_000;
/**
 * What an edge that takes queries apart would change: an empty value, an order, an escaped slash, a
 * blank.
 */
export const PROBE_QUERY = '?ackspan=1&b=&a=%2Fx&a=1%20~';

/** What came instead of a probe. */
export interface Refused {
  /** HTTP status; 0 = the connection failed. */
  readonly status: number;
  readonly reason: string;
}

export interface Probe {
  readonly hello: FarHello;
  /** What the handshake's answer said when it came here. */
  readonly protocol: string;
  readonly extensions: string;
  /** Cookies that it set, as a `Cookie` header has them; '' = none. */
  readonly cookie: string;
  /** When the handshake began and was answered, ms since the epoch. */
  readonly from: number;
  readonly until: number;
  /**
   * Messages and pings of the far end, in the order in which they came: `before X`, `ping X`,
   * `after X`.
   */
  readonly heard: readonly string[];
  /** Payloads of pongs. */
  readonly pongs: readonly string[];
  /** Resolves when the connection has ended: with its Close code, and after how long, ms. */
  readonly ended: Promise<{ readonly code: number; readonly afterMs: number }>;
  ping(payload: string): void;
  /**
   * Has the far end send a message, a ping with that payload and another message. Resolves when
   * both messages are there, or did not come.
   */
  askForPing(payload: string): Promise<void>;
  /** What the far end has got; undefined = it did not answer. */
  report(): Promise<FarReport | undefined>;
  close(): void;
}

export interface ProbeOptions {
  /** Of an earlier answer, as a browser would send them back. */
  readonly cookie?: string;
  readonly protocols?: readonly string[];
}

/** Opens one. Never rejects. */
export async function openProbe(
  url: string,
  { cookie = '', protocols = PROBE_PROTOCOLS }: ProbeOptions = {},
): Promise<Probe | Refused> {
  const from = Date.now();
  const socket = new WebSocket(`${url}${PROBE_QUERY}`, [...protocols], {
    handshakeTimeout: ANSWER_MS,
    perMessageDeflate: { threshold: Number.MAX_SAFE_INTEGER },
    headers: cookie === '' ? {} : { cookie },
  });
  // The first words may come with the handshake's answer.
  const told = listen(socket);
  const refused = await begun(socket);
  if (refused !== undefined) return refused;
  const until = Date.now();
  const openedAt = performance.now();
  const ended = new Promise<{ code: number; afterMs: number }>((resolve) => {
    const end = (code: number): void => resolve({ code, afterMs: performance.now() - openedAt });
    if (socket.readyState === WebSocket.CLOSED) end(1006);
    else socket.once('close', end);
  });
  if (!(await waitFor(socket, () => told.hello !== undefined))) {
    socket.terminate();
    return { status: 101, reason: 'a WebSocket opened, and its far end is not Ackspan' };
  }
  const { heard, pongs, reports } = told;
  return {
    hello: told.hello!,
    protocol: socket.protocol,
    extensions: told.head?.headers['sec-websocket-extensions'] ?? '',
    cookie: (told.head?.headers['set-cookie'] ?? []).map((each) => each.split(';', 1)[0]).join('; '),
    ...{ from, until, heard, pongs, ended },
    ping: (payload) => socket.readyState === WebSocket.OPEN && socket.ping(payload),
    async askForPing(payload) {
      if (socket.readyState === WebSocket.OPEN) socket.send(`ping:${payload}`);
      await waitFor(socket, () => heard.includes(`after ${payload}`));
    },
    async report() {
      const before = reports.length;
      if (socket.readyState === WebSocket.OPEN) socket.send('report');
      await waitFor(socket, () => reports.length > before);
      return reports[before];
    },
    close: () => socket.close(1000),
  };
}

function begun(socket: WebSocket): Promise<Refused | undefined> {
  return new Promise((resolve) => {
    socket.once('open', () => resolve(undefined));
    socket.once('unexpected-response', (_, response) => {
      resolve({ status: response.statusCode ?? 0, reason: response.statusMessage ?? '' });
      response.destroy();
      socket.terminate();
    });
    socket.on('error', (error) => resolve({ status: 0, reason: error.message }));
  });
}

/** What has come so far. */
interface Heard {
  head: IncomingMessage | undefined;
  hello: FarHello | undefined;
  readonly heard: string[];
  readonly pongs: string[];
  readonly reports: FarReport[];
}

function listen(socket: WebSocket): Heard {
  const told: Heard = { head: undefined, hello: undefined, heard: [], pongs: [], reports: [] };
  socket.once('upgrade', (response) => {
    told.head = response;
  });
  socket.on('message', (data) => {
    const message = readMessage(String(data));
    if (message?.ackspan === 'far end') told.hello = message as unknown as FarHello;
    else if (message?.report !== undefined) told.reports.push(message.report as FarReport);
    else if (message !== undefined) told.heard.push(Object.entries(message).flat().join(' '));
  });
  socket.on('ping', (payload) => void told.heard.push(`ping ${payload.toString('latin1')}`));
  socket.on('pong', (payload) => void told.pongs.push(payload.toString('latin1')));
  return told;
}

function readMessage(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // The far end speaks JSON, so another one does.
    return undefined;
  }
}

/** Whether it comes to hold before the connection ends, or the time is up. */
async function waitFor(socket: WebSocket, holds: () => boolean): Promise<boolean> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  while (!holds()) {
    if (socket.readyState >= WebSocket.CLOSING) return false;
    try {
      await Promise.race([once(socket, 'message', { signal }), once(socket, 'close', { signal })]);
    } catch {
      // The time is up.
      return holds();
    }
  }
  return true;
}
