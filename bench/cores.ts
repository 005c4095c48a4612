// One core for the proxy, the others for the load: neither displaces the other from its core or from its caches.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

let prefix: readonly string[] | undefined;

/**
 * Moves this process, and with it everything it starts from here on, off the first core that it may
 * use. Returns what to put before a proxy's command, so that it runs on that core alone; nothing
 * where there is one core only, or no `taskset`.
 */
export function divideCores(): readonly string[] {
  prefix ??= divide();
  return prefix;
}

function divide(): readonly string[] {
  const [first, ...others] = allowedCores();
  if (first === undefined || others.length === 0) return [];
  const { status } = spawnSync('taskset', ['-a', '-c', '-p', others.join(','), String(process.pid)]);
  return status === 0 ? ['taskset', '-c', String(first)] : [];
}

/** From the kernel's list, such as `0-3,8`. */
function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [from, to = from] = range.split('-').map(Number) as [number, number?];
    return Array.from({ length: to! - from + 1 }, (_, i) => from + i);
  });
}
