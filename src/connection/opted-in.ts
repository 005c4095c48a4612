// connection: what a connection needs of the protocol for clients that have opted in: who implements it (resumption.ts) also keeps their sessions.
import type { Delivery } from '../delivery/record.ts';
import type { AttemptResult } from '../delivery/words.ts';
import type { EndedBy } from '../relay/tap.ts';
import type { Connection } from './connection.ts';

/** The protocol of clients that have opted in, as far as their connection needs it. */
export interface OptedIn {
  /** The first frames of a connection: the welcome, and what the client has missed. */
  greet(connection: Connection, rejoined: boolean, now: number): void;
  /** A text frame of the client: true = it was meant for us. */
  clientText(connection: Connection, buf: Buffer, start: number, end: number, now: number): boolean;
  /** The client heard nothing of this message, though it is there: it came too late for one half of it. */
  missed(connection: Connection, buf: Buffer, start: number, end: number, ordinal: number): void;
  /** What has to be said before a message of the upstream that the client would take for one of ours; undefined for all others. */
  notice(buf: Buffer, start: number, end: number, ordinal: number): Buffer | undefined;
  resend(connection: Connection, delivery: Delivery, now: number): AttemptResult;
  /** The client is gone without a word: true = it is expected back. */
  lost(connection: Connection, code: number): boolean;
  /** The upstream is gone, and the client too, unless it had been before. */
  closed(connection: Connection, by: EndedBy, code: number): void;
}
