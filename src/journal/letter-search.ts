// journal: dead letters for people: searched newest first, and purged by user, in slices between turns.
import { open, readFile, rename, unlink, utimes } from 'node:fs/promises';
import {
  type DeadLetterBox,
  type FoundLetter,
  isOwnedBy,
  type LetterFilter,
  type LetterOwner,
  type LetterPage,
  wantsLetter,
} from '../delivery/dead-letters.ts';
import { readPayload } from './codec.ts';
import { FRAME_BYTES, readFrames } from './frame.ts';
import { isLetter, type NumberedLetter } from './letter-codec.ts';
import type { LetterFile, LetterFiles } from './letter-files.ts';
import { HEADER_BYTES } from './segment.ts';

export interface LetterSearchDeps {
  readonly files: LetterFiles;
  /** Older letters are not shown, ms. */
  readonly keepMs: number;
  /** ms since the epoch. */
  wall(): number;
  /** Called after a purge: other files may hold messages of that user that are needed no more. */
  purged(): void;
}

/** Records looked at between two turns of the event loop: about a millisecond. */
const SLICE = 200;
/** A letter's number in base 36. */
const CURSOR = /^[0-9a-z]{1,10}$/;

/** One reader or purge at a time; others wait. */
export function createLetterSearch({ files, keepMs, wall, purged }: LetterSearchDeps): DeadLetterBox {
  let last: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = async (): Promise<T> => {
      files.flush();
      files.busy = true;
      try {
        return await work();
      } finally {
        files.busy = false;
      }
    };
    const result = last.then(run, run);
    last = result.catch(() => {});
    return result;
  }

  async function find(filter: LetterFilter, { after, limit, messages }: LetterPage) {
    const before = after === undefined ? Number.POSITIVE_INFINITY : Number.parseInt(after, 36);
    const found: FoundLetter[] = [];
    const wanted = { ...filter, since: Math.max(filter.since ?? 0, wall() - keepMs) };
    for (const file of [...files.files].reverse()) {
      // Everything in it ended before. Older files may have later times: the clock was set back.
      if (file.lastAt < wanted.since) continue;
      if (file.firstN >= before) continue;
      await eachNewest(file, filter.user ?? filter.claimedUser, (letter, message) => {
        if (letter.n >= before || !wantsLetter(wanted, letter)) return true;
        const { n, ...rest } = letter;
        const copy = messages && message.length > 0 ? Buffer.from(message) : undefined;
        found.push({ letter: rest, messageBytes: message.length, message: copy, cursor: n.toString(36) });
        return found.length <= limit;
      });
      if (found.length > limit) break;
    }
    return { found: found.slice(0, limit), more: found.length > limit };
  }

  async function purge(owner: LetterOwner): Promise<number> {
    files.rotate();
    let removed = 0;
    // Not those that are begun meanwhile: they are being written to.
    for (const file of [...files.files]) removed += await purgeFile(files, file, owner);
    purged();
    return removed;
  }

  return {
    find: (filter, page) => inTurn(() => find(filter, page)),
    isCursor: (text) => CURSOR.test(text),
    wall,
    purge: (owner) => inTurn(() => purge(owner)),
  };
}

/** Where the payloads of a file's records are, in order. Damaged stretches are left out. */
async function framesOf(file: LetterFile): Promise<{ buf: Buffer; frames: [start: number, end: number][] }> {
  const frames: [number, number][] = [];
  const buf = await readFile(file.path).catch((error: NodeJS.ErrnoException) => {
    // The file was removed meanwhile, with all that was in it.
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  if (file.header !== undefined)
    readFrames(buf, Math.min(HEADER_BYTES, buf.length), file.header.nonce, {
      record: (start, end) => void frames.push([start, end]),
      damaged() {},
    });
  return { buf, frames };
}

/**
 * Shows a file's letters, newest first, until `visit` answers false. With a user, letters of others
 * may be left out.
 */
async function eachNewest(
  file: LetterFile,
  user: string | undefined,
  visit: (letter: NumberedLetter, message: Buffer) => boolean,
): Promise<void> {
  const { buf, frames } = await framesOf(file);
  const name = user === undefined ? undefined : Buffer.from(JSON.stringify(user));
  for (let i = frames.length - 1; i >= 0; i--) {
    if (i % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
    const [start, end] = frames[i]!;
    // The first one is read whoever it is about: a later page may leave the file out by its number.
    if (i > 0 && name !== undefined && !buf.subarray(start, end).includes(name)) continue;
    const payload = readPayload(buf, start, end);
    if (payload === undefined || !isLetter(payload[0])) continue;
    if (i === 0) file.firstN = payload[0].n;
    if (!visit(payload[0], payload[1])) return;
  }
}

/** Writes the file anew without the letters of that owner; what is damaged in it goes too. */
async function purgeFile(files: LetterFiles, file: LetterFile, owner: LetterOwner): Promise<number> {
  if (file.header === undefined) {
    // Nothing in it can be read, and it may hold something of the owner.
    files.remove(file);
    return 0;
  }
  const { buf, frames } = await framesOf(file);
  const rest: Buffer[] = [buf.subarray(0, HEADER_BYTES)];
  let removed = 0;
  for (const [i, [start, end]] of frames.entries()) {
    if (i % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
    const value = readPayload(buf, start, end)?.[0];
    if (isLetter(value) && isOwnedBy(owner, value)) removed++;
    else rest.push(buf.subarray(start - FRAME_BYTES, end));
  }
  const bytes = rest.reduce((sum, { length }) => sum + length, 0);
  if (bytes === buf.length) return 0;
  if (rest.length === 1) {
    files.remove(file);
    return removed;
  }
  await replace(file, Buffer.concat(rest));
  file.bytes = bytes;
  return removed;
}

/** What is in the file afterwards has not become younger. */
async function replace(file: LetterFile, bytes: Buffer): Promise<void> {
  const path = `${file.path}.new`;
  const handle = await open(path, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
    await handle.close();
    await utimes(path, file.lastAt / 1000, file.lastAt / 1000);
    await rename(path, file.path);
  } catch (error) {
    await handle.close().catch(() => {});
    await unlink(path).catch(() => {});
    throw error;
  }
}
