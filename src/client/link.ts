// client: one connection of a socket: how it is made, written to and left, and how much of it has gone out.
import type { AckspanMessageEvent } from './events.ts';
import type { AckspanOptions } from './options.ts';
import { type CloseDetails, type PlainSocket, platform } from './platform.ts';

/** What happens to a connection. */
export interface LinkEvents {
  opened(link: Link): void;
  message(link: Link, event: AckspanMessageEvent): void;
  closed(close: CloseDetails): void;
  failed(failure: Event): void;
}

/** One connection, from its handshake on. */
export class Link {
  readonly socket: PlainSocket;
  /** Bytes that found no room in the network at once, over all sends. */
  #waited = 0;

  /**
   * Connects. Throws as `WebSocket` does for a bad URL or protocol, and a TypeError where there is
   * no WebSocket class.
   */
  constructor(
    address: string,
    protocols: string | string[] | undefined,
    Constructor: AckspanOptions['WebSocket'] = platform.WebSocket,
    on: LinkEvents,
  ) {
    if (!Constructor) throw new TypeError('pass the option WebSocket');
    this.socket = new Constructor(address, protocols);
    this.socket.onopen = () => on.opened(this);
    this.socket.onmessage = (event: AckspanMessageEvent) => on.message(this, event);
    this.socket.onclose = (event: CloseDetails) => on.closed(event);
    this.socket.onerror = ({ error, message }: ErrorEventLike) =>
      on.failed(Object.assign(new Event('error'), { error, message }));
  }

  /** Bytes that had to wait and have gone out since. While it grows, the network takes some. */
  get gone(): number {
    return this.#waited - this.socket.bufferedAmount;
  }

  send(data: unknown): void {
    const before = this.socket.bufferedAmount;
    this.socket.send(data as never);
    this.#waited += this.socket.bufferedAmount - before;
  }

  /**
   * Leaves the connection for another one: hears nothing of it any more. It may be slow rather than
   * dead, and a Close frame would end the backend's connection too. So it is closed only when the
   * other one has taken its place.
   */
  leave(): void {
    const { socket } = this;
    // `ws` throws the error of a handshake that is given up where nobody listens.
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = () => {};
    if (socket.readyState === 0) socket.close();
  }
}

/** The details of a failure that `ws` gives, and browsers do not. */
interface ErrorEventLike {
  readonly error?: unknown;
  readonly message?: string;
}
