// Simulation: a client with the SDK, whose connections the SDK makes itself; its page may be loaded again and go on with the session.
import { AckspanSocket } from '../../src/client/socket.ts';
import { newLink, type SimClient, type Surroundings } from './clients.ts';
import { BINARY, TEXT } from './frames.ts';
import { checkKind, numberIn } from './message.ts';
import type { ClientSetup } from './schedule.ts';
import { Stack } from './stack.ts';

/** One load of the page: what runs in it is gone with it. */
interface Page {
  alive: boolean;
}

/** From the end of one page to the first script of the next, ms. */
const LOAD_MS = 50;

// What handlers throw is shown by the platform, and would fill the simulation's own output.
(globalThis as { reportError?: unknown }).reportError ??= () => {};

export class SdkClient implements SimClient {
  stack: Stack | undefined;
  private readonly around: Surroundings;
  private readonly number: number;
  private readonly setup: ClientSetup;
  private page: Page = { alive: true };
  private socket: AckspanSocket | undefined;
  private inner: SimWebSocket | undefined;
  private gone = false;

  constructor(around: Surroundings, number: number, setup: ClientSetup) {
    this.around = around;
    this.number = number;
    this.setup = setup;
  }

  connect(): void {
    if (this.socket !== undefined && this.socket.readyState !== AckspanSocket.CLOSED) return;
    this.open(null);
  }

  word(): void {}

  end(orderly: boolean): void {
    this.gone = true;
    const { stack } = this;
    this.socket?.close(1000);
    if (!orderly) stack?.reset();
  }

  online(): void {
    if (this.inner?.readyState === 1) this.inner.stack.reset();
  }

  reload(orderly: boolean): void {
    const { socket, inner, stack } = this;
    if (socket === undefined || inner === undefined || this.gone) return;
    const resume = socket.resumption;
    // The page goes: nothing in it runs any more. What it had no time to say it does not say.
    this.page.alive = false;
    inner.onopen = inner.onmessage = inner.onclose = inner.onerror = null;
    if (stack !== undefined && orderly) stack.close(1001);
    else stack?.reset();
    socket.close();
    this.page = { alive: true };
    this.socket = undefined;
    const { world } = this.around;
    world.plan(world.now + LOAD_MS, () => {
      if (!this.gone && this.socket === undefined) this.open(resume);
    });
  }

  private open(resume: AckspanSocket['resumption']): void {
    const { page } = this;
    const WebSocket = socketClass(this.around, this.number, this.setup, (inner) => {
      this.inner = inner;
      this.stack = inner.stack;
    });
    const socket = new AckspanSocket('ws://sidecar/ws', [], { WebSocket, minDelayMs: 200, maxDelayMs: 800, resume });
    socket.onmessage = (event) => {
      const uid = this.inner?.current ?? 0;
      return uid === 0 ? undefined : this.handle(uid, event, page);
    };
    this.socket = socket;
  }

  private handle(uid: number, event: { reject(reason?: unknown): void }, page: Page): Promise<void> | undefined {
    const { world, fate, history } = this.around;
    const { confirms, rejects, wordDelay } = this.setup;
    const client = this.number;
    const done = (ok: boolean): void => {
      history.handled.push({ uid, client, at: world.now, ok });
    };
    if (fate(uid, 3) < rejects) {
      done(false);
      if (fate(uid, 13) < 0.3) throw new Error('the handler of the application');
      event.reject('no');
      return undefined;
    }
    if (wordDelay === 0 || fate(uid, 2) < 0.5) {
      done(true);
      return undefined;
    }
    if (confirms === 0 && fate(uid, 6) < 0.1) return new Promise(() => {});
    return new Promise((resolve) => {
      world.plan(world.now + fate(uid, 4) * wordDelay, () => {
        if (!page.alive) return;
        done(true);
        resolve();
      });
    });
  }
}

/** A class that stands for the platform's `WebSocket`, of one client. */
function socketClass(around: Surroundings, client: number, setup: ClientSetup, made: (socket: SimWebSocket) => void) {
  return class extends SimWebSocket {
    constructor(url: string) {
      super(around, client, setup, url);
      made(this);
    }
  };
}

class SimWebSocket {
  readonly url: string;
  readonly protocol = '';
  readonly extensions = '';
  readonly bufferedAmount = 0;
  binaryType = 'blob';
  onopen: unknown = null;
  onmessage: unknown = null;
  onclose: unknown = null;
  onerror: unknown = null;
  readonly stack: Stack;
  /** The message that is being handed over. */
  current = 0;
  private opened = false;

  constructor(around: Surroundings, client: number, setup: ClientSetup, url: string) {
    this.url = url;
    const link = newLink(around, client, setup);
    const last = Number(/ackspan_last=(\d+)/.exec(url)?.[1] ?? 0);
    if (last > 0) {
      const { now } = around.world;
      link.evidence.push({ kind: 'last', sentAt: now, arrivedAt: 0, readAt: 0, most: 0, sure: 0, through: last });
    }
    const { end } = around.dial(client, url.slice('ws://sidecar'.length), link);
    this.stack = new Stack(around.world, end, link, setup, false, {
      opened: () => {
        this.opened = true;
        call(this.onopen, {});
      },
      over: (code) => {
        if (!this.opened) call(this.onerror, {});
        call(this.onclose, { code, reason: '', wasClean: code !== 1006 });
      },
      message: (payload, opcode) => {
        const uid = numberIn(payload);
        if (uid > 0) link.parsed.push({ uid, at: around.world.now });
        checkKind(around.history.byUid.get(uid)?.emitted, uid, opcode === BINARY);
        this.current = uid;
        if (this.readyState === 1) call(this.onmessage, { data: opcode === BINARY ? payload : payload.toString() });
        this.current = 0;
      },
    });
  }

  get readyState(): number {
    if (this.stack.over) return 3;
    if (this.stack.closing) return 2;
    return this.opened ? 1 : 0;
  }

  send(data: string): void {
    if (this.readyState !== 1) return;
    const payload = Buffer.from(data);
    if (!data.startsWith('{"ackspan":')) {
      this.stack.send(TEXT, payload);
      return;
    }
    if (data.startsWith('{"ackspan":"still"')) {
      this.stack.send(TEXT, payload);
      return;
    }
    const { through, also, n } = JSON.parse(data) as { through?: number; also?: number[]; n?: number };
    this.stack.say(TEXT, payload, 'sdk', 0, {
      ...(through !== undefined && { through }),
      ...(also !== undefined && { also }),
      ...(n !== undefined && { n }),
    });
  }

  close(code = 1005): void {
    if (this.readyState <= 1) this.stack.close(code);
  }
}

function call(handler: unknown, event: object): void {
  if (typeof handler === 'function') handler(event);
}
