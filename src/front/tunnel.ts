// front: an upgrade to another protocol (RFC 9110 §7.8): a 101 makes two raw sockets of it; other answers pass.
import { type ClientRequest, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Report } from '../delivery/ports.ts';
import { patiently } from '../time/patience.ts';
import { answer } from './answers.ts';
import type { FrontCounters } from './counters.ts';
import type { Exchanges } from './exchanges.ts';
import { formatHead, hasToken, headerValues } from './headers.ts';
import { isShortage, limitConnect, unreachable } from './http.ts';
import { namedHeaders, outgoingHead, withoutFraming } from './outgoing.ts';
import { passResponse } from './response.ts';
import { drainInto } from './turns.ts';
import { dial, type Upstream } from './upstream.ts';

export interface TunnelDeps {
  readonly upstream: Upstream;
  readonly counters: FrontCounters;
  /** Server that reads the client's next request after another answer than 101. */
  readonly server: Server;
  /** Is told of a connection that may wait before it sends that request. */
  rests(client: Socket): void;
  readonly connectTimeoutMs: number;
  /** Largest response head, bytes. */
  readonly headerBytes: number;
  readonly exchanges: Exchanges;
  readonly report: Report;
}

export interface Tunnels {
  /** Number of requests that wait for their answer, and of tunnels. */
  readonly open: number;
  /** Takes over the client's socket. `rest` was read after the request's head. */
  start(request: IncomingMessage, client: Socket, rest: Buffer): void;
  /** Breaks off all of them. */
  close(): void;
}

/**
 * Bytes that a client may send after its request, before the answer, until it is not read further.
 */
const EARLY_BYTES = 65_536;

/** How long one side may take to get the last bytes of the other, which is gone, ms. */
const TAIL_MS = 30_000;

/**
 * Whether a request's Upgrade is passed on. A WebSocket has a handshake of its own, and some load
 * balancers put its name on every request. A body that cannot be counted, or that waits for a 100,
 * is not passed on either. A server may ignore an Upgrade.
 */
export function mayTunnel({ httpVersion, rawHeaders }: IncomingMessage): boolean {
  return (
    httpVersion === '1.1' &&
    !hasToken(rawHeaders, 'upgrade', 'websocket') &&
    headerValues(rawHeaders, 'transfer-encoding').length === 0 &&
    headerValues(rawHeaders, 'expect').length === 0
  );
}

export function createTunnels(deps: TunnelDeps): Tunnels {
  const open = new Set<Tunnel>();
  return {
    get open() {
      return open.size;
    },
    start(request, client, rest) {
      deps.counters.requests++;
      try {
        open.add(new Tunnel({ ...deps, open }, request, client, rest));
      } catch (error) {
        deps.counters.requestErrors++;
        deps.report({ stage: 'relay.tunnel', error });
        answer(client, 400, 'the request could not be passed on');
      }
    },
    close() {
      for (const tunnel of [...open]) tunnel.destroy();
    },
  };
}

class Tunnel {
  readonly #deps: TunnelDeps & { readonly open: Set<Tunnel> };
  readonly #request: IncomingMessage;
  readonly #client: Socket;
  readonly #outgoing: ClientRequest;
  /** Bytes after the request: of the other protocol, or of the next request. */
  readonly #early: Buffer[] = [];
  #earlyBytes = 0;
  /** Bytes of the request's body that are still to come. */
  #left: number;
  #upstream: Socket | undefined;
  readonly #unwatch: () => void;
  /** Whether the answer has begun. From then on the answer decides how this ends. */
  #answered = false;
  /** Whether the upstream may read the body: it may answer meanwhile, and not behind its answer. */
  #reads = true;

