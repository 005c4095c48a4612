// Test support: a TCP proxy that breaks a connection as its plan says: at a frame boundary, or inside a frame.
import { connect, createServer, type Socket } from 'node:net';
import { atEnd, listenOn } from './backends.ts';

/** The plan of how one connection breaks. */
export interface Fault {
  /** The direction whose frames are counted: `down` goes to the dialler. */
  readonly direction: 'down' | 'up';
  /** Number of complete frames behind the handshake … */
  readonly frames: number;
  /** … and number of bytes after them, before the fault. */
  readonly bytes: number;
  /**
   * `fin` and `reset` reach both ends. `vanish`: the dialled end never hears anything (half-open),
   * and the dialler is reset. `stall`: nothing passes for a while, then everything. `slow`: from
   * there on a few bytes at a time, at a fixed rate whatever the machine does.
   */
  readonly how: 'fin' | 'reset' | 'vanish' | 'stall' | 'slow';
}

export interface FaultProxy {
  readonly port: number;
  /** Connections so far, and how many of their faults have come about. */
  readonly counts: { connections: number; faults: number };
  /** Resets every connection at both ends. */
  storm(): void;
  /**
   * Lets nothing pass over the present connections any more, and tells neither end: the bytes are
   * gone, the sockets stay.
   */
  swallow(): void;
  /** Refuses (resets) connections while false. */
  open: boolean;
}

const STALL_MS = 60;
/** The rate of a slow connection. */
const SLOW_BYTES_PER_MS = 200;

/** Proxies a free port to `target`; `plan` is asked for each connection. */
export async function startFaultProxy(
  target: number,
  plan: (connection: number) => Fault | undefined,
): Promise<FaultProxy> {
  const live = new Set<Link>();
  const counts = { connections: 0, faults: 0 };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    if (!proxy.open) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const link = new Link(near, far, plan(counts.connections++), counts);
    live.add(link);
    near.once('close', () => live.delete(link));
  });
  const port = await listenOn(server);
  const proxy: FaultProxy = {
    port,
    counts,
    open: true,
    storm: () => {
      for (const link of live) link.reset();
    },
    swallow: () => {
      for (const link of live) link.swallow();
    },
  };
  atEnd(() => {
    for (const link of live) link.reset();
  });
  return proxy;
}

/** One connection on its way through. */
class Link {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #fault: Fault | undefined;
  readonly #counts: { faults: number };
  readonly #cutter = new Cutter();
  #over = false;
  #slow = false;

  constructor(near: Socket, far: Socket, fault: Fault | undefined, counts: { faults: number }) {
    this.#near = near;
    this.#far = far;
    this.#fault = fault;
    this.#counts = counts;
    this.#pipe(near, far, 'up');
    this.#pipe(far, near, 'down');
  }

  reset(): void {
    this.#over = true;
    this.#near.resetAndDestroy();
    this.#far.resetAndDestroy();
  }

  swallow(): void {
    this.#over = true;
    this.#near.resume();
    this.#far.resume();
  }

  #pipe(from: Socket, to: Socket, direction: 'down' | 'up'): void {
    from.on('data', (chunk) => {
      if (this.#over) return;
      const fault = this.#fault;
      if (this.#slow) this.#trickle(from, to, chunk);
      else if (fault?.direction === direction) {
        const passed = this.#cutter.upTo(chunk, fault.frames, fault.bytes);
        this.#write(from, to, chunk.subarray(0, passed));
        if (passed < chunk.length) this.#break(fault, from, to, chunk.subarray(passed));
      } else this.#write(from, to, chunk);
    });
    from.on('end', () => {
      if (!this.#over) to.end();
    });
    from.on('error', () => {});
    // A reset on one side is one on the other, unless the other must not know.
    from.on('close', (failed) => {
      if (!this.#over && failed) to.resetAndDestroy();
      else if (!this.#over) to.end();
    });
  }

  #write(from: Socket, to: Socket, bytes: Buffer): void {
    if (bytes.length === 0 || to.write(bytes)) return;
    from.pause();
    to.once('drain', () => from.resume());
  }

  #break(fault: Fault, from: Socket, to: Socket, rest: Buffer): void {
    this.#counts.faults++;
    this.#cutter.done = true;
    switch (fault.how) {
      case 'fin':
        this.#over = true;
        this.#near.end();
        this.#far.end();
        this.#near.resume();
        this.#far.resume();
        return;
      case 'reset':
        this.reset();
        return;
      case 'vanish':
        this.#over = true;
        this.#near.resetAndDestroy();
        return;
      case 'stall':
        this.#near.pause();
        this.#far.pause();
        setTimeout(() => {
          this.#write(from, to, rest);
          this.#near.resume();
          this.#far.resume();
        }, STALL_MS);
        return;
      case 'slow':
        this.#slow = true;
        this.#trickle(from, to, rest);
    }
  }

  /**
   * The rate follows the clock, not the turns of the loop: on a busy machine turns are rare, and
   * more bytes go in one.
   */
  #trickle(from: Socket, to: Socket, bytes: Buffer): void {
    from.pause();
    let at = 0;
    let last = performance.now();
    const next = (): void => {
      if (this.#over) {
        from.resume();
        return;
      }
      const now = performance.now();
      const stop = Math.min(bytes.length, at + 1 + (now - last) * SLOW_BYTES_PER_MS);
      last = now;
      while (at < stop) {
        const size = 1 + ((bytes[at]! + at) % 7) * 9;
        to.write(bytes.subarray(at, at + size));
        at += size;
      }
      if (at < bytes.length) setTimeout(next, 1);
      else from.resume();
    };
    next();
  }
}

/** Counts the frames of one direction, behind the HTTP head. */
class Cutter {
  /** Whether the fault has happened. Nothing is counted any more then. */
  done = false;
  #frames = 0;
  /** Bytes of the frame under way that have passed. */
  #into = 0;
  #header: number[] = [];
  #headEnd = 0;
  /** Bytes left of the frame under way; -1 = its length is not known yet. */
  #left = -1;

  /**
   * Number of bytes of the chunk that come before the point `bytes` bytes behind frame number
   * `frames`.
   */
  upTo(chunk: Buffer, frames: number, bytes: number): number {
    if (this.done) return chunk.length;
    for (let at = 0; at < chunk.length; at++) {
      if (this.#headEnd < 4) {
        this.#headEnd = chunk[at] === [13, 10, 13, 10][this.#headEnd] ? this.#headEnd + 1 : chunk[at] === 13 ? 1 : 0;
        continue;
      }
      if (this.#frames === frames && this.#into === bytes) return at;
      this.#pass(chunk[at]!);
      // The frame was shorter than that, so its end is the point.
      if (this.#frames > frames) return at + 1;
    }
    return chunk.length;
  }

  #pass(byte: number): void {
    this.#into++;
    if (this.#left > 0) this.#left--;
    else {
      this.#header.push(byte);
      this.#left = payloadLength(this.#header);
    }
    if (this.#left !== 0) return;
    this.#frames++;
    this.#into = 0;
    this.#header = [];
    this.#left = -1;
  }
}

/** Length of the frame whose first bytes these are; -1 = the header goes on. */
function payloadLength(header: readonly number[]): number {
  if (header.length < 2) return -1;
  const short = header[1]! & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  if (header.length < 2 + extended + (header[1]! >= 0x80 ? 4 : 0)) return -1;
  return extended === 0 ? short : header.slice(2, 2 + extended).reduce((sum, byte) => sum * 256 + byte, 0);
}
