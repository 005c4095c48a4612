// admin: the latest data messages of all connections, in columns: a few numbers each, written once per message.
import type { MessageDirection, MessageKind } from './shapes.ts';

/** One relayed data message. */
export interface LoggedMessage {
  readonly seq: number;
  readonly direction: MessageDirection;
  readonly kind: MessageKind;
  /** Event type or shape; undefined where the message was not read. */
  readonly type: string | undefined;
  readonly bytes: number;
  /** Monotonic ms. */
  readonly at: number;
  /** Ordinal of the message; 0 for messages of the client. */
  readonly ordinal: number;
  /** Number of its (first) delivery; 0 = none. */
  readonly delivery: number;
  readonly consumed: boolean;
  /** The payload, at most its first `PAYLOAD_BYTES`, while it is kept. */
  readonly payload: Uint8Array | undefined;
}

/** The messages of one connection: the number of the latest, and how many it had. */
export interface MessageLine {
  last: number;
  count: number;
}

export interface MessageLog {
  /** Begins (or goes on with) the messages of the connection with that number. */
  line(connection: number): MessageLine;
  /** Notes a message of the upstream. */
  toClient(
    line: MessageLine,
    isText: boolean,
    type: string | undefined,
    bytes: number,
    at: number,
    ordinal: number,
    delivery: number,
  ): void;
  /** Notes a message of the client. */
  toUpstream(line: MessageLine, isText: boolean, bytes: number, at: number): void;
  /** Notes that the latest message of the connection was a confirmation, and went no further. */
  consumed(line: MessageLine): void;
  /** Keeps a copy of the latest message, where payloads are kept. */
  payload(buf: Uint8Array, start: number, end: number): void;
  /** Number of messages of the connection that are remembered. */
  countOf(connection: number): number;
  /** Number of messages of the connection that were noted and had to be forgotten. */
  forgottenOf(connection: number): number;
  /**
   * Visits messages of the connection, newest first, numbered below `below`. Stops when `visit`
   * returns false.
   */
  each(connection: number, below: number, visit: (message: LoggedMessage) => boolean): void;
  /** Forgets the connection. Its remaining messages go with the ring. */
  release(connection: number): void;
}

export interface MessageLogOptions {
  /** Messages remembered, over all connections; 0 = none. */
  readonly capacity: number;
  /** Bytes of payload kept, over all connections; 0 = none. */
  readonly payloadBytes: number;
}

/** Bytes kept of one payload at most. */
export const PAYLOAD_BYTES = 64 * 1024;
/** Entries per block: memory is taken as it is needed. */
const BLOCK = 4096;

const TO_CLIENT = 1;
const TEXT = 2;
const CONSUMED = 4;

/** A block of messages side by side. Doubles hold numbers that outgrow 32 bits. */
class Block {
  readonly seq = new Float64Array(BLOCK);
  readonly at = new Float64Array(BLOCK);
  readonly delivery = new Float64Array(BLOCK);
  /** Number of the previous message of the same connection; 0 = none. */
  readonly previous = new Float64Array(BLOCK);
  readonly bytes = new Uint32Array(BLOCK);
  readonly ordinal = new Uint32Array(BLOCK);
  readonly flags = new Uint8Array(BLOCK);
  readonly types: (string | undefined)[] = new Array(BLOCK).fill(undefined);
}

class Ring implements MessageLog {
  readonly #capacity: number;
  readonly #payloadBytes: number;
  readonly #blocks: (Block | undefined)[];
  readonly #lines = new Map<number, MessageLine>();
  /** Blocks by message number, oldest first. */
  readonly #payloads = new Map<number, Uint8Array>();
  #kept = 0;
  /** Number of a message, before which no payload is kept. */
  #keptFrom = 1;
  /** Number of the latest message; the first is 1. */
  #seq = 0;

  constructor({ capacity, payloadBytes }: MessageLogOptions) {
    this.#capacity = Math.ceil(capacity / BLOCK) * BLOCK;
    this.#payloadBytes = payloadBytes;
    this.#blocks = new Array(this.#capacity / BLOCK).fill(undefined);
  }

  line(connection: number): MessageLine {
    let line = this.#lines.get(connection);
    if (line === undefined) {
      line = { last: 0, count: 0 };
      this.#lines.set(connection, line);
    }
    return line;
  }

