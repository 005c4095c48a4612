// relay: what a connection is made of: two sockets that have switched protocols, and what the handshake agreed.
import type { Duplex } from 'node:stream';

/** permessage-deflate as the 101 agreed on it. */
export interface Deflate {
  readonly serverNoContextTakeover: boolean;
  /** 8 to 15. */
  readonly serverMaxWindowBits: number;
  /** Always: we put it into the 101, so that removing a client's message leaves the upstream's window right. */
  readonly clientNoContextTakeover: true;
  /** 8 to 15. */
  readonly clientMaxWindowBits: number;
}

/** Two sockets after a 101, and what was read of each beyond the handshake. */
export interface SplicedSockets {
  readonly client: Duplex;
  readonly upstream: Duplex;
  readonly clientHead?: Buffer | undefined;
  readonly upstreamHead?: Buffer | undefined;
  /** permessage-deflate as accepted in the 101; undefined = not negotiated. */
  readonly deflate: Deflate | undefined;
  /** The 101 accepted an extension that the relay cannot read: bytes pass unread. */
  readonly opaque?: boolean;
  /** The client is told with a Close frame that its upstream has gone without one: it speaks our protocol. Default false. */
  readonly announcesLoss?: boolean | undefined;
  /** Data messages of the session that came over earlier connections. Default 0. */
  readonly ordinal?: number;
}
