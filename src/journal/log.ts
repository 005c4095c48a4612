// journal: append-only files: one write for all waiting records; the oldest file goes when no record in it is needed.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { Batch } from './codec.ts';
import { DiskSync } from './disk-sync.ts';
import type { Item, OldSegment, Segment } from './item.ts';
import { LogCounters } from './log-counters.ts';
import { newHeader, type SegmentKind, segmentName, writeHeader } from './segment.ts';

/** The file system calls of a log, which a test may let fail. */
export type Files = Pick<typeof fs, 'openSync' | 'writeSync' | 'closeSync' | 'unlinkSync' | 'fdatasync'>;

export interface LogDeps {
  readonly directory: string;
  readonly kind: SegmentKind;
  /** Size from which a new file is begun, bytes. */
  readonly segmentBytes: number;
  /** Time between two `fdatasync`, ms; 0 = never, so that the system decides. */
  readonly syncMs: number;
  readonly files?: Files;
  /** The monotonic clock, ms. */
  now(): number;
  /** The wall clock, ms since the epoch. */
  wall(): number;
  /**
   * The first record of each file, which must be known as long as any file is there. The log adds
   * the size of the file before.
   */
  opening(): object;
  /** Is called once for each time that the log breaks. Nothing is written then until `open`. */
  failed(error: unknown): void;
}

/**
 * A log in files, which never throws. Everything but `fdatasync` is synchronous: when `flush`
 * returns, the system has the records, even if the process ends.
 */
export class Log {
  readonly counters = new LogCounters();
  /** Bytes in all files, and bytes of the records that are still needed. */
  bytes = 0;
  live = 0;
  readonly #deps: LogDeps;
  readonly #files: Files;
  readonly #segments: Segment[] = [];
  readonly #batch = new Batch();
  #fd = -1;
  #nonce = 0;
  #number: number;
  /** Files up to that number are to go. */
  #renewed = 0;
  #unsynced = false;
  readonly #sync: DiskSync;

