// journal: dead letters in files of a store's directory: what an earlier process wrote, and what is added to it.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DeadLetter, DeadLetters } from '../delivery/dead-letters.ts';
import type { Report } from '../delivery/ports.ts';
import { refused } from './directory.ts';
import type { OutcomeEntry } from './entry.ts';
import { LetterFiles, type LetterFilesDeps, latestLetters, letterFilesIn } from './letter-files.ts';
import { createLetterSearch } from './letter-search.ts';

export interface FileLettersDeps extends Omit<LetterFilesDeps, 'failed'> {
  /** Files in the directory. */
  readonly names: readonly string[];
  readonly report: Report;
  /** Called after a purge. */
  purged(): void;
}

export interface FileLetters extends DeadLetters {
  /** Why letters cannot be written down just now; undefined = they can. */
  readonly degraded: string | undefined;
  /** How an earlier process lost that delivery, if its latest letters say that it did. */
  wasLost(seq: number, session: string): OutcomeEntry | undefined;
  /** On each beat. */
  look(): void;
  /** The directory was made anew: what is open there is nobody's. */
  anew(): void;
  /** Resolves when whoever reads or purges is done, and nothing is written any more. */
  close(): Promise<void>;
}

/** Takes in the files that are there. Throws `StoreRefused` where one cannot be read. */
export function openFileLetters(deps: FileLettersDeps): FileLetters {
  const { directory, names, report, keepMs, wall, purged } = deps;
  let reason: string | undefined;
  const failed = (error: unknown): void => {
    const { code, message } = error as NodeJS.ErrnoException;
    const before = reason;
    reason = code ?? message;
    if (before !== undefined) return;
    report({ stage: 'store', error: new Error(`dead letters cannot be written down: ${reason}`) });
  };
  const { old, latest } = readEarlier(directory, names);
  const lost = new Map(latest.letters.map((letter) => [`${letter.seq} ${letter.session}`, letter]));
  const files = new LetterFiles({ ...deps, failed }, old, latest.n);
  const box = createLetterSearch({ files, keepMs, wall, purged });
  let closed = false;
  return {
    ...box,
    add(letter, message) {
      if (!closed) files.add(letter, message);
    },
    handOver() {
      if (closed) return;
      files.flush();
      if (!files.broken) reason = undefined;
    },
    get counters() {
      return files.counters;
    },
    get bytes() {
      return files.bytes;
    },
    get degraded() {
      return reason === undefined ? undefined : `dead letters cannot be written down: ${reason}`;
    },
    wasLost(seq, session) {
      const letter = lost.get(`${seq} ${session}`);
      return letter && outcomeOf(letter);
    },
    look() {
      if (!closed) files.expire();
    },
    anew: () => files.rotate(),
    async close() {
      closed = true;
      files.rotate();
      // A read or a purge under way comes to its end first.
      await box.find({ since: Number.POSITIVE_INFINITY }, { limit: 1, messages: false });
    },
  };
}

function readEarlier(directory: string, names: readonly string[]) {
  try {
    // A purge that was interrupted.
    for (const name of names) if (/^lost-\d+\.log\.new$/.test(name)) rmSync(join(directory, name), { force: true });
    const old = letterFilesIn(directory, names);
    return { old, latest: latestLetters(old) };
  } catch (error) {
    throw refused(directory, 'has dead letters that cannot be read', error);
  }
}

function outcomeOf(letter: DeadLetter): OutcomeEntry {
  const { status, errorType, level, errorText, receivedAt, settledAt, attempts } = letter;
  return {
    ...{ status, errorType, unverified: '', level, errorText, receivedAt, settledAt },
    attempts: attempts.length + 1,
  };
}
