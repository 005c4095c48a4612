// Storm: the sidecar's wall clock is set while it works (libfaketime). Its monotonic clock and its timers stay real.
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { now } from '../load/timing.ts';

/**
 * Every setting is a multiple of it, so that a stamp of a round shows by itself which setting it
 * was made under, ms.
 */
const UNIT_MS = 600_000;
const UNITS = 60;

export interface WallClock {
  /** For the sidecar. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets the clock up to 10 h ahead of the real one, or behind it. `toss` is in [0, 1). */
  step(toss: number): void;
  /** The real time of a stamp that the sidecar made, both in ms since the epoch. */
  real(stamp: number): number;
  close(): void;
}

/** Undefined where the library is not installed (Debian's package `faketime`). */
export function createWallClock(): WallClock | undefined {
  const library = libraryPath();
  if (library === undefined) return undefined;
  const folder = mkdtempSync(path.join(tmpdir(), 'ackspan-storm-clock-'));
  const file = path.join(folder, 'time');
  const began = now();
  const set = (seconds: number): void => {
    // Put in place as a whole: the sidecar reads it whenever it looks at its clock.
    writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(`${file}.new`, file);
  };
  set(0);
  return {
    env: {
      LD_PRELOAD: library,
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_NO_CACHE: '1',
      FAKETIME_TIMESTAMP_FILE: file,
    },
    step(toss) {
      const units = Math.floor(toss * (2 * UNITS + 1)) - UNITS;
      set((units * UNIT_MS) / 1000);
    },
    real(stamp) {
      const middle = (began + now()) / 2;
      return stamp - Math.round((stamp - middle) / UNIT_MS) * UNIT_MS;
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Where Debian puts it: /usr/lib/<architecture>/faketime. */
function libraryPath(): string | undefined {
  for (const folder of readdirSync('/usr/lib')) {
    const found = path.join('/usr/lib', folder, 'faketime');
    try {
      if (readdirSync(found).includes('libfaketimeMT.so.1')) return path.join(found, 'libfaketimeMT.so.1');
    } catch {
      // Not this architecture's folder.
    }
  }
  return undefined;
}
