// connection: a connection as its session sees it: whether a client is there, and what may be sent to it.
import type { Duplex } from 'node:stream';
import type { Link } from '../delivery/ports.ts';
import type { ConnectionFacts } from './parts.ts';

/** Close code where a session goes on elsewhere (RFC 6455 §7.4.2: 4000–4999 are private). */
export const REPLACED = 4409;
export const REPLACED_REASON = 'replaced by a newer connection';

/** A connection as far as its session goes. */
export interface SessionConnection extends Link {
  readonly facts: ConnectionFacts;
  /** Data messages relayed to the client, those of the session's earlier connections included. */
  readonly messages: number;
  /** Whether a client is there. */
  readonly attended: boolean;
  /** Whether there is an upstream connection that a new client can join. */
  readonly rejoinable: boolean;
  /** Whether an answer to a word of the client may be sent. */
  readonly answerable: boolean;
  /** Sends a text of ours, or a kept message again. */
  sendMessage(data: Uint8Array, binary?: boolean): void;
  /**
   * Puts a new client in the place of the one that went, or still seems to be there; that one is
   * closed with `code`.
   */
  rejoin(facts: ConnectionFacts, client: Duplex, head: Buffer, code: number, reason: string): unknown;
  /** Another connection carries the session from here on; this one ends. */
  replaceBy(code: number, reason: string): void;
  close(code: number, reason: string, why?: 'disconnected' | 'shutdown'): void;
  /** Closes an upstream connection without a client. `gone` is called when its socket is closed. */
  yieldPlace(code: number, reason: string, gone: () => void): void;
}
