// relay: the port through which the data path tells its watcher what goes by on a connection, and what it counts.
import type { Report } from '../delivery/ports.ts';
import type { Reading } from './reading.ts';

/** Reasons why a message of the upstream is relayed but not read. */
export const SKIP_REASONS = ['binary', 'too_large', 'unreadable'] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/**
 * Whether a message that is not read may have held an event. `no`: it cannot have. `once`: it may,
 * and if it is sent again it may be read. `here`: it may, and no copy of it can be read on this
 * connection.
 */
export type Unseen = 'no' | 'once' | 'here';

/** What is written of a message before the tap is told of it. */
export type WriteFirst = 'message' | 'message+barrier' | 'nothing';

/** The side that began the end of a connection. */
export type EndedBy = 'client' | 'upstream' | 'sidecar';

/**
 * How a client went. `orderly`: with a Close frame that is no complaint. `complained`: with one
 * that is. `told`: with none, after it had been sent one. `vanished`: no Close frame went either
 * way.
 */
export type Leave = 'orderly' | 'complained' | 'told' | 'vanished';

/**
 * Watches one connection, synchronously. An exception is reported once, and the connection goes on
 * unwatched (SPEC D8). Times are monotonic ms.
 */
export interface Tap {
  /**
   * Takes a complete text message for the client: uncompressed bytes `buf[start, end)`, valid
   * during the call only. `ordinal` counts the session's data messages (text and binary) from 1.
   * The call precedes the write, unless `writeFirst` let the bytes go first. A compressed message
   * is read on the side and may come later, but in order. `now` is when the message was relayed.
   * `bytes` is its true size, which is more than end − start where only the beginning was kept.
   * `binary` = it is no text message, but may hold JSON by its first byte.
   */
  upstreamText(
    buf: Buffer,
    start: number,
    end: number,
    ordinal: number,
    now: number,
    bytes: number,
    binary: boolean,
  ): void;
  /**
   * Length up to which a message that comes in parts is wanted whole, bytes. Of a longer one
   * `scanBytes` are kept. Default 0.
   */
  wants?(): number;
  /**
   * Decides what may be written of text message `ordinal`, which has come whole and by itself,
   * before it is told. A client need not wait for us to read its messages. Default: nothing.
   */
  writeFirst?(ordinal: number): WriteFirst;
  /**
   * Takes a message that is not read: binary and no JSON, larger than `messageBytes` or than the
   * room left, or one that does not inflate. Comes in order with `upstreamText`. `bytes` is its
   * payload on the wire. `unseen` is `no` by default for a binary message, else `once`.
   */
  upstreamSkipped(reason: SkipReason, ordinal: number, now: number, bytes: number, unseen?: Unseen): void;
  /**
   * Is told that a relayed message joined (+1) the queue of the side reader, or left it (-1, after
   * its `upstreamText` or `upstreamSkipped`).
   */
  undecoded(delta: 1 | -1): void;
  /**
   * Is told that the messages since the last write are about to be written to the client. Not
   * called for what `writeFirst` lets go first.
   */
  writing?(): void;
  /**
   * Decides whether a barrier ping follows data message `through`, where the write under way has a
   * frame boundary. Called at most once per write.
   */
  barrierAt(through: number): boolean;
  /**
   * Decides whether a last barrier ping follows data message `through`, before a Close frame or
   * bytes that are no frames, or when the upstream has gone without a Close frame.
   */
  lastBarrierAt?(through: number): boolean;
  /**
   * Whether evidence that is still on its way would prove something. The client's socket stays open
   * for it, for a bounded time.
   */
  awaits?(now: number): boolean;
  /**
   * Whether the application may still say something of what it was sent, which it cannot say behind
   * a Close frame. A Close frame waits for that, for a bounded time. Default: no.
   */
  wordsDue?(now: number): boolean;
  /**
   * The client received everything up to data message `through`. May repeat or fall behind earlier
   * evidence.
   */
  receivedThrough(through: number, now: number): void;
  /**
   * Is told of a data message of the client, when its last frame begins. `bytes` is its payload on
   * the wire. `clientText` may follow.
   */
  clientMessage?(isText: boolean, bytes: number, now: number): void;
  /**
   * Table of a `FIRST_BYTE` (first-byte.ts) for each of the 256 bytes, which tells the messages of
   * the client that are offered to `clientText`. All others go on at once. It is read for every
   * message, and may change. Default: messages whose first visible byte is `{`.
   */
  readonly begins?: Uint8Array;
  /**
   * Takes a complete message of the client that begins as `begins` says, of at most
   * `confirmationBytes`; `binary` = it is no text message. `replaced` = another client has taken
   * the place of the one that said it. True = it is cut out.
   */
  clientText(buf: Buffer, start: number, end: number, now: number, binary: boolean, replaced: boolean): boolean;
  /**
   * Is told that the client has gone without a Close frame that means it (1006: none at all, 1001:
   * the page went away), and that nothing of it is half-way to the upstream. True keeps the
   * upstream (default false): its messages are still told, and `SpliceHandle.rejoin` brings a new
   * client. `asked` = the client has answered a Close frame that asked it to come again.
   */
  clientLost?(code: number, now: number, asked: boolean): boolean;
  /**
   * Is told once that the client can give no further evidence. Later messages of the upstream are
   * told to the tap, and are not written to the client. `by` and `code` belong to the first Close
   * frame (RFC 6455 §7.4; 1005 = the frame had no code; 1006 = no Close frame came).
   */
  clientOver?(by: EndedBy, code: number, leave: Leave, now: number): void;
  /**
   * Is told once, last, that neither side has anything more to say, and that nothing waits for the
   * side reader. `reason` is the text of the first Close frame.
   */
  closed(by: EndedBy, code: number, now: number, reason: string): void;
}

