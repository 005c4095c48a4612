// journal: reads the state that an earlier process left, and gives up what damage makes uncertain.
import { readFileSync, truncateSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { readEntry, readPayload } from './codec.ts';
import { refused, StoreRefused } from './directory.ts';
import { FRAME_BYTES, readFrames } from './frame.ts';
import { Image } from './image.ts';
import { Item, type OldSegment } from './item.ts';
import { FORMAT, HEADER_BYTES, readHeader, segmentName, segmentNumber } from './segment.ts';
import { LastClocks } from './store-clock.ts';

/** Counts of what could not be read. */
export interface Dropped {
  /** Files with damage, by name. */
  readonly files: string[];
  /**
   * Bytes in which no record could be read. A last record whose writing was cut short does not
   * count.
   */
  bytes: number;
  /** Records that this version does not know. */
  unknown: number;
  /**
   * Sessions and open deliveries that were given up without an outcome, because later records about
   * them may be lost.
   */
  sessions: number;
  deliveries: number;
}

export interface ReadState {
  readonly image: Image;
  /** The items of the whole records, by the key of a session or the number of a delivery. */
  readonly items: ReadonlyMap<string | number, Item>;
  readonly segments: readonly OldSegment[];
  readonly dropped: Dropped;
  /** What the latest records say of the clock of the store. */
  readonly clocks: LastClocks;
}

/**
 * Reads those files of `directory` that are among `names`. Throws `StoreRefused` for a file of a
 * newer version, and for one that cannot be read at all.
 */
export function readState(directory: string, names: readonly string[]): ReadState {
  const numbers = names
    .map((name) => segmentNumber('state', name))
    .filter((number) => number !== undefined)
    .sort((a, b) => a - b);
  const reading = new Reading();
  const segments: OldSegment[] = [];
  for (const [i, number] of numbers.entries()) {
    const name = segmentName('state', number);
    const path = join(directory, name);
    if (i > 0 && number !== numbers[i - 1]! + 1) reading.damaged(`files before ${name}`, 0);
    const buf = readFile(path);
    // The process ended before it could write the beginning of this file.
    if (buf.length < HEADER_BYTES && i === numbers.length - 1) {
      unlinkSync(path);
      continue;
    }
    const end = reading.file(name, number, buf, i === numbers.length - 1);
    // The next process appends a file. A torn end in a file before the last would be taken for
    // damage.
    if (end < buf.length) truncateSync(path, end);
    segments.push({ number, bytes: end, items: [] });
  }
  reading.giveUpUncertain();
  const { image, dropped, items, clocks } = reading;
  const held = reading.itemsByFile();
  const placed = segments.map((segment) => ({ ...segment, items: held.get(segment.number) ?? [] }));
  return { image, items, segments: placed, dropped, clocks };
}

class Reading {
  readonly image = new Image();
  readonly clocks = new LastClocks();
  readonly items = new Map<string | number, Item>();
  readonly dropped: Dropped = { files: [], bytes: 0, unknown: 0, sessions: 0, deliveries: 0 };
  readonly #segmentOf = new Map<Item, number>();
  /**
   * The file before the one that is read, with its size, bytes; undefined = there is none, or it is
   * unreadable.
   */
  #previous: { readonly name: string; readonly bytes: number } | undefined = undefined;
  /**
   * Sessions and deliveries that were open at a damaged stretch. The lost records may have been
   * about them.
   */
  readonly #uncertain = new Set<string | number>();

  /** Takes in one file. Answers its end, before a last record whose writing was cut short. */
  file(name: string, number: number, buf: Buffer, last: boolean): number {
    const header = readHeader(buf);
    if (header === undefined) {
      this.#previous = undefined;
      this.damaged(name, buf.length);
      return buf.length;
    }
    if (header.format > FORMAT)
      throw new StoreRefused(
        `${name} was written by a newer version of Ackspan (format ${header.format}, this one reads up to ${FORMAT}): start that version, or give this one a directory of its own`,
      );
    const end = readFrames(buf, Math.min(HEADER_BYTES, buf.length), header.nonce, {
      record: (from, to) => this.#record(buf, from, to, number),
      damaged: (from, to) => this.damaged(name, to - from),
    });
    if (end < buf.length && !last) this.damaged(name, buf.length - end);
    this.#previous = { name, bytes: buf.length };
    return last ? end : buf.length;
  }

  damaged(name: string, bytes: number): void {
    const { files } = this.dropped;
    if (!files.includes(name)) files.push(name);
    this.dropped.bytes += bytes;
    for (const key of this.image.sessions.keys()) this.#uncertain.add(key);
    for (const seq of this.image.open.keys()) this.#uncertain.add(seq);
  }

  giveUpUncertain(): void {
    for (const known of this.#uncertain) {
      if (typeof known === 'string' && this.image.sessions.delete(known)) this.dropped.sessions++;
      if (typeof known === 'number' && this.image.open.delete(known)) this.dropped.deliveries++;
    }
    for (const known of this.items.keys())
      if (typeof known === 'string' ? !this.image.sessions.has(known) : !this.image.open.has(known))
        this.items.delete(known);
  }

  itemsByFile(): ReadonlyMap<number, Item[]> {
    const held = new Map<number, Item[]>();
    for (const item of this.items.values()) {
      const number = this.#segmentOf.get(item)!;
      const list = held.get(number);
      if (list === undefined) held.set(number, [item]);
      else list.push(item);
    }
    return held;
  }

  #record(buf: Buffer, start: number, end: number, number: number): void {
    const payload = readPayload(buf, start, end);
    const entry = payload && readEntry(...payload);
    if (entry === undefined) {
      this.dropped.unknown++;
      return;
    }
    // The last records of the file before are missing, which only this record tells.
    if (entry.kind === 'reserved' && this.#previous !== undefined && this.#previous.bytes < entry.previous)
      this.damaged(this.#previous.name, entry.previous - this.#previous.bytes);
    this.image.apply(entry);
    this.clocks.see(entry);
    if (entry.kind !== 'session' && entry.kind !== 'tracked') return;
    // The whole record of a delivery proves that the delivery was still in flight. That of a
    // session does not say what the session has lost.
    if (entry.kind === 'tracked') this.#uncertain.delete(entry.delivery.seq);
    const item = new Item();
    item.bytes = end - start + FRAME_BYTES;
    this.#segmentOf.set(item, number);
    this.items.set(entry.kind === 'session' ? entry.session.key : entry.delivery.seq, item);
  }
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw refused(path, 'cannot be read', error);
  }
}
