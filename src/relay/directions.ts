// relay: what the two directions of a connection share, from one client to the next.
import type { Barriers } from './barrier.ts';
import type { TapGuard } from './guard.ts';
import type { UpstreamPings } from './heartbeat.ts';
import type { Deflate } from './spliced-sockets.ts';
import type { RelayContext } from './tap.ts';

export interface Shared {
  /** permessage-deflate as accepted in the 101; undefined = not negotiated. */
  readonly deflate: Deflate | undefined;
  /** The frames cannot be read: bytes pass unread. */
  readonly opaque: boolean;
  readonly barriers: Barriers;
  readonly pings: UpstreamPings;
  readonly tap: TapGuard;
  readonly context: RelayContext;
}
