// front: one WebSocket handshake, from the client's request to two raw sockets, or to the upstream's refusal.
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { tellStep } from '../channels/channels.ts';
import type { Report } from '../delivery/ports.ts';
import { patiently, type Wait } from '../time/patience.ts';
import { answer, linger } from './answers.ts';
import type { FrontCounters } from './counters.ts';
import type { Exchanges } from './exchanges.ts';
import { filterOffers, readAgreement, withoutOffers } from './extensions.ts';
import {
  formatHead,
  hasToken,
  headerValues,
  plainAddress,
  type RawHeaders,
  setTraceparent,
  traceparentOf,
  withoutHopByHop,
} from './headers.ts';
import { isShortage, unreachable } from './http.ts';
import { outgoingHead } from './outgoing.ts';
import type { Caller, HandshakeTrace, Upgraded, UpgradeRequest } from './upgraded.ts';
import { dial, type Upstream } from './upstream.ts';

/**
 * `T` is what was learned of a request at its admission. It stays with the handshake until
 * `onUpgraded`.
 */
export interface UpgradeDeps<T> {
  readonly upstream: Upstream;
  readonly counters: FrontCounters;
  /** Longest time from the client's request to the upstream's answer, ms. */
  readonly handshakeTimeoutMs: number;
  /** Largest response head, bytes. */
  readonly headerBytes: number;
  readonly exchanges: Exchanges;
  /** The path for the upstream, in place of `path` (origin form, base path included). */
  rewritePath?(request: UpgradeRequest, path: string): string;
  /** Whether the client's offer of compression is kept from the upstream. */
  uncompressed?(request: IncomingMessage, ticket: T | undefined): boolean;
  /** Trace contexts for requests without one; undefined = requests go on without. */
  readonly trace?: HandshakeTrace | undefined;
  /** Is called with the ticket that `start` was given. */
  onUpgraded(upgraded: Upgraded, ticket: T | undefined): void;
  readonly report: Report;
}

export interface Upgrader<T> {
  /** Handshakes in progress. */
  readonly handshaking: number;
  /** Takes over the client's socket. */
  start(caller: Caller, ticket: T | undefined): void;
  /** Breaks off every handshake in progress with 503. */
  abort(): void;
}

/**
 * Whether the request is a WebSocket handshake (RFC 6455 §4.2.1). Some intermediaries put `Upgrade`
 * on other requests.
 */
export function isHandshake({ method, httpVersion, rawHeaders }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    hasToken(rawHeaders, 'upgrade', 'websocket') &&
    headerValues(rawHeaders, 'sec-websocket-key').length > 0 &&
    headerValues(rawHeaders, 'transfer-encoding').length === 0 &&
    headerValues(rawHeaders, 'content-length').every((length) => Number(length) === 0)
  );
}

/** Bytes that a client may send before the 101 until it is not read further. */
const EARLY_BYTES = 65_536;

let connections = 0;

/** A name for a connection that is unique in this process. */
export function nextConnectionId(): string {
  return `c-${(++connections).toString(36)}`;
}

export function createUpgrader<T>(deps: UpgradeDeps<T>): Upgrader<T> {
  const open = new Set<Handshake<T>>();
  return {
    get handshaking() {
      return open.size;
    },
    start(caller, ticket) {
      try {
        open.add(new Handshake(deps, caller, ticket, open));
      } catch (error) {
        deps.report({ stage: 'relay.handshake', error });
        answer(caller.socket, 400, 'the request could not be passed on');
      }
    },
    abort() {
      for (const handshake of [...open]) handshake.fail(503, 'the sidecar is shutting down');
    },
  };
}

/**
 * A handshake in progress. Once settled it leaves no listener, timer or reference on either socket.
 */
class Handshake<T> {
  readonly #deps: UpgradeDeps<T>;
  readonly #request: UpgradeRequest;
  readonly #client: Socket;
  readonly #early: Buffer[];
  readonly #ticket: T | undefined;
  readonly #open: Set<Handshake<T>>;
  readonly #dial: ClientRequest;
  readonly #wait: Wait;
  #earlyBytes: number;
  #settled = false;

