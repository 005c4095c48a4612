// relay: what both directions of a connection share while one client is there.
import type { BarrierCodec } from './barrier.ts';
import type { TapGuard } from './guard.ts';
import type { UpstreamPings } from './heartbeat.ts';
import type { Deflate } from './spliced-sockets.ts';
import type { RelayContext } from './tap.ts';

export interface Shared {
  /** Compression as the 101 agreed on it; undefined = none. */
  readonly deflate: Deflate | undefined;
  /** Whether the frames cannot be read, so that bytes pass unread. */
  readonly opaque: boolean;
  readonly barriers: BarrierCodec;
  readonly pings: UpstreamPings;
  readonly tap: TapGuard;
  readonly context: RelayContext;
}
