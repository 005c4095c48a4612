// client: the events of an AckspanSocket: a WebSocket's, with a way to confirm a message, and two about reconnecting.
import type { CloseDetails } from './platform.ts';

/**
 * `message`, as on a WebSocket. `confirm` and `reject` decide what the sidecar is told. The first
 * call counts.
 */
export interface AckspanMessageEvent extends MessageEvent {
  /**
   * The application has handled the message. Needed with `manual: true`; does nothing when there is
   * no sidecar.
   */
  confirm(): void;
  /**
   * The application could not handle the message. The reason (256 characters) shows up beside the
   * failed delivery.
   */
  reject(reason?: unknown): void;
}

/** `close`: once, when the socket is closed for good. */
export interface AckspanCloseEvent extends Event, CloseDetails {}

/** `reconnecting`: the connection is gone, and a new one is tried after `delayMs`. */
export interface ReconnectingEvent extends Event, CloseDetails {
  /** 1 for the first try since the last stable connection. */
  readonly attempt: number;
  readonly delayMs: number;
}

/** `resumed`: messages flow again. Comes after `open`, where there is one. */
export interface ResumedEvent extends Event {
  /**
   * True: messages that were missed and kept are being sent now. False: a new session, and missed
   * messages are lost; fetch what you need.
   */
  readonly recovered: boolean;
  /**
   * True: the sidecar kept the connection to the backend, which has noticed nothing, and there was
   * no new `open`.
   */
  readonly rejoined: boolean;
}

/** Every event by its type. */
export interface AckspanEventMap {
  open: Event;
  message: AckspanMessageEvent;
  error: Event;
  close: AckspanCloseEvent;
  reconnecting: ReconnectingEvent;
  resumed: ResumedEvent;
}
