// decode: the seam for wire protocols: what the sidecar asks of a protocol, and of its reader for one connection.
import type { EventFacts } from '../delivery/record.ts';
import type { Confirmation } from './confirmation.ts';
import type { FirstBytes } from './first-bytes.ts';

/** The facts about a connection before its first message. */
export interface Upgrade {
  /** The request's path, without its query. */
  readonly path: string;
  /** The subprotocol that the upstream chose (RFC 6455 §4.2.2). */
  readonly subprotocol: string | undefined;
}

/** Whether a connection speaks a protocol; `maybe`: its first messages have to tell. */
export type Match = 'yes' | 'no' | 'maybe';

/**
 * One wire protocol. One object per process: the state of a connection is in its readers. No method
 * throws on input.
 */
export interface WireProtocol {
  readonly name: string;
  /** Judges by path and subprotocol. */
  matchesUpgrade(upgrade: Upgrade): Match;
  /**
   * Judges by one of the first text messages, `buf[start, end)`, or its beginning. A client's
   * message is asked about only if it begins as `begins` says.
   */
  matchesMessage(from: 'client' | 'upstream', buf: Buffer, start: number, end: number): Match;
  /**
   * First bytes of client messages that may be for the protocol. A message that begins otherwise
   * goes on at once and is never read.
   */
  readonly begins: FirstBytes;
  /**
   * A reader for one connection. A protocol without state between messages may return the same
   * reader each time.
   */
  open(): MessageReader;
}

/** Reads the messages of one connection. */
export interface MessageReader {
  /**
   * `begins` of the protocol. It may become narrower when the protocol of the connection turns out.
   */
  readonly begins: FirstBytes;
  /**
   * The facts to track of the upstream's message `buf[start, end)`: its event, or, where it holds
   * none, its shape and size (SPEC D21). Undefined = nothing, and the reason is counted. The facts
   * are ONE object, valid until the next call. Never throws.
   *
   * `bytes` is the message's true size where only its beginning is here (default end − start).
   * `split` (default true): a message that holds several events returns the first, and `more` says
   * that `next` has another. `binary` (default false): it is no text message, and if it holds no
   * event, `binary` is its shape.
   */
  event(
    buf: Buffer,
    start: number,
    end: number,
    bytes?: number,
    split?: boolean,
    binary?: boolean,
  ): EventFacts | undefined;
  /**
   * Whether the reader is given binary messages: of the upstream those that begin like JSON, of the
   * client those that begin as `begins` says. Default: no.
   */
  readonly readsBinary?: boolean;
  /**
   * Ids in that message of what is not tracked as an event of its own: a rule leaves it out, it has
   * no type, or the message is not taken apart. A confirmation of such an id may be about it. Valid
   * until the next call.
   */
  readonly leftOut: readonly string[];
  /** Whether that message may hold more ids of that kind than were found. Default: no. */
  readonly mayHide?: boolean;
  /** Whether the message given to `event` last may hold another event. */
  readonly more: boolean;
  /** The next event of that message, whose bytes must still be there; undefined = there is none. */
  next(): EventFacts | undefined;
  /**
   * The confirmations in the client's message `buf[start, end)`; undefined = it has none and must
   * be forwarded. `binary` (default false): it is no text message. Never throws.
   */
  confirmation(buf: Buffer, start: number, end: number, binary?: boolean): Confirmation | undefined;
}
