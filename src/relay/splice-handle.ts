// relay: a connection seen from outside: what may be asked of it, and how one is made.
import type { Duplex } from 'node:stream';
import type { Audience } from './outbound.ts';
import { Splice } from './splice.ts';
import type { SplicedSockets } from './spliced-sockets.ts';
import type { RelayContext, Tap } from './tap.ts';

/**
 * Two sockets that are joined byte for byte, and a tap that is told what goes by. Nothing throws.
 */
export interface SpliceHandle {
  /** Audience of the messages that the tap is told of now. */
  readonly audience: Audience;
  /** Data messages for the client so far, on earlier connections of the session, too. */
  readonly messagesToClient: number;
  /** Bytes that have come from the upstream, and from the connection's clients. */
  readonly bytesToClient: number;
  readonly bytesToUpstream: number;
  /** The client, and the bytes for it that its system has not taken. */
  readonly client: { readonly backlog: number };
  /**
   * Changes whenever data has gone over the connection, either way. Pings and frames of ours are no
   * data.
   */
  readonly traffic: number;
  /** Whether the client takes what it is sent. */
  readonly flowing: boolean;
  /**
   * Whether no text of ours waits behind a message, and the client's backlog is one that
   * back-pressure allows.
   */
  readonly answerable: boolean;
  /**
   * Whether `rejoin` may be called: nothing of a client is half-way to the upstream, and no end has
   * begun.
   */
  readonly rejoinable: boolean;

  /** Begins to relay: first what was read already. The tap is called from here on. */
  start(): void;
  /**
   * Gives the upstream a new client in place of one that went, or of one that is replaced and gets
   * the Close frame. To be called while `rejoinable`, and before `startClient`.
   */
  rejoin(client: Duplex, code: number, reason: string): void;
  /**
   * Begins to read the client that `rejoin` brought: first `head`, which was read with its upgrade.
   */
  startClient(head: Buffer): void;

  /**
   * Sends a barrier ping. `blocked` = the client does not read, or is inside a frame. In the latter
   * case the ping follows at the next frame boundary.
   */
  ping(): 'sent' | 'blocked';
  /**
   * Sends a text frame of ours to the client, now or between the next two messages. Only clients
   * that have opted in expect one.
   */
  sendMessage(data: Buffer, binary?: boolean): void;
  /**
   * Sends a text frame of ours right before the message that the tap is being told of, whose
   * payload is `buf[start, end)`. False = the beginning of that message has been written.
   */
  announce(buf: Buffer, start: number, end: number, data: Buffer): boolean;
  /**
   * The last data message that was, or will be, written to a client that can still answer it;
   * infinite while no end has begun.
   */
  readonly writtenThrough: number;
  /**
   * Whether bytes of the client may wait unread, because the upstream takes, or took until just
   * now, no more of them, or because more had come than is read in a turn. `now` is from before the
   * reads of this turn.
   */
  blind(now: number): boolean;
  /**
   * The last message before the Close frame that the client was sent and has not answered, behind
   * which it can say nothing (RFC 6455 §5.5.1); undefined = it was sent none.
   */
  readonly closedBehind: number | undefined;

  /**
   * Asks a client that is expected back to come again, with that Close frame. The upstream stays
   * for it. False: a message is under way, or the client cannot be expected back.
   */
  retire(code: number, reason: string): boolean;
  /**
   * Cuts the client off, as if its network had failed. `at` is when that was decided, monotonic ms.
   */
  dropClient(at: number): void;
  /**
   * Sends FIN to a client that has to come again, because it cannot get what follows. What it has
   * said by then is read first.
   */
  turnAway(): void;
  /**
   * Ends the connection with Close frames to both sides, each at its next frame boundary. After
   * `lingerMs` both are destroyed. With `heedsUpstream` the client's Close frame goes behind what
   * the upstream sends until it has heard of the end.
   */
  close(code: number, reason: string, heedsUpstream?: boolean): void;
  /** Ends the connection at once. `at` is when that was decided, monotonic ms. */
  destroy(at?: number): void;
}

/** Takes over the sockets. Nothing is read before `start`. */
export function createSplice(sockets: SplicedSockets, tap: Tap, context: RelayContext): SpliceHandle {
  return new Splice(sockets, tap, context);
}
