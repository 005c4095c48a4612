// What a connection is given, what is kept of its upgrade request, and whom it tells of itself.
import type { Decoder } from './decode/decoder.ts';
import type { Tracker } from './delivery/tracker.ts';
import type { Capability } from './delivery/words.ts';
import type { OptedIn } from './opted-in.ts';
import type { EndedBy, RelayContext, SkipReason } from './relay/tap.ts';
import type { Connection } from './session.ts';

/** What a connection tells those who count and trace connections. */
export interface ConnectionObserver {
  opened(connection: Connection): void;
  /** The client has shown that it can confirm more (or anything at all). */
  capability(connection: Connection, from: Capability, to: Capability): void;
  /** `code` is that of the first Close frame; 1006 = there was none. `now` is monotonic ms. */
  closed(connection: Connection, by: EndedBy, code: number, now: number): void;
}

export interface ConnectionDeps {
  readonly tracker: Tracker;
  readonly decoder: Decoder;
  readonly relay: RelayContext;
  readonly observer: ConnectionObserver;
  /** Messages that were relayed and not read, by reason. */
  readonly skipped: Record<SkipReason, number>;
  readonly optedIn: OptedIn;
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