  /** Files in `old` stay until none of their records is needed. The caller calls `open` next. */
  constructor(deps: LogDeps, old: readonly OldSegment[] = []) {
    this.#deps = deps;
    this.#files = deps.files ?? fs;
    this.#sync = new DiskSync(this.#files.fdatasync, deps.now);
    this.#number = 0;
    for (const { number, bytes, items } of old) {
      const segment = { number, path: this.#pathOf(number), bytes, items: new Set(items) };
      this.#segments.push(segment);
      this.bytes += bytes;
      for (const item of segment.items) {
        item.segment = segment;
        this.live += item.bytes;
      }
      this.#number = Math.max(this.#number, number);
    }
  }

  /** Begins a new file. Answers false when that failed, after a call of `failed`. */
  open(): boolean {
    try {
      this.#begin();
      return true;
    } catch (error) {
      this.#break(error);
      return false;
    }
  }

  /** Whether the log takes no records until `open` succeeds. */
  get broken(): boolean {
    return this.#fd < 0;
  }

  /** Path of the file that is written to. */
  get path(): string | undefined {
    return this.#fd < 0 ? undefined : this.#segments.at(-1)?.path;
  }

  /** Bytes of records that wait for `flush`. */
  get waiting(): number {
    return this.#batch.length;
  }

  /**
   * Adds a record, which the next `flush` writes. Answers its size, bytes; 0 = the log is broken.
   */
  append(value: object, message?: Uint8Array): number {
    if (this.#fd < 0) return 0;
    return this.#batch.add(value, message, this.#nonce);
  }

  /**
   * Adds the whole state of `item` as a record. Older records of `item` are not needed from then
   * on.
   */
  place(item: Item, value: object, message?: Uint8Array): void {
    const bytes = this.append(value, message);
    if (bytes === 0) return;
    this.drop(item);
    const segment = this.#segments.at(-1)!;
    item.segment = segment;
    item.bytes = bytes;
    segment.items.add(item);
    this.live += bytes;
  }

  /** Marks the records of `item` as not needed. */
  drop(item: Item): void {
    const { segment } = item;
    if (segment === undefined) return;
    item.segment = undefined;
    segment.items.delete(item);
    this.live -= item.bytes;
  }

  /** Hands all records that wait to the system. */
  flush(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    const { bytes } = batch;
    const from = this.#deps.now();
    try {
      this.#write(bytes);
    } catch (error) {
      this.#break(error);
      return;
    }
    const ms = this.#deps.now() - from;
    this.counters.wrote(bytes.length, ms);
    batch.reset();
    if (this.#segments.at(-1)!.bytes >= this.#deps.segmentBytes) this.open();
  }

  /**
   * The items of the oldest file, if it should be given up now, because most records are not
   * needed; undefined = not yet.
   */
  get outdated(): ReadonlySet<Item> | undefined {
    const [oldest] = this.#segments;
    if (this.#segments.length < 2 || oldest === undefined) return undefined;
    const most = this.live * 2 + this.#deps.segmentBytes * 3;
    const moves = oldest.items.size === 0 || this.bytes > most || oldest.number <= this.#renewed;
    return moves ? oldest.items : undefined;
  }

  /**
   * Begins a new file, and has all that still holds moved to it soon: what holds no more is not on
   * the disk any longer than that.
   */
  renew(): void {
    if (this.#fd < 0) return;
    this.flush();
    this.#renewed = this.#number;
    this.open();
  }

  /** Gives the files up, for that reason. `leave`: another process has them by now. */
  give(error: Error, leave = false): void {
    this.#break(error, leave);
  }

  /**
   * Removes the oldest files of which no record is needed. Later files may hold the end of what
   * they began.
   */
  sweep(): void {
    this.flush();
    const gone: Segment[] = [];
    while (this.#segments.length > 1 && this.#segments[0]!.items.size === 0) gone.push(this.#segments.shift()!);
    if (gone.length === 0) return;
    for (const { bytes } of gone) this.bytes -= bytes;
    const remove = (): void => {
      for (const { path } of gone) this.#remove(path);
    };
    if (this.#deps.syncMs === 0) remove();
    // The records that were moved must be on the disk before their older copies go.
    else void this.synced().then(remove);
  }

  /** Starts an `fdatasync` in the background, if it is time. */
  sync(now: number): void {
    const { syncMs } = this.#deps;
    if (syncMs > 0 && this.#unsynced && !this.#sync.busy && now - this.#sync.lastAt >= syncMs) void this.synced();
  }

  /** Resolves when all flushed records are on the disk, or the disk has refused them. */
  async synced(): Promise<void> {
    if (this.#fd >= 0) void this.#startSync(this.#fd);
    await this.#sync.all();
  }

  /** Writes the records that wait, and closes the file. */
  close(): void {
    this.flush();
    this.#closeFile(true);
  }

  #begin(): void {
    const number = this.#number + 1;
    const path = this.#pathOf(number);
    // `x`: a file that is there already would be another process's.
    const fd = this.#files.openSync(path, 'ax', 0o600);
    this.#closeFile(true);
    this.#fd = fd;
    this.#number = number;
    const header = newHeader(this.#deps.wall());
    this.#nonce = header.nonce;
    const previous = this.#segments.at(-1)?.bytes ?? 0;
    this.#segments.push({ number, path, bytes: 0, items: new Set() });
    const first = new Batch(256);
    first.add({ ...this.#deps.opening(), previous }, undefined, this.#nonce);
    this.#write(Buffer.concat([writeHeader(header), first.bytes]));
  }

  #write(bytes: Buffer): void {
    const segment = this.#segments.at(-1)!;
    for (let from = 0; from < bytes.length; ) {
      const count = this.#files.writeSync(this.#fd, bytes, from, bytes.length - from);
      if (count === 0) throw new Error('a write wrote nothing');
      from += count;
      segment.bytes += count;
      this.bytes += count;
    }
    this.#unsynced = true;
  }

  /**
   * Gives up a disk that takes no more. Its files are removed, because the next process would take
   * them for the truth.
   */
  #break(error: unknown, leave = false): void {
    this.counters.failures++;
    this.#closeFile(false);
    this.#batch.reset();
    for (const { path, items } of this.#segments) {
      for (const item of items) item.segment = undefined;
      if (!leave) this.#remove(path);
    }
    this.#segments.length = 0;
    this.bytes = this.live = 0;
    this.#deps.failed(error);
  }

  #closeFile(sync: boolean): void {
    const fd = this.#fd;
    this.#fd = -1;
    if (fd < 0) return;
    const close = (): void => {
      try {
        this.#files.closeSync(fd);
      } catch {
        // The system has the records. A descriptor that cannot be closed cannot be helped.
      }
    };
    if (sync && this.#deps.syncMs > 0) void this.#startSync(fd).then(close);
    else close();
  }

  #startSync(fd: number): Promise<void> {
    this.#unsynced = false;
    return this.#sync.start(fd, (error) => {
      // A file that was given up already does not matter.
      if (fd === this.#fd) this.#break(error);
    });
  }

  #remove(path: string): void {
    try {
      this.#files.unlinkSync(path);
    } catch (error) {
      // The next process reads a file that cannot be removed: ended deliveries end again there.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.counters.failures++;
    }
  }

  #pathOf(number: number): string {
    return join(this.#deps.directory, segmentName(this.#deps.kind, number));
  }
}
