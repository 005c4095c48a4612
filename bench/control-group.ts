// A control group with a limit on memory, where this machine lets one be made: version 2, else version 1. Linux, as root.
import fs from 'node:fs';
import path from 'node:path';

export interface Group {
  readonly version: 1 | 2;
  /** The file to which a process writes its id to join. */
  readonly procs: string;
  /** The most that was in use, bytes. */
  peak(): number;
  /** When nobody is in it any more. */
  remove(): void;
}

const MOUNT = '/sys/fs/cgroup';
const KINDS = [
  { version: 2, parent: MOUNT, limit: 'memory.max', peak: 'memory.peak' },
  { version: 1, parent: path.join(MOUNT, 'memory'), limit: 'memory.limit_in_bytes', peak: 'memory.max_usage_in_bytes' },
] as const;

/** Undefined where none can be made. */
export function createGroup(bytes: number): Group | undefined {
  for (const { version, parent, limit, peak } of KINDS) {
    const folder = path.join(parent, `ackspan-bench-${process.pid}`);
    try {
      if (!fs.existsSync(path.join(parent, 'cgroup.procs'))) continue;
      fs.mkdirSync(folder);
    } catch {
      // No right to, or mounted read-only.
      continue;
    }
    const remove = (): void => fs.rmdirSync(folder);
    try {
      fs.writeFileSync(path.join(folder, limit), String(bytes), { flag: 'r+' });
    } catch {
      // The memory controller is not handed on to groups here.
      remove();
      continue;
    }
    return {
      version,
      procs: path.join(folder, 'cgroup.procs'),
      peak: () => Number(fs.readFileSync(path.join(folder, peak), 'latin1')),
      remove,
    };
  }
  return undefined;
}
