// Test support: a directory of its own for a store, and a log in it.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OldSegment } from '../../src/journal/item.ts';
import { type Files, Log, type LogDeps } from '../../src/journal/log.ts';
import { atEnd } from './backends.ts';

/** A new directory, removed at the end of the test. */
export function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ackspan-store-'));
  atEnd(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface TestLog {
  readonly log: Log;
  readonly failures: unknown[];
  names(): string[];
}

/** A log with small files that is open; time stands still. */
export function openLog(
  directory: string,
  more: Partial<LogDeps> & { old?: readonly OldSegment[]; files?: Files } = {},
): TestLog {
  const failures: unknown[] = [];
  const { old = [], ...given } = more;
  const deps: LogDeps = {
    ...{ directory, kind: 'state', segmentBytes: 4096, syncMs: 0, now: () => 1, wall: () => 1_750_000_000_000 },
    opening: () => ({ kind: 'reserved', through: 1000 }),
    failed: (error) => void failures.push(error),
    ...given,
  };
  const log = new Log(deps, old);
  log.open();
  return { log, failures, names: () => readdirSync(directory).filter((name) => name.endsWith('.log')) };
}
