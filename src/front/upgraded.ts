// front: the parts of an upgrade: the client that asks for it, its request, and the two sockets that it becomes.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Deflate } from '../relay/spliced-sockets.ts';
import type { RawHeaders } from './headers.ts';

/** A client that asks for an upgrade. */
export interface Caller {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** Bytes that were read after the request's head; mostly empty. */
  readonly head: Buffer;
}

/** The client's request as it came. Its holder should keep only what it needs. */
export interface UpgradeRequest {
  /** Name of the connection in history, spans and logs, unique in this process. */
  readonly id: string;
  readonly method: string;
  /** Target as the client sent it, query included, which may hold tokens. */
  readonly url: string;
  readonly rawHeaders: RawHeaders;
  /** Address of the client; '' = unknown. */
  readonly remoteAddress: string;
}

/** Trace contexts for handshakes whose client brought none. */
export interface HandshakeTrace {
  /**
   * The `traceparent` for a handshake; undefined = none. One that was given ends in `refused`, or
   * its handshake becomes a connection.
   */
  begin(request: UpgradeRequest): string | undefined;
  /**
   * Is told that the handshake became no connection. `status` is the client's answer; 0 = the
   * client left before.
   */
  refused(request: UpgradeRequest, status: number): void;
}

/**
 * Two sockets that have switched protocols. The receiver owns both, and listens to their `error`
 * before it returns.
 */
export interface Upgraded {
  readonly request: UpgradeRequest;
  /** The subprotocol that the upstream has chosen; undefined = none. */
  readonly subprotocol: string | undefined;
  readonly client: Socket;
  readonly upstream: Socket;
  /**
   * Bytes of the client that were read after its request, mostly none. They precede its next bytes.
   */
  readonly clientHead: Buffer;
  /** Bytes of the upstream that were read after its 101. */
  readonly upstreamHead: Buffer;
  readonly deflate: Deflate | undefined;
  /**
   * Whether frames may have a shape that we cannot read. Bytes then pass, and nothing is scanned.
   */
  readonly opaque: boolean;
}
