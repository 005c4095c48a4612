// relay: the Close frame that ends the client's stream, kept back while its application has words to say (W22).
import { patiently, type Wait } from '../time/patience.ts';

/**
 * What may follow a Close frame and is kept with it, bytes: nothing does, in a stream that keeps to
 * RFC 6455 §5.5.1.
 */
const KEPT_BYTES = 64 * 1024;

/** Exists while a Close frame is kept back. */
export class LastFrame {
  #bytes: Buffer;
  #wait: Wait | undefined;
  readonly #write: (bytes: Buffer) => void;

  /**
   * The frame, or its beginning, goes out after `ms` at the latest. `write`: called once, with all
   * that was kept.
   */
  constructor(bytes: Buffer, ms: number, write: (bytes: Buffer) => void) {
    // The chunk lies in memory that is used again.
    this.#bytes = Buffer.from(bytes);
    this.#write = write;
    this.#wait = patiently(ms, () => this.letGo());
  }

  /** More has come behind it. */
  add(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (this.#bytes.length > KEPT_BYTES) this.letGo();
  }

  letGo(): void {
    if (this.#wait === undefined) return;
    this.drop();
    this.#write(this.#bytes);
  }

  /** Forgets the frame: no client is there any more. */
  drop(): void {
    this.#wait?.cancel();
    this.#wait = undefined;
  }
}
