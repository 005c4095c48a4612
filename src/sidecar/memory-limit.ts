// sidecar: how much memory the process may have: by its control group, else the machine's. Read once, at the start.
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** Where to look; the defaults are Linux's. */
export interface MemorySources {
  /** Where the control groups are mounted. */
  readonly mount?: string;
  /** Which groups the process is in: lines `id:controllers:/path` (cgroups(7)). */
  readonly groups?: string;
  /** Memory of the machine, bytes. */
  readonly total?: number;
}

/**
 * The smallest limit of the process's own groups and those above them, bytes. In a container the
 * path of a group may be the host's. Then the mount's own root is the container's group.
 */
export function readMemoryLimit(sources: MemorySources = {}): number {
  const { mount = '/sys/fs/cgroup', groups = '/proc/self/cgroup', total = totalmem() } = sources;
  let limit = total;
  for (const file of limitFiles(mount, read(groups))) {
    const bytes = Number(read(file));
    if (bytes > 0 && bytes < limit) limit = bytes;
  }
  return limit;
}

function limitFiles(mount: string, groups: string): string[] {
  const files = [`${mount}/memory.max`, `${mount}/memory/memory.limit_in_bytes`];
  for (const line of groups.split('\n')) {
    const [id, controllers, path] = line.split(':', 3);
    if (path === undefined) continue;
    if (id === '0') files.push(...upwards(path).map((each) => `${mount}${each}/memory.max`));
    else if (controllers!.split(',').includes('memory'))
      files.push(...upwards(path).map((each) => `${mount}/memory${each}/memory.limit_in_bytes`));
  }
  return files;
}

/** `/a/b` → `/a/b`, `/a`. */
function upwards(path: string): string[] {
  const paths: string[] = [];
  for (let each = path; each.length > 1; each = each.slice(0, each.lastIndexOf('/'))) paths.push(each);
  return paths;
}

/** The text of a file; '' where there is no such file, as for most of them. */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch {
    // The machine has another version of control groups, or is another system.
    return '';
  }
}
