// journal: the files of dead letters: appended to, and removed whole when they are old or there is no more room.
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { DeadLetter } from '../delivery/dead-letters.ts';
import { Batch, readPayload } from './codec.ts';
import { readFrames } from './frame.ts';
import { isLetter } from './letter-codec.ts';
import {
  HEADER_BYTES,
  newHeader,
  readHeader,
  type SegmentHeader,
  segmentName,
  segmentNumber,
  writeHeader,
} from './segment.ts';

/** What of the file system is used to write letters; a test may let it fail. */
export type LetterFileSystem = Pick<typeof fs, 'openSync' | 'writeSync' | 'closeSync' | 'unlinkSync'>;

/** One file. */
export interface LetterFile {
  readonly number: number;
  readonly path: string;
  /** Undefined = its beginning is damaged, and nothing in it can be read. */
  readonly header: SegmentHeader | undefined;
  bytes: number;
  /** When something was last written to it, ms since the epoch. */
  lastAt: number;
  /** The number of its first letter; 0 = not known. */
  firstN: number;
}

export interface LetterFilesDeps {
  readonly directory: string;
  /** How long a letter is kept, ms; 0 = none is. */
  readonly keepMs: number;
  /** Most bytes of all files; the oldest file goes first. */
  readonly limitBytes: number;
  /** A file is not added to beyond this, bytes. */
  readonly segmentBytes: number;
  readonly files?: LetterFileSystem;
  /** Monotonic ms. */
  now(): number;
  /** ms since the epoch. */
  wall(): number;
  /** Told of each write that failed. What it held is not kept, and counted. */
  failed(error: unknown): void;
}

/**
 * A file holds letters of this share of the time that they are kept, so that what is too old does
 * not stay for long.
 */
const SHARE = 8;
/** How long no new file is tried after a failure, ms. */
const RETRY_MS = 1000;

/** Never throws, once it is there. */
export class LetterFiles {
  /** Oldest first. */
  readonly files: LetterFile[] = [];
  readonly counters = { kept: 0, failed: 0 };
  /** The latest write failed. */
  broken = false;
  /** Whether somebody reads or rewrites files: none is removed meanwhile. */
  busy = false;
  readonly #deps: LetterFilesDeps;
  readonly #system: LetterFileSystem;
  readonly #batch = new Batch(4096);
  #n: number;
  #waiting = 0;
  #fd = -1;
  #retryAt = 0;

  /**
   * Takes in the files that are among `names`; letters go on behind number `latest`. Throws when
   * one of them cannot be looked at.
   */
  constructor(deps: LetterFilesDeps, files: readonly LetterFile[], latest: number) {
    this.#deps = deps;
    this.#system = deps.files ?? fs;
    this.#n = latest;
    this.files.push(...files);
  }

