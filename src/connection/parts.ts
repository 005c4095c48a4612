// connection: what a connection is given, what is kept of its upgrade request, and whom it tells of itself.
import type { Decoder } from '../decode/decoder.ts';
import type { Journal } from '../delivery/journal.ts';
import type { Tracker } from '../delivery/tracker.ts';
import type { Capability } from '../delivery/words.ts';
import { type EndedBy, type RelayContext, SKIP_REASONS } from '../relay/tap.ts';
import type { Budget } from '../resume/budget.ts';
import type { Connection } from './connection.ts';
import type { OverdueWords } from './overdue-words.ts';

/** Why a relayed message was not read: the relay could not, or (`superseded`) the session goes on over another connection. */
export const UNREAD_REASONS = [...SKIP_REASONS, 'superseded'] as const;
export type UnreadReason = (typeof UNREAD_REASONS)[number];

/** What a connection tells those who count and trace connections. */
export interface ConnectionObserver {
  opened(connection: Connection): void;
  /** The client has shown that it can confirm more (or anything at all). */
  capability(connection: Connection, from: Capability, to: Capability): void;
  /** `code` is that of the first Close frame; 1006 = there was none. `now` is monotonic ms. */
  closed(connection: Connection, by: EndedBy, code: number, now: number): void;
}

/** Remembers every data message that is relayed, for people who look later. `Line` is what it keeps of one connection. */
export interface MessageWatch<Line = object> {
  /** `connection` is `ConnectionFacts.seq`. */
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
  /** The message of that connection that was told last was a confirmation, and went no further. */
  consumed(line: Line): void;
  /** The bytes of the message that was told last. They are valid during the call only. */
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
  /** Upstream connections whose client is away and expected back. */
  readonly parked: { count: number };
  /** What all connections may send again. */
  readonly resendBudget: Budget;
  /** Told of messages before they are written; left out where nothing outlives the process. */
  readonly journal?: Journal | undefined;
  /** Whether a rule has messages sent again to clients that have not opted in. */
  readonly resends?: boolean;
}

/** What is kept of the upgrade request. The query is dropped: it may hold tokens (SPEC D11). */
export interface ConnectionFacts {
  readonly id: string;
  /** Order of opening, unique in this process. */
  readonly seq: number;
  readonly remote: string;
  readonly path: string;
  /** Host header without port; '' when there was none. */
  readonly host: string;
  /** Port in the Host header; 0 when there was none. */
  readonly port: number;
  readonly subprotocol: string | undefined;
  /** Monotonic ms. */
  readonly openedAt: number;
}