/**
 * Counts of the whole relay since the start, in one object per process, by plain adds. "ToClient"
 * is upstream to client.
 */
export class RelayCounters {
  messagesToClient = 0;
  messagesToUpstream = 0;
  /** Bytes received from the upstream, and from the client. */
  bytesToClient = 0;
  bytesToUpstream = 0;
  /** Control frames received from the upstream, and from the client. */
  controlToClient = 0;
  controlToUpstream = 0;
  barriersSent = 0;
  /** Our pongs that were cut from clients' streams. */
  barriersAnswered = 0;
  /** Confirmations that were cut from clients' streams. */
  confirmationsSwallowed = 0;
  /**
   * Confirmations that were read but forwarded, because a control frame stood between their
   * fragments.
   */
  confirmationsForwarded = 0;
  /**
   * Pongs that were made for the upstream, because the client answered only a later ping of ours.
   */
  pongsSynthesised = 0;
  /** Bytes of client frames that are held back now (gauge). */
  heldBytes = 0;
  /** Messages that wait for the side reader now (gauge). */
  undecoded = 0;
  /** Bytes of upstream messages that are kept now until they are complete and read (gauge). */
  collectedBytes = 0;
  messagesTooLarge = 0;
  /**
   * Messages that were longer than `messageBytes`, and those for which `inFlightBytes` had no room.
   */
  messageBytesExceeded = 0;
  inFlightRefused = 0;
  messagesUnreadable = 0;
  /** Directions given up to plain pass-through after a framing error of a peer. */
  protocolErrors = 0;
  /** Connections whose tap threw, and the data messages that passed on them since then. */
  tapFaults = 0;
  messagesUnwatched = 0;
  /** Time for which a side was not read because the other took no more, ms. */
  backpressureToClientMs = 0;
  backpressureToUpstreamMs = 0;
}

/** The parts that all connections of a process share. */
export interface RelayContext {
  readonly counters: RelayCounters;
  readonly limits: RelayLimits;
  /** The monotonic clock, ms. */
  now(): number;
  readonly report: Report;
  /** Left out where nothing ever holds the reads up. */
  readonly reading?: Reading | undefined;
}

/** Bounds of the data path. */
export interface RelayLimits {
  /** Largest message from upstream that is read, bytes inflated and deflated. Default 16 MiB. */
  readonly messageBytes: number;
  /** Length of the beginning of a message that is looked at, bytes. Default 64 KiB. */
  readonly scanBytes: number;
  /** Memory for messages under way, over all connections, bytes. Default 64 MiB. */
  readonly inFlightBytes: number;
  /** Largest client message that may be a confirmation, bytes. Default 4096. */
  readonly confirmationBytes: number;
  /** Longest time for which one side may outlive the other, ms. Default 30,000. */
  readonly lingerMs: number;
  /**
   * Longest wait for evidence that is on its way when a connection ends, ms: a round trip. Default
   * 2,000.
   */
  readonly patienceMs: number;
}

/** The default limits. */
export const DEFAULT_RELAY_LIMITS: RelayLimits = {
  messageBytes: 16 * 1024 * 1024,
  scanBytes: 65_536,
  inFlightBytes: 64 * 1024 * 1024,
  confirmationBytes: 4096,
  lingerMs: 30_000,
  patienceMs: 2_000,
};
