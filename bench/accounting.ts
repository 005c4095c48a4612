// What the kernel says a process tree has used: CPU time and resident memory, read from /proc. Linux only.
import fs from 'node:fs';

const TICK_US = 10_000; // USER_HZ is 100 on every Linux ABI

/** The process and its descendants, by id. */
export function processTree(pid: number): number[] {
  const tree = [pid];
  for (const parent of tree) {
    try {
      const children = fs.readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8');
      for (const child of children.split(' ')) if (child !== '') tree.push(Number(child));
    } catch {
      // The process has ended: it has no children, and the run fails for its own reason.
    }
  }
  return tree;
}

/**
 * User + system CPU time of those processes with all their threads, µs. Nanosecond counters where
 * the kernel keeps them, else 10 ms ticks.
 */
export function cpuMicros(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (scheduledMicros(pid) ?? tickMicros(pid)), 0);
}

function scheduledMicros(pid: number): number | undefined {
  try {
    let ns = 0;
    for (const thread of fs.readdirSync(`/proc/${pid}/task`)) {
      ns += Number(fs.readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]);
    }
    return ns / 1000;
  } catch {
    // Kernels without CONFIG_SCHED_INFO have no schedstat: the ticks serve.
    return undefined;
  }
}

/**
 * How long those processes' main threads have been ready to run while no core was free, µs; 0 where
 * the kernel does not say.
 */
export function waitMicros(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    try {
      return sum + Number(fs.readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1000;
    } catch {
      // No such figure, or no such process any more: it only tells how busy the machine was.
      return sum;
    }
  }, 0);
}

function tickMicros(pid: number): number {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  // Fields after the parenthesised name, which may hold spaces: utime is the 12th, stime the 13th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

/** Resident memory of those processes, KiB; of one that has ended, nothing. */
export function rssKiB(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    try {
      const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
      return sum + Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
    } catch {
      // It has ended: the run fails for that reason, not for this reading.
      return sum;
    }
  }, 0);
}

/** How many files one process may open (`ulimit -Hn`), which Node raises itself to. */
export function openFileLimit(): number {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return hard === undefined || hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}
