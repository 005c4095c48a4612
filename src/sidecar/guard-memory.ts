// sidecar: the memory guard of this process: bound by the machine or container, with its words in the log.
import type { Report } from '../delivery/ports.ts';
import { now } from '../time/clock.ts';
import { createMemoryGuard, type MemoryGuard } from './memory-guard.ts';
import { readMemoryLimit } from './memory-limit.ts';

/** The log, and where faults are told. */
export interface Told {
  readonly report: Report;
  readonly log: { info(fields: object, message: string): void };
}

/**
 * `share`: the part of the limit that the process may have. `shed`: sets whether LOW and NORMAL
 * events pass untracked.
 */
export function guardMemory(share: number, { report, log }: Told, shed: (on: boolean) => void): MemoryGuard {
  return createMemoryGuard({
    ...{ share, limitBytes: readMemoryLimit(), now, shed },
    fault: (text) => report({ stage: 'memory', error: new Error(text) }),
    info: (text) => log.info({ stage: 'memory' }, text),
  });
}