  // biome-ignore lint/complexity/useMaxParams: called for every message, without an object.
  toClient(
    line: MessageLine,
    isText: boolean,
    type: string | undefined,
    bytes: number,
    at: number,
    ordinal: number,
    delivery: number,
  ): void {
    const [block, slot] = this.#note(line, TO_CLIENT | (isText ? TEXT : 0), bytes, at);
    block.types[slot] = type;
    block.ordinal[slot] = ordinal;
    block.delivery[slot] = delivery;
  }

  toUpstream(line: MessageLine, isText: boolean, bytes: number, at: number): void {
    const [block, slot] = this.#note(line, isText ? TEXT : 0, bytes, at);
    block.types[slot] = undefined;
    block.ordinal[slot] = 0;
    block.delivery[slot] = 0;
  }

  consumed({ last }: MessageLine): void {
    if (last === 0 || last <= this.#seq - this.#capacity) return;
    const place = last % this.#capacity;
    const block = this.#blocks[Math.floor(place / BLOCK)] as Block;
    block.flags[place % BLOCK]! |= CONSUMED;
  }

  #note(line: MessageLine, flags: number, bytes: number, at: number): readonly [Block, number] {
    const seq = ++this.#seq;
    const place = seq % this.#capacity;
    const slot = place % BLOCK;
    const block = this.#block((place - slot) / BLOCK);
    block.seq[slot] = seq;
    block.at[slot] = at;
    block.previous[slot] = line.last;
    block.bytes[slot] = bytes;
    block.flags[slot] = flags;
    line.last = seq;
    line.count++;
    return [block, slot];
  }

  #block(index: number): Block {
    let block = this.#blocks[index];
    if (block === undefined) {
      block = new Block();
      this.#blocks[index] = block;
    }
    return block;
  }

  payload(buf: Uint8Array, start: number, end: number): void {
    const size = Math.min(end - start, PAYLOAD_BYTES);
    if (size > this.#payloadBytes) return;
    // A copy, also of a Buffer, whose own `slice` is a view: the bytes of the next message come
    // into the same memory.
    this.#payloads.set(this.#seq, Uint8Array.prototype.slice.call(buf, start, start + size));
    this.#kept += size;
    // The first entry of the map is not asked for: finding it is slow when the map is large.
    for (; this.#kept > this.#payloadBytes || this.#keptFrom <= this.#seq - this.#capacity; this.#keptFrom++) {
      const oldest = this.#payloads.get(this.#keptFrom);
      if (oldest === undefined) continue;
      this.#payloads.delete(this.#keptFrom);
      this.#kept -= oldest.length;
    }
  }

  countOf(connection: number): number {
    let count = 0;
    this.#walk(connection, Number.POSITIVE_INFINITY, () => {
      count++;
      return true;
    });
    return count;
  }

  forgottenOf(connection: number): number {
    return (this.#lines.get(connection)?.count ?? 0) - this.countOf(connection);
  }

  each(connection: number, below: number, visit: (message: LoggedMessage) => boolean): void {
    this.#walk(connection, below, (block, slot) => {
      const flags = block.flags[slot] as number;
      const seq = block.seq[slot] as number;
      return visit({
        seq,
        direction: (flags & TO_CLIENT) !== 0 ? 'to_client' : 'to_upstream',
        kind: (flags & TEXT) !== 0 ? 'text' : 'binary',
        type: block.types[slot],
        bytes: block.bytes[slot] as number,
        at: block.at[slot] as number,
        ordinal: block.ordinal[slot] as number,
        delivery: block.delivery[slot] as number,
        consumed: (flags & CONSUMED) !== 0,
        payload: this.#payloads.get(seq),
      });
    });
  }

  release(connection: number): void {
    this.#lines.delete(connection);
  }

  #walk(connection: number, below: number, visit: (block: Block, slot: number) => boolean): void {
    let seq = this.#lines.get(connection)?.last ?? 0;
    const oldest = this.#seq - this.#capacity;
    while (seq > 0 && seq > oldest) {
      const place = seq % this.#capacity;
      const slot = place % BLOCK;
      const block = this.#blocks[(place - slot) / BLOCK] as Block;
      if (seq < below && !visit(block, slot)) return;
      seq = block.previous[slot] as number;
    }
  }
}

/** Keeps the latest messages of all connections; undefined where none are kept. */
export function createMessageLog(options: MessageLogOptions): MessageLog | undefined {
  return options.capacity > 0 ? new Ring(options) : undefined;
}
