// cli: whether the store that a configuration names can be reached, and is safe to put something into.
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { type Finding, finding } from './finding.ts';
import { checkRedis } from './redis.ts';

type StoreAt = Config['store']['at'];
type Check<Kind> = (
  at: Extract<StoreAt, { readonly kind: Kind }>,
  store: Config['store'],
) => Finding[] | Promise<Finding[]>;

/** One check for each kind of store: a new kind does not compile without. */
const CHECKS: { readonly [Kind in StoreAt['kind']]: Check<Kind> } = {
  memory: () => [],
  file: ({ directory }, { keepBytes }) => [...checkWritable(directory), ...checkRoom(directory, keepBytes)],
  redis: (at, { ca }) => checkRedis({ ...at, ca: ca?.pem }),
};

/** What is found of the store, from this machine: it has to be the one that the sidecar runs on. */
export async function checkStore(store: Config['store']): Promise<Finding[]> {
  const check = CHECKS[store.at.kind] as Check<StoreAt['kind']>;
  return check(store.at as never, store);
}

/**
 * What a disk takes is seen by giving it something: rights alone say nothing of a full or a
 * read-only one.
 */
function checkWritable(directory: string): Finding[] {
  if (!existsSync(directory)) return [checkMakeable(directory)];
  const path = join(directory, `check-${process.pid}.tmp`);
  let fd: number | undefined;
  try {
    fd = openSync(path, 'wx', 0o600);
    writeSync(fd, Buffer.alloc(4096));
    fsyncSync(fd);
    return [finding('store', 'good', `${directory} takes what is written to it.`)];
  } catch (error) {
    const { code = 'an error' } = error as NodeJS.ErrnoException;
    return [
      finding(
        'store',
        'bad',
        `${directory} cannot be written to: ${code}.`,
        ADVICE[code] ?? 'Give the sidecar a directory that it can write to.',
      ),
    ];
  } finally {
    if (fd !== undefined) {
      closeSync(fd);
      unlinkSync(path);
    }
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'Let the user that the sidecar runs as own the directory (in Kubernetes: fsGroup).',
  EPERM: 'Let the user that the sidecar runs as own the directory (in Kubernetes: fsGroup).',
  EROFS: 'Mount a volume there: the file system is read-only.',
  ENOSPC: 'Make room on the disk, or give the store a volume of its own.',
  EDQUOT: 'Raise the quota of the user that the sidecar runs as.',
  ENOTDIR: 'It is a file, or lies below one: name a directory.',
};

/** The sidecar makes its directory, where it may. */
function checkMakeable(directory: string): Finding {
  let parent = dirname(directory);
  while (!existsSync(parent)) parent = dirname(parent);
  try {
    accessSync(parent, constants.W_OK | constants.X_OK);
    return finding('store', 'good', `${directory} is not there yet, and can be made.`);
  } catch {
    return finding(
      'store',
      'bad',
      `${directory} is not there, and cannot be made in ${parent}.`,
      'Make it, for the user that the sidecar runs as.',
    );
  }
}

/** What the files of sessions may take beside the dead letters, bytes. */
const ROOM = 256 * 1024 * 1024;

function checkRoom(directory: string, keepBytes: number): Finding[] {
  if (!existsSync(directory)) return [];
  const { bavail, bsize } = statfsSync(directory);
  const [free, wanted] = [bavail * bsize, keepBytes + ROOM];
  if (free >= wanted) return [];
  const shown = (bytes: number): string => `${Math.floor(bytes / 1024 / 1024)} MiB`;
  return [
    finding(
      'store_room',
      'note',
      `${shown(free)} are free at ${directory}; dead letters alone may take store.keep_bytes (${shown(keepBytes)}).`,
      'Make room, or lower store.keep_bytes. A full disk costs the store, not the traffic.',
    ),
  ];
}
