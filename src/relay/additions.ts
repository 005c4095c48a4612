// relay: text frames of ours that wait for their place in the upstream's stream: between messages, or before one.

interface Addition {
  /** Offset in the chunk under way; -1 = after the last complete message. */
  readonly at: number;
  readonly frame: Buffer;
}

/** Text frames that wait. It exists only while one does. */
export class Additions {
  readonly #list: Addition[] = [];

  /** Adds a frame that goes between the next two messages. */
  push(frame: Buffer): void {
    this.#list.push({ at: -1, frame });
  }

  /**
   * Adds a frame that goes before the message at offset `at` of the chunk under way. Offsets
   * ascend.
   */
  insert(at: number, frame: Buffer): void {
    this.#list.push({ at, frame });
  }

  /** The chunk with all frames that wait. `end` is the end of its last complete message. */
  joinedTo(chunk: Buffer, end: number): Buffer {
    const parts: Buffer[] = [];
    let from = 0;
    for (const { at, frame } of this.#list) {
      if (at < 0) continue;
      parts.push(chunk.subarray(from, at), frame);
      from = at;
    }
    parts.push(chunk.subarray(from, end));
    for (const { at, frame } of this.#list) if (at < 0) parts.push(frame);
    parts.push(chunk.subarray(end));
    return Buffer.concat(parts);
  }
}