  /** Throws before it touches the socket, if the request cannot be written for the upstream. */
  constructor(
    deps: TunnelDeps & { readonly open: Set<Tunnel> },
    request: IncomingMessage,
    client: Socket,
    rest: Buffer,
  ) {
    const { upstream, headerBytes } = deps;
    // The settings for HTTP/2 (RFC 7540 §3.2.1) are part of the offer.
    const settings = hasToken(request.rawHeaders, 'connection', 'http2-settings') ? ', HTTP2-Settings' : '';
    const { path, headers } = outgoingHead(request, upstream, `Upgrade${settings}`);
    this.#deps = deps;
    this.#request = request;
    this.#client = client;
    const length = headerValues(request.rawHeaders, 'content-length')[0];
    this.#left = Number(length ?? 0);
    const named = namedHeaders(headers);
    this.#outgoing = dial(upstream, { method: request.method!, path, headers: named, headerBytes, lasting: true });
    if (length === undefined) withoutFraming(this.#outgoing);
    this.#outgoing
      .on('socket', (socket) => limitConnect(this.#outgoing, socket, deps.connectTimeoutMs))
      .on('information', ({ statusCode, statusMessage, rawHeaders }) => {
        if (statusCode !== 100)
          client.write(formatHead(`HTTP/1.1 ${statusCode} ${statusMessage}`, rawHeaders), 'latin1');
      })
      .on('upgrade', (response, socket, head) => this.#switched(response, socket, head))
      .on('response', (response) => this.#answer(response))
      .on('drain', () => client.resume())
      .on('close', () => this.#readsNoMore())
      .on('error', (error) => this.#broken(error));
    const wanted = (): boolean => this.#left > 0 && this.#reads && !client.isPaused();
    this.#unwatch = deps.exchanges.watch(client, wanted, () => this.#stalled());
    client.setTimeout(0);
    client.on('data', this.#onData).on('end', this.#onGone).on('close', this.#onGone).on('error', this.#onGone);
    if (this.#left === 0) this.#outgoing.end();
    else this.#outgoing.flushHeaders();
    if (rest.length > 0) this.#onData(rest);
  }

  destroy(): void {
    if (!this.#deps.open.delete(this)) return;
    this.#unwatch();
    if (this.#upstream !== undefined) this.#deps.counters.tunnelsOpen--;
    this.#outgoing.destroy();
    this.#upstream?.destroy();
    this.#client.destroy();
  }

  #onData = (chunk: Buffer): void => {
    const body = chunk.subarray(0, this.#left);
    this.#left -= body.length;
    const reads = this.#reads && body.length > 0;
    if (reads && !this.#outgoing.write(body)) this.#client.pause();
    if (reads && this.#left === 0) this.#outgoing.end();
    if (body.length === chunk.length) return;
    this.#early.push(chunk.subarray(body.length));
    this.#earlyBytes += chunk.length - body.length;
    if (this.#earlyBytes >= EARLY_BYTES) this.#client.pause();
  };

  #readsNoMore(): void {
    this.#reads = false;
    if (this.#deps.open.has(this) && this.#upstream === undefined) this.#client.resume();
  }

  #onGone = (): void => {
    if (this.#deps.open.has(this) && !this.#answered) this.#deps.counters.clientGone++;
    this.destroy();
  };

  #broken(error: Error): void {
    if (this.#answered || !this.#deps.open.has(this)) return;
    this.#deps.counters.requestErrors++;
    this.#deps.report({ stage: 'relay.tunnel', error });
    this.#release();
    if (isShortage(error)) this.#deps.counters.descriptorsShort++;
    const { status, text } = unreachable(error);
    answer(this.#client, status, text);
  }

  #stalled(): void {
    if (this.#answered) {
      this.destroy();
      return;
    }
    this.#release();
    this.#outgoing.destroy();
    answer(this.#client, 408, 'the body did not come');
  }

  /**
   * Lets go of the client's socket as it was: without a listener of ours, neither flowing nor
   * paused.
   */
  #release(): void {
    this.#deps.open.delete(this);
    this.#unwatch();
    const client = this.#client;
    client.off('data', this.#onData).off('end', this.#onGone).off('close', this.#onGone).off('error', this.#onGone);
    client.pause();
    (client as { readableFlowing: boolean | null }).readableFlowing = null;
  }

  #switched(response: IncomingMessage, upstream: Socket, head: Buffer): void {
    const client = this.#client;
    this.#answered = true;
    // The meaning of the bytes is unknown from here on, and so is how long they may take.
    this.#unwatch();
    this.#upstream = upstream;
    this.#deps.counters.tunnels++;
    this.#deps.counters.tunnelsOpen++;
    client.off('data', this.#onData).off('end', this.#onGone).off('close', this.#onGone);
    client.on('close', () => this.#outlived(client, upstream));
    upstream.on('error', () => this.destroy()).on('close', () => this.#outlived(upstream, client));
    // A body that is not through yet goes on in the same bytes.
    for (const chunk of this.#early) upstream.write(chunk);
    client.write(formatHead(`HTTP/1.1 101 ${response.statusMessage}`, response.rawHeaders), 'latin1');
    client.write(head);
    client.pipe(upstream);
    upstream.pipe(client);
    client.resume();
  }

  /** One side is gone. If it ended in good order, the other one still gets its last bytes. */
  #outlived(gone: Socket, other: Socket): void {
    if (!gone.readableEnded || other.destroyed || other.writableFinished) {
      this.destroy();
      return;
    }
    const wait = patiently(TAIL_MS, () => this.destroy());
    const over = (): void => {
      wait.cancel();
      this.destroy();
    };
    other.once('finish', over).once('close', over);
  }

  /** The upstream stays with HTTP: its answer, and then the client's next request. */
  #answer(incoming: IncomingMessage): void {
    if (incoming.statusCode === 101) {
      this.#broken(new Error('the upstream answered 101 and switched to no protocol'));
      incoming.destroy();
      return;
    }
    const { server, counters, report, rests } = this.#deps;
    const client = this.#client;
    const response = new ServerResponse(this.#request);
    this.#answered = true;
    // The rest of the body would be read as a request.
    response.shouldKeepAlive = this.#left === 0 && !hasToken(this.#request.rawHeaders, 'connection', 'close');
    // node:http's server sets this field on its own responses, for their Keep-Alive header.
    const known = response as { _keepAliveTimeout?: number };
    if ('_keepAliveTimeout' in known) known._keepAliveTimeout = server.keepAliveTimeout;
    response.assignSocket(client);
    const endDrain = drainInto(client, () => response);
    incoming.on('error', (error) => {
      if (client.destroyed) return;
      counters.requestErrors++;
      report({ stage: 'relay.tunnel', error });
      this.destroy();
    });
    incoming.on('end', () => {
      this.#readsNoMore();
      if (this.#left > 0) this.#outgoing.destroy();
    });
    response.on('finish', () => {
      endDrain();
      response.detachSocket(client);
      this.#release();
      if (!response.shouldKeepAlive) {
        client.on('error', () => client.destroy());
        client.end();
        client.resume();
        return;
      }
      for (const chunk of this.#early.reverse()) client.unshift(chunk);
      server.emit('connection', client);
      if (this.#earlyBytes === 0) rests(client);
    });
    try {
      passResponse(incoming, this.#request, response);
    } catch (error) {
      incoming.destroy();
      counters.requestErrors++;
      report({ stage: 'relay.tunnel', error });
      this.destroy();
    }
  }
}