  /** Bytes of all files. */
  get bytes(): number {
    return this.files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Adds a letter; it is written with the next `flush`. */
  add(letter: DeadLetter, message: Uint8Array | undefined): void {
    if (this.#deps.keepMs === 0) return;
    const file = this.#current();
    if (file === undefined) {
      this.counters.failed++;
      return;
    }
    const n = ++this.#n;
    if (file.firstN === 0) file.firstN = n;
    this.#batch.add({ n, ...letter }, message, file.header!.nonce);
    this.#waiting++;
  }

  /** Hands what was added to the system. */
  flush(): void {
    if (this.#waiting === 0) return;
    const { bytes } = this.#batch;
    const letters = this.#waiting;
    this.#waiting = 0;
    try {
      this.#write(bytes, this.files.at(-1)!);
      this.counters.kept += letters;
      this.broken = false;
    } catch (error) {
      this.counters.failed += letters;
      this.#fail(error);
    }
    this.#batch.reset();
  }

  /** Begins another file with the next letter. */
  rotate(): void {
    this.flush();
    this.#close();
  }

  /** Removes what is older than it may be, and the oldest files where there is too much. */
  expire(): void {
    const { keepMs, limitBytes } = this.#deps;
    if (this.busy) return;
    const oldest = this.#deps.wall() - keepMs;
    let bytes = this.bytes;
    while (this.files.length > 0) {
      const file = this.files[0]!;
      const tooMuch = bytes > limitBytes && this.files.length > 1;
      if (file.lastAt >= oldest && !tooMuch) return;
      if (this.files.length === 1) this.rotate();
      bytes -= file.bytes;
      this.remove(file);
    }
  }

  /** Takes a file away. */
  remove(file: LetterFile): void {
    const at = this.files.indexOf(file);
    if (at >= 0) this.files.splice(at, 1);
    try {
      this.#system.unlinkSync(file.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#deps.failed(error);
    }
  }

  /**
   * The file that is written to; a new one where the last is full, old, gone, or another process's.
   */
  #current(): LetterFile | undefined {
    const { segmentBytes, keepMs } = this.#deps;
    const wall = this.#deps.wall();
    const last = this.files.at(-1);
    if (this.#fd >= 0 && last !== undefined) {
      const full = last.bytes + this.#batch.length > segmentBytes;
      if (!full && wall - last.header!.createdAt < keepMs / SHARE) return last;
      this.rotate();
    }
    if (this.#deps.now() < this.#retryAt) return undefined;
    return this.#begin(wall);
  }

  #begin(wall: number): LetterFile | undefined {
    const number = (this.files.at(-1)?.number ?? 0) + 1;
    const path = join(this.#deps.directory, segmentName('lost', number));
    const header = newHeader(wall);
    const file: LetterFile = { number, path, header, bytes: 0, lastAt: wall, firstN: 0 };
    try {
      this.#fd = this.#system.openSync(path, 'ax', 0o600);
      this.files.push(file);
      this.#write(writeHeader(header), file);
      return file;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #write(bytes: Buffer, file: LetterFile): void {
    for (let from = 0; from < bytes.length; ) {
      const count = this.#system.writeSync(this.#fd, bytes, from, bytes.length - from);
      if (count === 0) throw new Error('a write wrote nothing');
      from += count;
      file.bytes += count;
    }
    file.lastAt = this.#deps.wall();
  }

  /** What is on the disk stays; a later letter tries a new file. */
  #fail(error: unknown): void {
    this.broken = true;
    this.#retryAt = this.#deps.now() + RETRY_MS;
    const opened = this.#fd >= 0;
    this.#close();
    const last = this.files.at(-1);
    if (opened && last !== undefined && last.bytes <= HEADER_BYTES) this.remove(last);
    this.#deps.failed(error);
  }

  #close(): void {
    if (this.#fd < 0) return;
    try {
      this.#system.closeSync(this.#fd);
    } catch {
      // What was written is the system's by now.
    }
    this.#fd = -1;
  }
}

/** The files that are among `names`, oldest first. Throws when one cannot be looked at. */
export function letterFilesIn(directory: string, names: readonly string[]): LetterFile[] {
  const files: LetterFile[] = [];
  for (const name of names) {
    const number = segmentNumber('lost', name);
    if (number === undefined) continue;
    const path = join(directory, name);
    const { size, mtimeMs } = fs.statSync(path);
    files.push({ number, path, header: headerOf(path), bytes: size, lastAt: mtimeMs, firstN: 0 });
  }
  return files.sort((a, b) => a.number - b.number);
}

function headerOf(path: string): SegmentHeader | undefined {
  const buf = Buffer.alloc(HEADER_BYTES);
  const fd = fs.openSync(path, 'r');
  try {
    const count = fs.readSync(fd, buf, 0, HEADER_BYTES, 0);
    return readHeader(buf.subarray(0, count));
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * What is known of the latest letters: the highest number, and the letters of the latest file that
 * holds any.
 */
export function latestLetters(files: readonly LetterFile[]): { readonly n: number; readonly letters: DeadLetter[] } {
  for (const { path, header } of [...files].reverse()) {
    if (header === undefined) continue;
    const letters: DeadLetter[] = [];
    let latest = 0;
    const buf = fs.readFileSync(path);
    readFrames(buf, HEADER_BYTES, header.nonce, {
      record(start, end) {
        const value = readPayload(buf, start, end)?.[0];
        if (!isLetter(value)) return;
        latest = Math.max(latest, value.n);
        letters.push(value);
      },
      damaged() {},
    });
    if (latest > 0) return { n: latest, letters };
  }
  return { n: 0, letters: [] };
}
