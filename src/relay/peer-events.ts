// relay: what a socket of a connection tells the connection.
import type { RelayContext } from './tap.ts';

/** The connection, as its sockets, each a `P`, tell it what happens. */
export interface PeerEvents<P> {
  received(peer: P, chunk: Buffer): void;
  /** Is told of FIN: the peer sends no more. */
  ended(peer: P): void;
  /** Is told that the socket is gone. */
  closed(peer: P): void;
  /**
   * Is told that the peer takes bytes again, or never will, after `ms` in which its opposite was
   * not read.
   */
  drained(peer: P, ms: number): void;
  readonly context: RelayContext;
}
