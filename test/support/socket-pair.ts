// Test support: a socket in memory whose far end is the test: it decides when bytes arrive, and how it ends.
import { Duplex } from 'node:stream';

/**
 * The near end is a Duplex for the code under test; `send`, `fin`, `reset`, `stall` and `taken` are
 * the far end.
 */
export class MemorySocket extends Duplex {
  /** Sizes of the separate writes that came through `_write` and `_writev`. */
  readonly writes: number[] = [];
  /** Whether the near end has sent FIN. */
  finished = false;
  private readonly chunks: Buffer[] = [];
  private stalled = false;
  private waiting: (() => void) | undefined = undefined;

  constructor(highWaterMark = 16_384) {
    // As node:http leaves its sockets: half-open ones must be asked for.
    super({ allowHalfOpen: false, highWaterMark, autoDestroy: true });
  }

  /** Sends bytes from the far end. They are seen at once unless reading is paused. */
  send(bytes: Buffer): void {
    this.push(bytes);
  }

  /** Sends FIN from the far end. */
  fin(): void {
    this.push(null);
  }

  /** Resets the connection from the far end. */
  reset(): void {
    this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  }

  /** Stops taking bytes at the far end. */
  stall(): void {
    this.stalled = true;
  }

  /** Takes bytes again at the far end. */
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
