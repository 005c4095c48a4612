// Storm: TCP between two parties, with a delay, and a fault when its time comes. Says what lies in the sidecar's socket, and since when.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { now } from '../load/timing.ts';
import type { LinkPlan } from './plan.ts';

/** What a proxy tells of one connection. All of it is optional. */
export interface LinkWatch {
  /**
   * Bytes are being written towards the dialled end; the result is called once they lie in its
   * socket.
   */
  passingUp?(bytes: Buffer): (() => void) | undefined;
  /** One of its two sockets is closed. */
  closed?(end: 'dialler' | 'dialled', hadError: boolean): void;
  /** The fault came about. */
  broke?(how: string): void;
  /** The dialler's socket is closed. */
  over?(facts: LinkEnd): void;
}

type Passing = NonNullable<LinkWatch['passingUp']>;

export interface LinkEnd {
  /**
   * Every byte of the dialled end went to the dialler, and the FIN behind them; no reset, no fault
   * that cuts.
   */
  readonly whole: boolean;
  /** When that FIN was written; 0 = never. */
  readonly finAt: number;
  /** When the dialler's FIN came; 0 = never. */
  readonly dialledFinAt: number;
}

export interface Proxy {
  readonly port: number;
  /** Connections that are open on either side. */
  readonly open: () => number;
  close(): void;
}

const QUEUE_BYTES = 128 * 1024;
const TRICKLE_BYTES = 300;
const TRICKLE_MS = 4;
/** A connection that nobody ends is cut after so long, ms. */
const LIFE_MS = 45_000;

