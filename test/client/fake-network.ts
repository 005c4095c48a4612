// Test support: a WebSocket class without a network, where the test decides which frame arrives when and what is lost with the connection.
import type { FakeSession, FakeSidecar } from './fake-sidecar.ts';

interface FakeSocket {
  readonly url: string;
  readyState: number;
  onopen: (() => void) | null;
  onmessage: ((event: object) => void) | null;
  onclose: ((event: object) => void) | null;
}

/** One connection under the test's control; frames in either direction wait until they are let through. */
export class FakeConnection {
  readonly socket: FakeSocket;
  readonly down: (string | Uint8Array)[] = [];
  readonly up: string[] = [];
  readonly #sidecar: FakeSidecar;
  session: FakeSession | undefined;

  constructor(socket: FakeSocket, sidecar: FakeSidecar) {
    this.socket = socket;
    this.#sidecar = sidecar;
  }

  /** Lets one thing through to the client: the upgrade's answer, else a frame. Returns whether there was one. */
  stepDown(): boolean {
    if (this.socket.readyState === 0) {
      this.socket.readyState = 1;
      this.session = this.#sidecar.attach(new URL(this.socket.url).searchParams, {
        send: (data) => this.down.push(data),
        close: (code) => this.cut(code),
      });
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
    const text = this.up.shift();
    if (text !== undefined) this.session?.hear(text);
    return text !== undefined;
  }

  /** The connection is gone, and everything under way with it. */
  cut(code = 1006): void {
    if (this.socket.readyState === 3) return;
    this.socket.readyState = 3;
    this.down.length = 0;
    this.up.length = 0;
    if (this.session?.link && this === this.#current()) this.session.link = undefined;
    this.socket.onclose?.({ code, reason: '', wasClean: code !== 1006 });
  }

  #current(): FakeConnection | undefined {
    return FakeConnection.latest.get(this.#sidecar);
  }

  static readonly latest = new WeakMap<FakeSidecar, FakeConnection>();
}

/** The class to give to AckspanSocket, and the connection that it made last. */
export function createFakeNetwork(sidecar: FakeSidecar) {
  class FakeWebSocket implements FakeSocket {
    readonly url: string;
    readyState = 0;
    readonly protocol = '';
    readonly extensions = '';
    readonly bufferedAmount = 0;
    binaryType = 'blob';
    onopen: (() => void) | null = null;
    onmessage: ((event: object) => void) | null = null;
    onclose: ((event: object) => void) | null = null;
    onerror: unknown = null;
    readonly connection: FakeConnection;
    constructor(url: string) {
      this.url = url;
      this.connection = new FakeConnection(this, sidecar);
      FakeConnection.latest.set(sidecar, this.connection);
    }
    send(data: string): void {
      this.connection.up.push(data);
    }
    close(code = 1000): void {
      // What was sent before the close arrives before it.
      while (this.connection.stepUp());
      this.readyState = 2;
      queueMicrotask(() => this.connection.cut(code));
    }
  }
  return {
    WebSocket: FakeWebSocket,
    get connection(): FakeConnection {
      return FakeConnection.latest.get(sidecar)!;
    },
  };
}