  /** Throws before it touches the socket, if the request cannot be written for the upstream. */
  constructor(deps: UpgradeDeps<T>, caller: Caller, ticket: T | undefined, open: Set<Handshake<T>>) {
    const { request: incoming, socket: client, head: rest } = caller;
    const head = outgoingHead(incoming, deps.upstream, ownConnection(incoming.rawHeaders));
    const uncompressed = deps.uncompressed?.(incoming, ticket) === true;
    const headers = uncompressed ? withoutOffers(head.headers) : filterOffers(head.headers);
    this.#deps = deps;
    this.#client = client;
    this.#ticket = ticket;
    this.#open = open;
    this.#early = rest.length > 0 ? [rest] : [];
    this.#earlyBytes = rest.length;
    this.#request = {
      id: nextConnectionId(),
      method: incoming.method!,
      url: incoming.url!,
      rawHeaders: incoming.rawHeaders,
      remoteAddress: plainAddress(client.remoteAddress),
    };
    if (traceparentOf(headers) === undefined) {
      const ours = deps.trace?.begin(this.#request);
      if (ours !== undefined) setTraceparent(headers, ours);
    }
    const path = deps.rewritePath?.(this.#request, head.path) ?? head.path;
    this.#dial = dial(deps.upstream, { method: 'GET', path, headers, headerBytes: deps.headerBytes });
    this.#dial.on('upgrade', (response, socket, rest) => this.#switched(response, socket, rest));
    this.#dial.on('response', (response) => this.#refused(response));
    this.#dial.on('information', ({ statusCode, statusMessage, rawHeaders }) => {
      if (this.#settled || (statusCode === 100 && headerValues(incoming.rawHeaders, 'expect').length === 0)) return;
      client.write(formatHead(`HTTP/1.1 ${statusCode} ${statusMessage}`, withoutHopByHop(rawHeaders)), 'latin1');
    });
    this.#dial.on('error', (error) => this.#broken(error));
    this.#dial.end();
    const { id, url, remoteAddress } = this.#request;
    tellStep('upgradeAsked', () => ({ connection: id, url, remote: remoteAddress }));
    this.#wait = patiently(deps.handshakeTimeoutMs, () => this.#timedOut());
    client.setTimeout(0);
    client.on('data', this.#onEarly).on('end', this.#onGone).on('close', this.#onGone).on('error', this.#onGone);
  }

  /** Ends the handshake with an answer of our own. */
  fail(status: number, text: string): void {
    if (!this.#settle()) return;
    this.#dial.destroy();
    this.#endsWith(status);
    answer(this.#client, status, text);
  }

  /** Tells that this becomes no connection, and what the client was answered. */
  #endsWith(status: number): void {
    this.#deps.trace?.refused(this.#request, status);
    tellStep('upgradeRefused', () => ({ connection: this.#request.id, status }));
  }

  #onEarly = (chunk: Buffer): void => {
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes >= EARLY_BYTES) this.#client.pause();
  };

  #onGone = (): void => {
    if (!this.#settle()) return;
    this.#deps.counters.clientGone++;
    this.#endsWith(0);
    this.#dial.destroy();
    this.#client.on('error', ignore).destroy();
  };

  #timedOut(): void {
    if (this.#settled) return;
    this.#deps.counters.handshakeTimeouts++;
    const waited = this.#deps.handshakeTimeoutMs;
    this.#deps.report({ stage: 'relay.handshake', error: new Error(`upstream did not answer within ${waited} ms`) });
    this.fail(504, 'the upstream did not answer the WebSocket handshake in time');
  }

  #broken(error: Error): void {
    if (this.#settled) return;
    this.#deps.counters.upstreamFailed++;
    this.#deps.report({ stage: 'relay.handshake', error });
    if (isShortage(error)) this.#deps.counters.descriptorsShort++;
    const { status, text } = unreachable(error);
    this.fail(status, text);
  }

  /**
   * Lets go of the client's socket as node:http left it: no listener of ours, neither flowing nor
   * paused. Answers false the second time.
   */
  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#wait.cancel();
    this.#open.delete(this);
    const client = this.#client;
    client.off('data', this.#onEarly).off('end', this.#onGone).off('close', this.#onGone).off('error', this.#onGone);
    client.pause();
    // Only in this state does the next `data` listener start the flow. node:http does the same.
    (client as { readableFlowing: boolean | null }).readableFlowing = null;
    return true;
  }

  #switched(response: IncomingMessage, upstream: Socket, upstreamHead: Buffer): void {
    if (!this.#settle()) {
      upstream.on('error', ignore).destroy();
      return;
    }
    const client = this.#client;
    const agreed = readAgreement(response.rawHeaders);
    this.#deps.counters.upgraded++;
    if (agreed.opaque) {
      this.#deps.counters.unreadable++;
      const answered = headerValues(response.rawHeaders, 'sec-websocket-extensions').join(', ');
      const error = new Error(`messages pass unread: the upstream answered with Sec-WebSocket-Extensions: ${answered}`);
      this.#deps.report({ stage: 'relay.extensions', error });
    }
    client.cork();
    try {
      client.write(formatHead(`HTTP/1.1 101 ${response.statusMessage}`, agreed.headers), 'latin1');
      const upgraded: Upgraded = {
        request: this.#request,
        subprotocol: headerValues(response.rawHeaders, 'sec-websocket-protocol')[0],
        client,
        upstream,
        clientHead: this.#early.length === 1 ? this.#early[0]! : Buffer.concat(this.#early),
        upstreamHead,
        deflate: agreed.deflate,
        opaque: agreed.opaque,
      };
      this.#deps.onUpgraded(upgraded, this.#ticket);
    } catch (error) {
      this.#deps.report({ stage: 'relay.upgraded', error });
      this.#endsWith(0);
      client.on('error', ignore).destroy();
      upstream.on('error', ignore).destroy();
    } finally {
      client.uncork();
    }
  }

  /** Passes the refusal on. Its body ends with the connection unless it has a Content-Length. */
  #refused(response: IncomingMessage): void {
    if (response.statusCode === 101) {
      // RFC 9110 §7.8: it must name the protocol, so that nobody could tell what its bytes are.
      this.#broken(new Error('the upstream answered 101 and switched to no protocol'));
      return;
    }
    if (!this.#settle()) return;
    const client = this.#client;
    const status = response.statusCode!;
    this.#deps.counters.refusedByUpstream++;
    if (status >= 500) this.#deps.counters.upstreamErrors++;
    this.#endsWith(status);
    // RFC 9110 §15.5.22: 426 must name the protocol that it wants.
    const headers = withoutHopByHop(response.rawHeaders, status === 426 ? 'close, Upgrade' : 'close');
    const unwatch = this.#deps.exchanges.watch(
      client,
      () => false,
      () => response.destroy(),
    );
    const gone = (): void => void response.destroy();
    client.on('error', ignore).once('end', gone).once('close', gone).once('close', unwatch);
    client.write(formatHead(`HTTP/1.1 ${status} ${response.statusMessage}`, headers), 'latin1');
    client.resume();
    response.on('error', ignore).once('end', () => linger(client));
    response.once('close', () => {
      // A body that was cut short must not look whole, so that the client gets a reset and no FIN.
      if (!response.complete) client.resetAndDestroy();
    });
    response.pipe(client);
  }
}

// Takes errors of a socket or response that was given up.
function ignore(): void {}

/** This hop's Connection value, in the client's spelling where that says nothing else. */
function ownConnection(raw: RawHeaders): string {
  const [connection, ...others] = headerValues(raw, 'connection');
  return others.length === 0 && connection?.toLowerCase() === 'upgrade' ? connection : 'Upgrade';
}
