// front: what an upgrade is made of: the client that asks for it, its request, and the two sockets that it becomes.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Deflate } from '../relay/spliced-sockets.ts';
import type { RawHeaders } from './headers.ts';

/** A client that asks for an upgrade. */
export interface Caller {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** What was read behind the request's head. Mostly empty. */
  readonly head: Buffer;
}

/** The client's request as it came; keep what you need of it and drop the rest. */
export interface UpgradeRequest {
  /** Names the connection in history, spans and logs; unique in this process. */
  readonly id: string;
  readonly method: string;
  /** As the client sent it, query included: it may hold tokens. */
  readonly url: string;
  readonly rawHeaders: RawHeaders;
  /** '' when unknown. */
  readonly remoteAddress: string;
}

/** Traces for upstreams whose client brought none. */
export interface HandshakeTrace {
  /** The `traceparent` to send on; undefined = none. Each one given is `refused`, or its handshake becomes a connection. */
  begin(request: UpgradeRequest): string | undefined;
  /** The handshake has become no connection. `status` is what the client was answered; 0 = it left before. */
  refused(request: UpgradeRequest, status: number): void;
}

/** Two sockets that have switched protocols. The receiver owns both and listens to their `error` before it returns. */
export interface Upgraded {
  readonly request: UpgradeRequest;
  /** As the upstream chose it; undefined for none. */
  readonly subprotocol: string | undefined;
  readonly client: Socket;
  readonly upstream: Socket;
  /** Read already, after the client's request: belongs before the client's next bytes. Mostly empty. */
  readonly clientHead: Buffer;
  /** Read already, after the upstream's 101. */
  readonly upstreamHead: Buffer;
  readonly deflate: Deflate | undefined;
  /** The frames may be of a shape we cannot read: pass bytes on, scan nothing. */
  readonly opaque: boolean;
}
