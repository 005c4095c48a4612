// Test support: a WebSocket class without a network, where the test decides which frame arrives when and what is lost with the connection.
import type { Link } from './fake-sidecar.ts';

/** The other end of the network: the fake sidecar, or half of a real one. */
export interface Answering<S extends { link: Link | undefined }> {
  /** An upgrade was answered: what the session says from here on goes to `link`. */
  attach(query: URLSearchParams, link: Link): S;
  hear(session: S | undefined, text: string): void;
}

interface FakeSocket {
  readonly url: string;
  readyState: number;
  bufferedAmount: number;
  onopen: (() => void) | null;
  onmessage: ((event: object) => void) | null;
  onclose: ((event: object) => void) | null;
}

/**
 * One connection under the test's control; frames in either direction wait until they are let
 * through.
 */
export class FakeConnection<S extends { link: Link | undefined }> {
  readonly socket: FakeSocket;
  readonly down: (string | Uint8Array)[] = [];
  readonly up: string[] = [];
  readonly #sidecar: Answering<S>;
  readonly #link: Link = {
    send: (data) => this.down.push(data),
    close: (code) => this.cut(code),
  };
  session: S | undefined;
  /** Whether nothing passes any more, and neither end is told. */
  dead = false;

  constructor(socket: FakeSocket, sidecar: Answering<S>) {
    this.socket = socket;
    this.#sidecar = sidecar;
  }

  /**
   * Lets one thing through to the client: the upgrade's answer, else a frame. Returns whether there
   * was one.
   */
  stepDown(): boolean {
    if (this.dead) return false;
    if (this.socket.readyState === 0) {
      this.socket.readyState = 1;
      this.session = this.#sidecar.attach(new URL(this.socket.url).searchParams, this.#link);
      this.socket.onopen?.();
      return true;
    }
    const data = this.down.shift();
    if (data === undefined || this.socket.readyState !== 1) return false;
    this.socket.onmessage?.({ data });
    return true;
  }

  /** Lets one frame through to the sidecar. */
  stepUp(): boolean {
    if (this.dead) return false;
    const text = this.up.shift();
    if (text !== undefined) this.#sidecar.hear(this.session, text);
    return text !== undefined;
  }

  /** The connection is gone, and everything under way with it. */
  cut(code = 1006): void {
    if (this.socket.readyState === 3) return;
    this.socket.readyState = 3;
    this.down.length = 0;
    this.up.length = 0;
    if (this.session?.link === this.#link) this.session.link = undefined;
    this.socket.onclose?.({ code, reason: '', wasClean: code !== 1006 });
  }

  /** The page is gone: nobody hears of this connection any more, nor of its end. */
  leave(): void {
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.cut();
  }
}

/** The class to give to AckspanSocket, and the connection that it made last. */
export function createFakeNetwork<S extends { link: Link | undefined }>(sidecar: Answering<S>) {
  let latest: FakeConnection<S>;
  class FakeWebSocket implements FakeSocket {
    readonly url: string;
    readyState = 0;
    readonly protocol = '';
    readonly extensions = '';
    /** Bytes that the network has not taken yet, as the test says. */
    bufferedAmount = 0;
    binaryType = 'blob';
    onopen: (() => void) | null = null;
    onmessage: ((event: object) => void) | null = null;
    onclose: ((event: object) => void) | null = null;
    onerror: unknown = null;
    readonly connection: FakeConnection<S>;
    constructor(url: string) {
      this.url = url;
      this.connection = new FakeConnection(this, sidecar);
      latest = this.connection;
    }
    send(data: string): void {
      // Dropped after the end, as WebSocket drops it.
      if (this.readyState === 1) this.connection.up.push(data);
    }
    close(code = 1000): void {
      // What was sent before the close arrives before it.
      while (this.connection.stepUp());
      // A handshake is given up at once; a connection waits for the other side's Close frame.
      const unanswered = this.connection.dead && this.readyState !== 0;
      if (this.readyState !== 3) this.readyState = 2;
      if (!unanswered) queueMicrotask(() => this.connection.cut(code));
    }
  }
  return {
    WebSocket: FakeWebSocket,
    get connection(): FakeConnection<S> {
      return latest;
    },
  };
}