export async function startProxy(
  target: number,
  planOf: (id: number) => LinkPlan | undefined,
  watchOf: (id: number) => LinkWatch,
): Promise<Proxy> {
  const live = new Set<Link>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    near.on('error', () => {});
    near.once('data', (first: Buffer) => {
      near.pause();
      const id = Number(/^GET \/c\/(\d+)/.exec(first.toString('latin1', 0, 40))?.[1] ?? -1);
      const plan = planOf(id);
      if (plan === undefined) {
        near.destroy();
        return;
      }
      const link = new Link(near, target, plan, watchOf(id), () => live.delete(link));
      live.add(link);
      link.begin(first);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    open: () => live.size,
    close() {
      server.close();
      for (const link of live) link.reset();
    },
  };
}

class Link {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #up: Way;
  readonly #down: Way;
  readonly #watch: LinkWatch;
  readonly #timers: NodeJS.Timeout[] = [];
  #cut = false;
  #failed = false;
  #dialledFinAt = 0;
  #left = 2;
  readonly #gone: () => void;

  constructor(near: Socket, target: number, plan: LinkPlan, watch: LinkWatch, gone: () => void) {
    this.#near = near;
    this.#far = connect({ port: target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.#watch = watch;
    this.#gone = gone;
    this.#up = new Way(near, this.#far, plan.delayMs, watch.passingUp?.bind(watch));
    this.#down = new Way(this.#far, near, plan.delayMs, undefined);
    const { fault } = plan;
    if (fault !== undefined) this.#timers.push(setTimeout(() => this.#break(fault.how, fault.ms), fault.afterMs));
    this.#timers.push(setTimeout(() => this.reset(), LIFE_MS));
  }

  begin(first: Buffer): void {
    this.#near.once('end', () => {
      this.#dialledFinAt = now();
    });
    for (const [socket, other, way] of [
      [this.#near, this.#far, this.#down],
      [this.#far, this.#near, this.#up],
    ] as const) {
      socket.on('error', () => {
        this.#failed = true;
      });
      socket.once('close', (hadError) => {
        // `way` leads to this socket: nobody takes what is still on it.
        way.stop();
        this.#watch.closed?.(socket === this.#near ? 'dialler' : 'dialled', hadError);
        if (hadError) {
          this.#failed = true;
          if (!this.#cut) other.resetAndDestroy();
        }
        if (socket === this.#near) this.#tell();
        if (--this.#left === 0) this.#end();
      });
    }
    this.#up.push(first);
    this.#near.resume();
  }

  reset(): void {
    this.#cut = true;
    this.#failed = true;
    this.#near.resetAndDestroy();
    this.#far.resetAndDestroy();
  }

  #tell(): void {
    const { finAt } = this.#down;
    const whole = !this.#failed && !this.#cut && finAt > 0 && this.#down.whole;
    this.#watch.over?.({ whole, finAt, dialledFinAt: this.#dialledFinAt });
  }

  #end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#gone();
  }

  #break(how: string, ms: number): void {
    if (this.#left < 2) return;
    this.#watch.broke?.(how);
    if (how === 'stall') {
      this.#up.stall(ms);
      this.#down.stall(ms);
    } else if (how === 'trickle') {
      this.#up.trickles = true;
      this.#down.trickles = true;
    } else if (how === 'reset') this.reset();
    else if (how === 'fin') {
      this.#cut = true;
      this.#up.cut(true);
      this.#down.cut(true);
    } else {
      this.#cut = true;
      this.#up.cut(false);
      this.#down.cut(false);
      // One end learns of it late, the other never: both sockets go in the end.
      this.#timers.push(setTimeout(() => this.#near.resetAndDestroy(), 500 + ms));
      this.#timers.push(setTimeout(() => this.reset(), 9000));
    }
  }
}

/** One direction. */
class Way {
  trickles = false;
  /** When the FIN behind everything was written; 0 = not yet. */
  finAt = 0;
  /** All that came was passed on. */
  whole = true;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #delayMs: number;
  readonly #passing: Passing | undefined;
  #queue: { readonly bytes: Buffer | undefined; readonly due: number }[] = [];
  #queued = 0;
  #timer: NodeJS.Timeout | undefined = undefined;
  #stalledUntil = 0;
  #blocked = false;
  #stopped = false;

  constructor(from: Socket, to: Socket, delayMs: number, passing: Passing | undefined) {
    this.#from = from;
    this.#to = to;
    this.#delayMs = delayMs;
    this.#passing = passing;
    from.on('data', (chunk: Buffer) => this.push(chunk));
    from.once('end', () => this.#add(undefined));
    to.on('drain', () => {
      this.#blocked = false;
      this.#flush();
    });
  }

  push(chunk: Buffer): void {
    this.#add(chunk);
  }

  stall(ms: number): void {
    this.#stalledUntil = now() + ms;
  }

  /** Nothing passes any more; with `fin` the receiver is told. */
  cut(fin: boolean): void {
    this.stop();
    if (fin) this.#to.end();
    this.#from.resume();
  }

  stop(): void {
    if (this.#queue.length > 0) this.whole = false;
    this.#stopped = true;
    this.#queue = [];
    clearTimeout(this.#timer);
  }

  #add(bytes: Buffer | undefined): void {
    if (this.#stopped) {
      if (bytes !== undefined) this.whole = false;
      return;
    }
    this.#queue.push({ bytes, due: now() + this.#delayMs });
    this.#queued += bytes?.length ?? 0;
    if (this.#queued > QUEUE_BYTES) this.#from.pause();
    if (this.#timer === undefined) this.#flush();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (!this.#blocked && this.#queue.length > 0) {
      const at = now();
      const wait = Math.max(this.#queue[0]!.due, this.#stalledUntil) - at;
      if (wait > 0.5) {
        this.#later(wait);
        return;
      }
      const { bytes } = this.#queue[0]!;
      if (bytes === undefined) {
        this.#queue.shift();
        this.#to.end(() => {
          this.finAt = now();
        });
        return;
      }
      if (this.trickles && bytes.length > TRICKLE_BYTES) {
        this.#queue[0] = { bytes: bytes.subarray(TRICKLE_BYTES), due: at + TRICKLE_MS };
        this.#write(bytes.subarray(0, TRICKLE_BYTES));
      } else {
        this.#queue.shift();
        this.#write(bytes);
      }
    }
  }

  #write(bytes: Buffer): void {
    this.#queued -= bytes.length;
    if (this.#queued < QUEUE_BYTES / 2 && this.#from.isPaused()) this.#from.resume();
    const passed = this.#passing?.(bytes);
    this.#blocked = !this.#to.write(bytes, (error) => {
      if (error) this.whole = false;
      else passed?.();
    });
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => this.#flush(), ms);
  }
}
