// journal: forces files onto the disk itself, in the background.
import type * as fs from 'node:fs';

export class DiskSync {
  /** When one ended last, monotonic ms. */
  lastAt = 0;
  readonly #fdatasync: typeof fs.fdatasync;
  readonly #now: () => number;
  readonly #running = new Set<Promise<void>>();

  constructor(fdatasync: typeof fs.fdatasync, now: () => number) {
    this.#fdatasync = fdatasync;
    this.#now = now;
  }

  get busy(): boolean {
    return this.#running.size > 0;
  }

  /** Resolves when the file is on the disk, or cannot be (`failed`). */
  start(fd: number, failed: (error: Error) => void): Promise<void> {
    const sync = new Promise<void>((resolve) => {
      this.#fdatasync(fd, (error) => {
        this.#running.delete(sync);
        this.lastAt = this.#now();
        if (error) failed(error);
        resolve();
      });
    });
    this.#running.add(sync);
    return sync;
  }

  /** Resolves when all that are under way have ended. */
  async all(): Promise<void> {
    await Promise.all(this.#running);
  }
}
