// client: the options of an application, and the default reconnect policy.
import { type CloseDetails, type PlainSocketConstructor, threw } from './platform.ts';
import type { Resumption } from './protocol.ts';

/** The facts when a connection has ended. */
export interface Attempts {
  /** Whether this socket was ever open. */
  readonly opened: boolean;
  /** Tries since the last stable connection, this one included. */
  readonly attempt: number;
}

/** Third argument of `AckspanSocket`. */
export interface AckspanOptions {
  /**
   * The class to connect with; default: the global one. In Node 20: `import { WebSocket } from
   * 'ws'`.
   */
  readonly WebSocket?: PlainSocketConstructor;
  /**
   * A message counts as handled only when `event.confirm()` is called. Default false: when its
   * handlers have finished.
   */
  readonly manual?: boolean;
  /** Longest first wait before a reconnect, ms; the wait is random. Default 1000. */
  readonly minDelayMs?: number;
  /** Longest wait before any reconnect, ms: the bound doubles up to this. Default 30000. */
  readonly maxDelayMs?: number;
  /**
   * Whether to reconnect after a close that the application did not ask for. Default: after codes
   * that may pass, once the socket was open.
   */
  readonly shouldReconnect?: (close: CloseDetails, attempts: Attempts) => boolean;
  /**
   * Bytes that `send` keeps while reconnecting. Beyond them it throws a QuotaExceededError. Default
   * 1 MiB.
   */
  readonly maxQueuedBytes?: number;
  /** The `resumption` of an earlier socket, for instance from before a reload of the page. */
  readonly resume?: Resumption | null;
}

/**
 * Close codes after which another try may help: RFC 6455 §7.4.1 and the IANA registry of close
 * codes.
 */
const PASSING = [
  1001, // going away
  1005, // no code
  1006, // connection lost
  1011, // internal error
  1012, // service restart
  1013, // try again later
  1014, // bad gateway
];

/**
 * Whether to reconnect: what the application's policy says. Where there is none, or it throws: not
 * before the socket was open once (like a WebSocket, it then fails), not after a normal close
 * (1000), not after a fault of ours (1002–1010), and not after a code of the application
 * (3000–4999), which is a decision of the peer.
 */
export function wantsMore(close: CloseDetails, attempts: Attempts, { shouldReconnect }: AckspanOptions): boolean {
  let wanted = attempts.opened && PASSING.includes(close.code);
  if (shouldReconnect)
    threw(() => {
      wanted = shouldReconnect(close, attempts);
    });
  return wanted;
}

/**
 * The wait before try number `attempt` (from 1), ms: full jitter, so that clients of a restarted
 * backend do not come all at once.
 */
export function reconnectDelay(attempt: number, options: AckspanOptions): number {
  const { minDelayMs = 1000, maxDelayMs = 30_000 } = options;
  return Math.random() * Math.min(maxDelayMs, minDelayMs * 2 ** (attempt - 1));
}
