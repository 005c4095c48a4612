// journal: the directory of a journal: made, judged and taken for this process alone, or refused with the reason.
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

/** The directory cannot be used, and why: for the operator. */
export class StoreRefused extends Error {}

export interface StoreDirectory {
  readonly path: string;
  /** A secret of this directory, for resume tokens. */
  readonly key: string;
  /** Files and folders in it. */
  list(): string[];
  /** Makes what must be in it again, should somebody have removed it. Throws. */
  mend(): void;
  release(): void;
}

/** Says whose directory it is. */
const MARKER = 'ackspan-store';
const KEY = 'key';
/** What may lie in a directory that nobody has used: the root of a fresh volume has it. */
const HARMLESS = new Set(['lost+found', 'lock']);

/** Takes the directory, which is made if it is missing. Rejects with `StoreRefused`. */
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
    const mend = (): void => {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      ownKey(path, key);
    };
    return { path, key, list: () => readdirSync(path), mend, ...holding(fd, lock) };
  } catch (error) {
    holding(fd, lock).release();
    throw error instanceof StoreRefused ? error : refused(path, 'cannot be used', error);
  }
}

function holding(fd: number, lock: Lock): Pick<StoreDirectory, 'release'> {
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      lock.release();
      closeSync(fd);
    },
  };
}

/** An open descriptor of the directory, which is ours or nobody's, and can be written to. */
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

/** Marks the directory as ours, and answers its secret, which is `fresh` if it has none. */
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

/** Leaves a file alone that is there and holds something. What is written is there whole or not at all. */
function writeOnce(file: string, text: string): void {
  try {
    if (readFileSync(file, 'utf8') !== '') return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
}

/** The reason as the system gives it, without the path that is named already. */
export function refused(path: string, what: string, error: unknown): StoreRefused {
  const { code, message } = error as NodeJS.ErrnoException;
  return new StoreRefused(`${path} ${what}: ${code ?? message}`);
}
