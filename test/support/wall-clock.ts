// Test support: a child process's clocks in the test's hands (libfaketime): its wall clock alone, or all of them.
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd } from './backends.ts';

export interface WallClock {
  /** Environment of the child. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets the child's wall clock so many seconds ahead of the real one, at once. */
  set(seconds: number): void;
  /** The child's wall clock, ms since the epoch. */
  now(): number;
}

/** The variable that tells a process that its clocks are fast. */
const TIMES = 'ACKSPAN_TEST_CLOCK_RATE';

/** Starts the child's clock `seconds` ahead. Ask `missing('faketime')` first. */
export function wallClock(seconds = 0): WallClock {
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-clock-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'time');
  let ahead = seconds;
  const set = (to: number): void => {
    ahead = to;
    // The file is put in place as a whole: the child reads it whenever it looks at its clock.
    writeFileSync(`${file}.new`, `${to < 0 ? '' : '+'}${to}\n`);
    renameSync(`${file}.new`, file);
  };
  set(seconds);
  return {
    env: {
      LD_PRELOAD: libraryPath(),
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_NO_CACHE: '1',
      FAKETIME_TIMESTAMP_FILE: file,
    },
    set,
    now: () => Date.now() + ahead * 1000,
  };
}

/**
 * Environment in which all clocks of a process, its timers, and those of its children run so many
 * times as fast as real ones. Each process starts at the real time.
 */
export function fastClocks(times: number): Readonly<Record<string, string>> {
  // Before the allocator that Debian's Redis is linked with, which looks at the clock too early.
  return { LD_PRELOAD: `${libraryPath()}:libc.so.6`, FAKETIME: `+0 x${times}`, [TIMES]: String(times) };
}

/** How many times as fast as real ones the clocks of this process run. */
export const clockRate = (): number => Number(process.env[TIMES] ?? 1);

/** For a child whose environment is made from nothing: what makes its clocks run as ours do. */
export function ownClocks(): Readonly<Record<string, string>> {
  return process.env[TIMES] === undefined ? {} : fastClocks(clockRate());
}

/** Where Debian puts it: /usr/lib/<architecture>/faketime. */
function libraryPath(): string {
  for (const folder of readdirSync('/usr/lib')) {
    const found = join('/usr/lib', folder, 'faketime');
    try {
      if (readdirSync(found).includes('libfaketimeMT.so.1')) return join(found, 'libfaketimeMT.so.1');
    } catch {
      // The folder is not of this architecture.
    }
  }
  throw new Error('libfaketimeMT.so.1 is not there: is the package faketime installed?');
}
