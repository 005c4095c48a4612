// relay: relay port: what the data path tells whoever watches one connection, and what it counts. Owned by the relay, implemented outside.
import type { Report } from '../delivery/ports.ts';

/** Why a message from upstream is relayed but not read. */
export const SKIP_REASONS = ['binary', 'too_large', 'unreadable'] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** What is written of a message before the tap is told of it. */
export type Ahead = 'message' | 'barrier' | 'wait';

/** Who ended a connection first. */
export type EndedBy = 'client' | 'upstream' | 'sidecar';

/** Watches one connection, synchronously. What throws is reported once and the connection goes on unwatched (SPEC D8). Times are monotonic ms. */
export interface Tap {
  /**
   * One upstream → client text message that is complete: uncompressed bytes `buf[start, end)`, valid only during the call. `ordinal` counts
   * data messages (text and binary) of the connection from 1. Comes before the bytes are written, unless `ahead` let them
   * go first; a compressed message is read on the side and may come later, but in order. `now` is when it was relayed. `bytes` is
   * the message's true size: more than end − start where only its beginning was kept. `binary`: it is no text message, but may hold
   * JSON, going by its first byte.
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
  /** How long a message may be that is wanted whole, bytes; of a longer one that comes in parts `scanBytes` are kept. Default 0. */
  wants?(): number;
  /**
   * The text message `ordinal` has come, whole and by itself. What may be written before it is told: the message, the message and a
   * barrier ping, or (default) nothing: `wait`. A client need not wait for us to read what it is sent.
   */
  ahead?(ordinal: number): Ahead;
  /**
   * A message that is not read: binary and no JSON, larger than `messageBytes` or the room there was, or one that does not inflate. In order with
   * `upstreamText`. `bytes` is its size on the wire, payload only. `unseen` (default: unless it is binary): it may have held an event.
   */
  upstreamSkipped(reason: SkipReason, ordinal: number, now: number, bytes: number, unseen?: boolean): void;
  /** A relayed message joined (+1) or left (-1, after its `upstreamText` or `upstreamSkipped`) the queue of the side reader. */
  undecoded(delta: 1 | -1): void;
  /** What has been told since the last write is about to be written to the client. Not called for what `ahead` lets go first. */
  writing?(): void;
  /** The write under way has a frame boundary after data message `through`: true puts a barrier ping there. At most once per write. */
  barrierAt(through: number): boolean;
  /**
   * A Close frame, or bytes that are no frames, follow data message `through`: true puts a last barrier ping before them. Also for
   * a client that the upstream has left without a word.
   */
  lastBarrierAt?(through: number): boolean;
  /** Whether evidence that is still on its way would prove something; the client's socket is kept open for it, for a bounded time. */
  awaits?(now: number): boolean;
  /** The client received everything up to data message `through`. May repeat or fall behind earlier evidence. */
  receivedThrough(through: number, now: number): void;
  /** A data message of the client begins its last frame: `bytes` is its size on the wire, payload only. `clientText` may follow for it. */
  clientMessage?(isText: boolean, bytes: number, now: number): void;
  /**
   * A `FIRST_BYTE` (first-byte.ts) for each of the 256 bytes: which text messages of the client are offered to `clientText`. All others go on at once.
   * It is asked of every message, and may change between two. Default: those whose first visible byte is `{`.
   */
  readonly begins?: Uint8Array;
  /** Complete client → upstream text message that begins as `begins` says, of at most `confirmationBytes`: true = swallow it. */
  clientText(buf: Buffer, start: number, end: number, now: number): boolean;
  /**
   * The client has gone, not by a Close frame that means it (1006: none at all, 1001: the page went away), while nothing of its
   * is half-way to the upstream. True keeps the upstream (default false): its messages go on being told, and `SpliceHandle.rejoin` brings a new client.
   */
  clientLost?(code: number, now: number): boolean;
  /**
   * Once: no further evidence can come from the client. It has sent a Close frame that is no complaint (`orderly`), or just went. What the upstream still
   * sends is told all the same, and reaches nobody. `by` and `code` are those of the first Close frame (RFC 6455 §7.4; 1005 = it had
   * none), 1006 without a Close frame.
   */
  clientOver?(by: EndedBy, code: number, orderly: boolean, now: number): void;
  /** Once, last: neither side has anything more to say, and nothing waits for the side reader. */
  closed(by: EndedBy, code: number, now: number): void;
}

/** What the whole relay has counted since start: one object per process, plain adds. "ToClient" is upstream → client. */
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
  /** Our pongs cut from the client's stream. */
  barriersAnswered = 0;
  /** Confirmations cut from the client's stream. */
  confirmationsSwallowed = 0;
  /** Confirmations read but forwarded, because a control frame stood between their fragments. */
  confirmationsForwarded = 0;
  /** Pongs made for the upstream because the client answered only our later ping. */
  pongsSynthesised = 0;
  /** Bytes of client frames held back now (gauge). */
  heldBytes = 0;
  /** Compressed or queued messages that wait for the side reader now (gauge). */
  undecoded = 0;
  /** Bytes of upstream messages kept until they are complete and read now (gauge). */
  collectedBytes = 0;
  messagesTooLarge = 0;
  /** Messages that were found longer than `messageBytes`, and those for which there was no room in `inFlightBytes`. */
  messageBytesExceeded = 0;
  inFlightRefused = 0;
  messagesUnreadable = 0;
  /** Directions given up to plain pass-through after a framing error of a peer. */
  protocolErrors = 0;
  /** Connections whose tap threw, and the data messages that passed on them since. */
  tapFaults = 0;
  messagesUnwatched = 0;
  /** ms during which a side was not read because the other did not take more. */
  backpressureToClientMs = 0;
  backpressureToUpstreamMs = 0;
}

/** What all connections of a process share. */
export interface RelayContext {
  readonly counters: RelayCounters;
  readonly limits: RelayLimits;
  /** Monotonic ms. */
  now(): number;
  readonly report: Report;
}

/** Bounds of the data path. */
export interface RelayLimits {
  /** Largest message from upstream that is read, bytes inflated and deflated. Default 16 MiB. */
  readonly messageBytes: number;
  /** How far into a message anybody looks, bytes. Default 64 KiB. */
  readonly scanBytes: number;
  /** What may be kept of messages under way, over all connections, bytes. Default 64 MiB. */
  readonly inFlightBytes: number;
  /** Largest client message that may be a confirmation, bytes. Default 4096. */
  readonly confirmationBytes: number;
  /** How long one side may outlive the other, ms. Default 30,000. */
  readonly lingerMs: number;
  /** How long evidence that is on its way is waited for when a connection ends, ms: a round trip. Default 2,000. */
  readonly patienceMs: number;
}

/** The limits when nobody says otherwise. */
export const DEFAULT_RELAY_LIMITS: RelayLimits = {
  messageBytes: 16 * 1024 * 1024,
  scanBytes: 65_536,
  inFlightBytes: 64 * 1024 * 1024,
  confirmationBytes: 4096,
  lingerMs: 30_000,
  patienceMs: 2_000,
};
