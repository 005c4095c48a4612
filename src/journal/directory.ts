// journal: the directory of a journal: made, checked and taken for this process alone, or refused with the reason.
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Lock, Locked, takeLock } from './lock.ts';

/** The refusal of a directory, with the reason in words for the operator. */
export class StoreRefused extends Error {}

export interface StoreDirectory {
  readonly path: string;
  /** Secret of this directory, with which resume tokens are made. */
  readonly key: string;
  /** Names of the files and folders in the directory. */
  list(): string[];
  /**
   * Makes the directory, its marks and its lock again if they were removed. Throws, `Locked` where
   * another process has taken it meanwhile.
   */
  mend(): void;
  release(): void;
}

/** Name of the file that marks the directory as a store. */
const MARKER = 'ackspan-store';
const KEY = 'key';
/** Names that an unused directory may hold, such as the root of a fresh volume. */
const HARMLESS = new Set(['lost+found', 'lock']);

/** Takes the directory, and makes it if it is missing. Rejects with `StoreRefused`. */
export async function openDirectory(path: string): Promise<StoreDirectory> {
  const fd = prepare(path);
  let lock: Lock;
  try {
    lock = await takeLock(path, fd);
  } catch (error) {
    closeSync(fd);
    if (error instanceof Locked) throw new StoreRefused(error.message);
    throw refused(path, 'cannot be locked', error);
  }
  try {
    const key = ownKey(path);
    return { path, key, list: () => readdirSync(path), ...holding(path, fd, lock, key) };
  } catch (error) {
    lock.release();
    closeSync(fd);
    throw error instanceof StoreRefused ? error : refused(path, 'cannot be used', error);
  }
}

function holding(path: string, first: number, lock: Lock, key: string): Pick<StoreDirectory, 'mend' | 'release'> {
  let fd = first;
  let held = true;
  return {
    mend() {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      // A directory that was removed and made again is another one than what was opened.
      const now = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
      closeSync(fd);
      fd = now;
      lock.mend(fd);
      ownKey(path, key);
    },
    release() {
      if (!held) return;
      held = false;
      lock.release();
      closeSync(fd);
    },
  };
}

/** Opens the directory, if it is empty or a store and can be written to. Answers the descriptor. */
function prepare(path: string): number {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw refused(path, 'cannot be made', error);
  }
  let names: string[];
  try {
    names = readdirSync(path);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw refused(path, 'cannot be read and written', error);
  }
  const foreign = names.includes(MARKER) ? undefined : names.find((name) => !HARMLESS.has(name));
  if (foreign !== undefined)
    throw new StoreRefused(`${path} holds ${foreign} and no store of Ackspan: give it a directory of its own`);
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw refused(path, 'cannot be opened', error);
  }
}

/** Marks the directory as a store. Answers its secret, which is `fresh` if it had none. */
function ownKey(path: string, fresh = randomBytes(32).toString('base64url')): string {
  writeOnce(
    join(path, MARKER),
    'A store of Ackspan: sessions and messages in flight, and lost deliveries. See docs/store.md.\n',
  );
  const file = join(path, KEY);
  writeOnce(file, fresh);
  const key = readFileSync(file, 'utf8').trim();
  if (!/^[\w-]{43}$/.test(key)) throw new StoreRefused(`${file} is damaged: remove it, and clients begin new sessions`);
  return key;
}

/** Writes a file whole or not at all, unless it is there and not empty. */
function writeOnce(file: string, text: string): void {
  try {
    if (readFileSync(file, 'utf8') !== '') return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
}

/** The refusal with the system's reason, without the path, which the sentence names already. */
export function refused(path: string, what: string, error: unknown): StoreRefused {
  const { code, message } = error as NodeJS.ErrnoException;
  return new StoreRefused(`${path} ${what}: ${code ?? message}`);
}
