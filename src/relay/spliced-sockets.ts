// relay: the parts of a connection: two sockets that have switched protocols, and what the handshake agreed on.
import type { Duplex } from 'node:stream';

/** permessage-deflate as the 101 agreed on it. */
export interface Deflate {
  readonly serverNoContextTakeover: boolean;
  /** Window of the upstream, bits: 8 to 15. */
  readonly serverMaxWindowBits: number;
  /**
   * Always set: we put it into the 101, so that a message that is cut out leaves the upstream's
   * window right.
   */
  readonly clientNoContextTakeover: true;
  /** Window of the client, bits: 8 to 15. */
  readonly clientMaxWindowBits: number;
}

/** Two sockets after a 101, and what was read of each after the handshake. */
export interface SplicedSockets {
  readonly client: Duplex;
  readonly upstream: Duplex;
  readonly clientHead?: Buffer | undefined;
  readonly upstreamHead?: Buffer | undefined;
  /** Compression as the 101 agreed on it; undefined = none. */
  readonly deflate: Deflate | undefined;
  /**
   * Whether the 101 accepted an extension that the relay cannot read, so that bytes pass unread.
   */
  readonly opaque?: boolean;
  /**
   * Whether the client gets a Close frame when its upstream has gone without one, because it speaks
   * our protocol. Default false.
   */
  readonly announcesLoss?: boolean | undefined;
  /** Data messages of the session on earlier connections. Default 0. */
  readonly ordinal?: number;
}
