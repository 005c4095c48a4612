// relay: text frames of ours on their way into the upstream's stream: between messages, or right before one, never inside.

interface Addition {
  /** Offset in the chunk under way; -1 = behind the last message that is complete. */
  readonly at: number;
  readonly frame: Buffer;
}

/** Exists only while something waits. */
export class Additions {
  private readonly list: Addition[] = [];

  /** To go between the next two messages. */
  push(frame: Buffer): void {
    this.list.push({ at: -1, frame });
  }

  /** To go before the message that begins at offset `at` of the chunk under way. Offsets ascend. */
  insert(at: number, frame: Buffer): void {
    this.list.push({ at, frame });
  }

  /** The chunk with everything that waits; `end` is the end of its last complete message. */
  joinedTo(chunk: Buffer, end: number): Buffer {
    const parts: Buffer[] = [];
    let from = 0;
    for (const { at, frame } of this.list) {
      if (at < 0) continue;
      parts.push(chunk.subarray(from, at), frame);
      from = at;
    }
    parts.push(chunk.subarray(from, end));
    for (const { at, frame } of this.list) if (at < 0) parts.push(frame);
    parts.push(chunk.subarray(end));
    return Buffer.concat(parts);
  }
}
