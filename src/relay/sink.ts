// relay: a place for bytes: what the parts of a direction need of a socket.

/** A socket to write to. Writes may be corked around several calls. After `end` they vanish. */
export interface Sink {
  /** Writes bytes, which may lie in shared memory: a chunk just read, or `room`. */
  write(bytes: Buffer): void;
  /** Memory for the next write. */
  room(size: number): Buffer;
  cork(): void;
  uncork(): void;
  end(): void;
}
