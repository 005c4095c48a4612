// Test support: a socket in memory whose far end is the test: it decides when bytes arrive, when they are taken, and how it ends.
import { Duplex } from 'node:stream';

/** The near end is a Duplex for the code under test; `send`, `fin`, `reset`, `stall` and `taken` are the far end. */
export class MemorySocket extends Duplex {
  /** Sizes of the separate writes that came through `_write` and `_writev`. */
  readonly writes: number[] = [];
  /** The near end has sent FIN. */
  finished = false;
  private readonly chunks: Buffer[] = [];
  private stalled = false;
  private waiting: (() => void) | undefined = undefined;

  constructor(highWaterMark = 16_384) {
    // As node:http leaves its sockets: whoever wants half-open ones must say so.
    super({ allowHalfOpen: false, highWaterMark, autoDestroy: true });
  }

  /** The far end sends bytes; they are seen at once unless reading is paused. */
  send(bytes: Buffer): void {
    this.push(bytes);
  }

  /** The far end sends FIN. */
  fin(): void {
    this.push(null);
  }

  /** The far end resets the connection. */
  reset(): void {
    this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  }

  /** The far end takes no more bytes. */
  stall(): void {
    this.stalled = true;
  }

  /** It takes bytes again. */
  unstall(): void {
    this.stalled = false;
    const waiting = this.waiting;
    this.waiting = undefined;
    waiting?.();
  }

  /** All bytes that the far end has got so far. */
  taken(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** Forgets the bytes got so far, and returns them. */
  drain(): Buffer {
    const bytes = this.taken();
    this.chunks.length = 0;
    return bytes;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error) => void): void {
    this.deliver([chunk], callback);
  }

  override _writev(chunks: { chunk: Buffer }[], callback: (error?: Error) => void): void {
    this.deliver(
      chunks.map(({ chunk }) => chunk),
      callback,
    );
  }

  override _final(callback: (error?: Error) => void): void {
    this.whenTaking(() => {
      this.finished = true;
      callback();
    });
  }

  private deliver(chunks: Buffer[], callback: () => void): void {
    this.whenTaking(() => {
      for (const chunk of chunks) this.chunks.push(Buffer.from(chunk));
      this.writes.push(chunks.length);
      callback();
    });
  }

  private whenTaking(action: () => void): void {
    if (this.stalled) this.waiting = action;
    else action();
  }
}

/** Lets every event that is due happen. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
