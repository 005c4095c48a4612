// connection: what a connection is built from, the facts of its upgrade request, and its observers.
import type { Decoder } from '../decode/decoder.ts';
import type { Journal } from '../delivery/journal.ts';
import type { Tracker } from '../delivery/tracker.ts';
import type { Capability } from '../delivery/words.ts';
import { type EndedBy, type RelayContext, SKIP_REASONS } from '../relay/tap.ts';
import type { Budget } from '../resume/budget.ts';
import type { Connection } from './connection.ts';
import type { OverdueWords } from './overdue-words.ts';

/**
 * Reasons why a relayed message was not read: those of the relay, and `superseded`, where the
 * session goes on over another connection.
 */
export const UNREAD_REASONS = [...SKIP_REASONS, 'superseded'] as const;
export type UnreadReason = (typeof UNREAD_REASONS)[number];

/** What a connection tells of itself. */
export interface ConnectionObserver {
  opened(connection: Connection): void;
  /** Is told that the client has shown that it can confirm more. */
  capability(connection: Connection, from: Capability, to: Capability): void;
  /**
   * Is told of the end. `code` and `reason` are those of the first Close frame; 1006 = there was
   * none. `now` is monotonic ms.
   */
  closed(connection: Connection, parting: ConnectionEnd): void;
}

/** How a client's connection ended: who ended it, with which Close frame, and when. */
export interface ConnectionEnd {
  readonly by: EndedBy;
  readonly code: number;
  readonly reason: string;
  /** Monotonic ms. */
  readonly at: number;
}

/**
 * Remembers every data message, for people who look later. `Line` is what it keeps of one
 * connection.
 */
export interface MessageWatch<Line = object> {
  /** Begins with a connection (`ConnectionFacts.seq`). */
  line(connection: number): Line;
  toClient(
    line: Line,
    isText: boolean,
    type: string | undefined,
    bytes: number,
    at: number,
    ordinal: number,
    delivery: number,
  ): void;
  toUpstream(line: Line, isText: boolean, bytes: number, at: number): void;
  /** Is told that the latest message of that connection was a confirmation, and went no further. */
  consumed(line: Line): void;
  /** Is told the bytes of the latest message, which are valid during the call only. */
  payload(buf: Uint8Array, start: number, end: number): void;
}

export interface ConnectionDeps {
  readonly messages?: MessageWatch | undefined;
  readonly tracker: Tracker;
  readonly decoder: Decoder;
  readonly relay: RelayContext;
  readonly observer: ConnectionObserver;
  /** Messages that were relayed and not read, by reason. */
  readonly unread: Record<UnreadReason, number>;
  readonly overdue: OverdueWords;
  /** Number of upstream connections whose client is away and expected back. */
  readonly parked: { count: number };
  /** Messages that all connections together may send again. */
  readonly resendBudget: Budget;
  /** Is told of messages before they are written; undefined = nothing outlives the process. */
  readonly journal?: Journal | undefined;
  /** Whether a rule has messages sent again to clients that have not opted in. */
  readonly resends?: boolean;
}

/**
 * The facts about an upgrade request. The query is left out, because it may hold tokens (SPEC D11).
 */
export interface ConnectionFacts {
  readonly id: string;
  /** Order of opening, unique in this process. */
  readonly seq: number;
  readonly remote: string;
  readonly path: string;
  /** Host header without port; '' = there was none. */
  readonly host: string;
  /** Port in the Host header; 0 = there was none. */
  readonly port: number;
  readonly subprotocol: string | undefined;
  /** Family of the client's User-Agent: `Chrome`, `python-websockets` … */
  readonly agent?: string | undefined;
  /** Time of the upgrade, monotonic ms. */
  readonly openedAt: number;
}
