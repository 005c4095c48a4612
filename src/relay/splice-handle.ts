// relay: a connection seen from outside: what may be asked of it, and how one is made. The class behind it is the relay's own.
import type { Duplex } from 'node:stream';
import type { Audience } from './outbound.ts';
import { Splice } from './splice.ts';
import type { SplicedSockets } from './spliced-sockets.ts';
import type { RelayContext, Tap } from './tap.ts';

/** Two sockets joined byte for byte; its tap is told what goes by. Nothing throws. */
export interface SpliceHandle {
  /** Who hears the messages that the tap is told of now. */
  readonly audience: Audience;
  /** Data messages relayed to the client so far, those of the session's earlier connections included. */
  readonly messagesToClient: number;
  /** Bytes that have come from its clients. */
  readonly bytesToUpstream: number;
  /** The client takes what it is sent. */
  readonly flowing: boolean;
  /** No text of ours waits behind a message, and the client's backlog is one that back-pressure allows. */
  readonly answerable: boolean;
  /** Whether `rejoin` can be called: nothing of a client is half-way to the upstream, and neither side is going. */
  readonly rejoinable: boolean;

  /** Begins to relay: what was read already, then what comes. The tap is called from here on. */
  start(): void;
  /**
   * Gives the upstream a new client in place of the one that went, or that is replaced (it gets the Close frame). Only while
   * `rejoinable`. Call `startClient` next.
   */
  rejoin(client: Duplex, code: number, reason: string): void;
  /** Begins to read the client that `rejoin` brought: first `head`, which was read with its upgrade. */
  startClient(head: Buffer): void;

  /**
   * Sends a barrier ping. `blocked`: the client does not read, or is in the middle of a frame; in that case the ping follows at the
   * next frame boundary.
   */
  ping(): 'sent' | 'blocked';
  /** Sends a text frame of ours to the client, now or between the next two messages; only for clients that have opted in. */
  sendText(data: Buffer): void;
  /**
   * Sends a text frame of ours right before the message that the tap is being told of: its payload is `buf[start, end)`. False: the
   * beginning of that message has been written.
   */
  announce(buf: Buffer, start: number, end: number, data: Buffer): boolean;
  /** Whether data message `ordinal` was, or will be, written to a client that can still answer it. */
  reaches(ordinal: number): boolean;
  /** Whether bytes of the client may wait unread, because the upstream takes, or took until just now, no more of them. */
  blind(now: number): boolean;

  /** Cuts the client off, as if its network had failed. `at`: when that was decided, monotonic ms. */
  dropClient(at?: number): void;
  /** Ends the connection from here: Close frames to both sides at their next frame boundaries; destroyed after `lingerMs`. */
  close(code: number, reason: string): void;
  /** Ends the connection at once. `at`: when that was decided, monotonic ms. */
  destroy(at?: number): void;
}

/** Takes over the sockets; nothing is read before `start`. */
export function createSplice(sockets: SplicedSockets, tap: Tap, context: RelayContext): SpliceHandle {
  return new Splice(sockets, tap, context);
}
