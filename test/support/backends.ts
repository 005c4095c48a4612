// Real loopback peers for the front's tests: an upstream that answers as it is told, a raw client, and the front between them.

import { once } from 'node:events';
import { createServer as createHttp, type Server as HttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, createServer as createNet, type Server, type Socket } from 'node:net';
import { createFrontCounters, type FrontCounters } from '../../src/front/counters.ts';
import { createListener, type Listener, type ListenerDeps } from '../../src/front/listener.ts';
import type { Upgraded } from '../../src/front/upgraded.ts';
import { parseUpstream, type TlsTrust, type Upstream } from '../../src/front/upstream.ts';
import { freePort } from './free-port.ts';

const closers: (() => unknown)[] = [];

/** Runs at the end of the test, last registered first. */
export function atEnd(close: () => unknown): void {
  closers.push(close);
}

/** For `afterEach`: closes everything that this module opened. */
export async function closeAll(): Promise<void> {
  const faults: unknown[] = [];
  for (const close of closers.splice(0).reverse()) {
    try {
      await close();
    } catch (error) {
      // What was opened before has to be closed all the same.
      faults.push(error);
    }
  }
  if (faults.length > 0) throw faults[0];
}

export async function listenOn(server: Server | HttpServer, at?: string | number): Promise<number> {
  const where = at ?? (await freePort());
  if (typeof where === 'string') server.listen(where);
  else server.listen(where, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  return typeof where === 'string' ? 0 : (server.address() as AddressInfo).port;
}

/** An HTTP upstream; returns its address. */
export async function httpUpstream(handle: RequestListener): Promise<{ address: string; server: HttpServer }> {
  const server = createHttp(handle);
  const port = await listenOn(server);
  return { address: `http://127.0.0.1:${port}`, server };
}

/**
 * An upstream that is a bare socket: the test decides what it receives and sends, byte for byte.
 */
export async function rawUpstream(): Promise<{ address: string; next(): Promise<RawPeer>; accepted: Socket[] }> {
  const accepted: Socket[] = [];
  const waiting: ((peer: RawPeer) => void)[] = [];
  const arrived: RawPeer[] = [];
  const server = createNet({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket);
    const peer = new RawPeer(socket);
    const taker = waiting.shift();
    if (taker === undefined) arrived.push(peer);
    else taker(peer);
  });
  const port = await listenOn(server);
  atEnd(() => {
    for (const socket of accepted) socket.destroy();
  });
  return {
    address: `http://127.0.0.1:${port}`,
    accepted,
    next: () => {
      const peer = arrived.shift();
      return peer === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(peer);
    },
  };
}

/**
 * One end of a TCP connection in latin1 text. Reads on its own; `until` resolves when the awaited
 * text has come.
 */
export class RawPeer {
  readonly socket: Socket;
  /** Everything received and not yet taken by `until`. */
  text = '';
  /** Everything received. */
  all = '';
  ended = false;
  closed = false;
  error: Error | undefined;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
      this.all += chunk.toString('latin1');
      this.#wake();
    });
    socket.on('end', () => {
      this.ended = true;
      this.#wake();
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Takes the text up to and with the mark; rejects when the peer ends first. */
  async until(mark: string): Promise<string> {
    for (;;) {
      const at = this.text.indexOf(mark);
      if (at !== -1) {
        const taken = this.text.slice(0, at + mark.length);
        this.text = this.text.slice(at + mark.length);
        return taken;
      }
      if (this.ended || this.closed)
        throw new Error(`ended before ${JSON.stringify(mark)}: ${JSON.stringify(this.all)}`);
      await this.#change();
    }
  }

  /** The next message head, parsed. */
  async head(): Promise<Head> {
    return parseHead(await this.until('\r\n\r\n'));
  }

  /** Takes exactly that many characters. */
  async take(count: number): Promise<string> {
    while (this.text.length < count) {
      if (this.ended || this.closed) throw new Error(`ended before ${count} bytes: ${JSON.stringify(this.all)}`);
      await this.#change();
    }
    const taken = this.text.slice(0, count);
    this.text = this.text.slice(count);
    return taken;
  }

  /** Everything up to the end of the stream. */
  async rest(): Promise<string> {
    while (!this.ended && !this.closed) await this.#change();
    return this.text;
  }

  /** Resolves when the other side has ended or reset the stream. */
  async gone(): Promise<void> {
    while (!this.ended && !this.closed) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

export interface Head {
  readonly start: string;
  /** Flat, in wire order and spelling. */
  readonly raw: string[];
  /** All values of a name (lower case), joined by ` | `; undefined when absent. */
  get(name: string): string | undefined;
}

export function parseHead(text: string): Head {
  const [start, ...lines] = text.slice(0, -4).split('\r\n');
  const raw = lines.flatMap((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return {
    start: start!,
    raw,
    get(name) {
      const values = raw.filter((_, i) => i % 2 === 1 && raw[i - 1]!.toLowerCase() === name);
      return values.length === 0 ? undefined : values.join(' | ');
    },
  };
}

export function rawClient(port: number): RawPeer {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  atEnd(() => socket.destroy());
  return new RawPeer(socket);
}

export interface Front {
  readonly listener: Listener;
  readonly port: number;
  readonly counters: FrontCounters;
  readonly faults: { stage: string; error: unknown }[];
  readonly upgraded: Upgraded[];
}

export function upstreamAt(address: string, options?: TlsTrust): Upstream {
  const parsed = parseUpstream(address, options);
  if (parsed.upstream === undefined) throw new Error(parsed.fault);
  return parsed.upstream;
}

/**
 * The front before that upstream. Upgraded sockets are simply joined, unless the test takes them.
 */
export async function startFront(
  upstream: string | Upstream,
  overrides: Partial<ListenerDeps<undefined>> = {},
): Promise<Front> {
  const counters = createFrontCounters();
  const faults: Front['faults'] = [];
  const upgraded: Upgraded[] = [];
  const listener = createListener({
    upstream: typeof upstream === 'string' ? upstreamAt(upstream) : upstream,
    counters,
    handshakeTimeoutMs: 10_000,
    stallMs: 60_000,
    report: (fault) => faults.push(fault),
    ...overrides,
    onUpgraded: (one, ticket) => {
      upgraded.push(one);
      (overrides.onUpgraded ?? join)(one, ticket);
    },
  });
  const { port } = await listener.listen('127.0.0.1', 0);
  atEnd(async () => {
    await listener.close();
    for (const { client, upstream: other } of upgraded) {
      client.destroy();
      other.destroy();
    }
  });
  return { listener, port, counters, faults, upgraded };
}

function join({ client, upstream, clientHead, upstreamHead }: Upgraded): void {
  client.on('error', () => upstream.destroy());
  upstream.on('error', () => client.destroy());
  upstream.write(clientHead);
  client.write(upstreamHead);
  client.pipe(upstream);
  upstream.pipe(client);
}

/** A WebSocket handshake's request, with extra header lines. */
export function handshake(path = '/ws', lines: readonly string[] = []): string {
  return [
    `GET ${path} HTTP/1.1`,
    'Host: app.example',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...lines,
    '\r\n',
  ].join('\r\n');
}

/** The 101 for it. */
export function switching(lines: readonly string[] = []): string {
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    ...lines,
    '\r\n',
  ].join('\r\n');
}
