// journal: the store in a directory: what an earlier process left there, and a journal that goes on after it.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { DeadLetters } from '../delivery/dead-letters.ts';
import type { Delivery } from '../delivery/record.ts';
import { written } from './codec.ts';
import { openDirectory, type StoreDirectory } from './directory.ts';
import type { DeliveryEntry, Entry, SessionEntry } from './entry.ts';
import { type FileLetters, openFileLetters } from './file-letters.ts';
import type { OpenDelivery } from './image.ts';
import { Item } from './item.ts';
import { LetterScribe } from './letter-scribe.ts';
import { Locked } from './lock.ts';
import { type Files, Log } from './log.ts';
import { type Dropped, type ReadState, readState } from './read-state.ts';
import { Scribe, type ScribeDeps } from './scribe.ts';
import { StoreClock } from './store-clock.ts';

export interface FileStoreOptions {
  readonly directory: string;
  /** See `ScribeDeps`. */
  readonly afterMs: number;
  /** Time between two syncs of the disk, ms; 0 = never. */
  readonly syncMs: number;
  /** How long dead letters are kept, ms; and most bytes of them. */
  readonly keepMs: number;
  readonly keepBytes: number;
}

export interface FileStoreDeps extends Pick<ScribeDeps, 'wallOf' | 'eachOpen' | 'report'> {
  /** The highest number that a delivery of this process has. */
  latest(): number;
  /** The monotonic clock, ms. */
  now(): number;
  /** The wall clock, ms since the epoch. */
  wall(): number;
  /** 32 hex digits; undefined = the delivery has no recorded span. */
  traceId(delivery: Delivery): string | undefined;
  /** A test may let it fail. */
  readonly files?: Files;
  /** Size of one file, bytes. Default 4 MiB. */
  readonly segmentBytes?: number;
}

/** The state that an earlier process left. */
export interface Left {
  readonly sessions: readonly { readonly entry: SessionEntry; readonly item: Item }[];
  /** Deliveries in flight, by the key of their session. */
  readonly deliveries: ReadonlyMap<string, readonly (OpenDelivery & { readonly item: Item })[]>;
  readonly dropped: Dropped;
  /** Highest number of an earlier delivery. Deliveries of this process get higher ones. */
  readonly highest: number;
}

export interface FileStore {
  readonly journal: Scribe;
  readonly left: Left;
  /** By which its records are dated. */
  readonly clock: StoreClock;
  /** Secret that outlives the process, with which resume tokens are made. */
  readonly secrets: readonly [string];
  /**
   * Tells deliveries of this store from those of others, over all its processes: 5 letters and
   * digits.
   */
  readonly name: string;
  /** Why not everything outlives the process just now; undefined = it does. */
  readonly degraded: string | undefined;
  /** Whether the next process can go on with the sessions that this one leaves now. */
  handsOver(): boolean;
  readonly counters: StoreCounters;
  readonly deadLetters: DeadLetters;
  /** Bytes of state on the disk. */
  readonly bytes: number;
  /** Does what is due; for each beat with its time, monotonic ms. */
  look(now: number): void;
  /** Writes the records that wait, and gives the directory back. */
  close(): Promise<void>;
}

/** Figures since the start of the process. */
export interface StoreCounters {
  /** Calls that write to a file: those that succeeded, those that failed, and the bytes. */
  readonly writes: number;
  readonly failures: number;
  readonly written: number;
  /** Time for which slow writes held up the event loop, ms. */
  readonly stalledMs: number;
}

const SEGMENT_BYTES = 4 * 1024 * 1024;
/**
 * Numbers of deliveries that are reserved at a time, so that the number of a delivery that was not
 * written down is never given twice.
 */
const RESERVED = 1_000_000;
/** First and longest wait after a failure before the disk is tried again, ms. */
const [RETRY_MS, MAX_RETRY_MS] = [1000, 30_000];
/** Time between two looks at whether the file is still there, ms. */
const CHECK_MS = 5000;

/** Takes the directory and reads what is there. Rejects with `StoreRefused`. */
export async function openFileStore(options: FileStoreOptions, deps: FileStoreDeps): Promise<FileStore> {
  const directory = await openDirectory(options.directory);
  try {
    return new OpenStore(directory, options, deps);
  } catch (error) {
    directory.release();
    throw error;
  }
}

class OpenStore implements FileStore {
  readonly journal: Scribe;
  readonly left: Left;
  readonly clock: StoreClock;
  readonly #directory: StoreDirectory;
  readonly #deps: FileStoreDeps;
  readonly #log: Log;
  readonly #letters: FileLetters;
  #through: number;
  #reason = '';
  #retryMs = RETRY_MS;
  #retryAt = 0;
  #checkAt = 0;
  #closed = false;

  constructor(directory: StoreDirectory, options: FileStoreOptions, deps: FileStoreDeps) {
    const { syncMs, afterMs, keepMs, keepBytes } = options;
    const { now, wall, report, files, segmentBytes = SEGMENT_BYTES } = deps;
    this.#directory = directory;
    this.#deps = deps;
    const names = directory.list();
    const read = readState(directory.path, names);
    const system = files === undefined ? {} : { files };
    const shared = { directory: directory.path, segmentBytes, now, wall, ...system };
    this.#letters = openFileLetters({
      ...shared,
      names,
      keepMs,
      limitBytes: keepBytes,
      report,
      purged: () => this.#log.renew(),
    });
    const { left, over } = leftOf(read, this.#letters.wasLost);
    this.left = left;
    this.clock = new StoreClock(read.clocks, deps);
    this.#through = this.left.highest + RESERVED;
    this.#log = new Log(
      {
        ...shared,
        ...{ kind: 'state', syncMs },
        opening: () => this.#reserved(),
        failed: (error) => this.#failed(error),
      },
      read.segments,
    );
    this.#log.open();
    for (const { item, settled } of over) {
      this.#log.drop(item);
      this.#log.append(settled);
    }
    const { wallOf, eachOpen, traceId } = deps;
    const letters = new LetterScribe({ letters: this.#letters, wallOf, traceId });
    this.journal = new Scribe({ log: this.#log, letters, afterMs, wallOf: this.clock.timeOf, eachOpen, report });
  }

  get secrets(): readonly [string] {
    return [this.#directory.key];
  }

  get name(): string {
    const digest = createHash('sha256').update(`name of ${this.#directory.key}`).digest();
    return (digest.readUInt32BE() % 36 ** 5).toString(36).padStart(5, '0');
  }

  get degraded(): string | undefined {
    if (this.#closed) return undefined;
    if (this.#log.broken) return `the store cannot be written to: ${this.#reason}`;
    if (!this.journal.whole) return 'the store can be written to again and is being filled';
    return this.#letters.degraded;
  }

  handsOver(): boolean {
    return this.#closed || (!this.#log.broken && this.journal.whole);
  }

  get deadLetters(): DeadLetters {
    return this.#letters;
  }

  get bytes(): number {
    return this.#log.bytes;
  }

  get counters(): StoreCounters {
    const { writes, failures, bytes, slowMs } = this.#log.counters;
    return { writes, failures, written: bytes, stalledMs: slowMs };
  }

  look(now: number): void {
    if (this.#closed) return;
    if (this.#log.broken && now >= this.#retryAt) this.#tryAgain(now);
    const short = this.#deps.latest() > this.#through - RESERVED / 2;
    if (short) this.#through += RESERVED;
    if (short || this.clock.moved) this.#log.append({ ...this.#reserved(), previous: 0 });
    if (now >= this.#checkAt) {
      this.#checkAt = now + CHECK_MS;
      void this.#check();
    }
    this.#letters.look();
    this.journal.look(now);
  }

  async close(): Promise<void> {
    this.journal.handOver();
    this.#closed = true;
    const synced = this.#log.synced();
    this.#log.close();
    await this.#letters.close();
    await synced;
    this.#directory.release();
  }

  #reserved(): Omit<Extract<Entry, { kind: 'reserved' }>, 'previous'> {
    return { kind: 'reserved', through: this.#through, clocks: this.clock.clocks() };
  }

  #failed(error: unknown): void {
    this.#reason = reasonOf(error);
    this.#retryAt = this.#deps.now() + this.#retryMs;
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    const text = `the store cannot be written to (${this.#reason}): the sidecar goes on with its memory, and what is in flight would not outlive it`;
    this.#deps.report({ stage: 'store', error: new Error(text) });
  }

  #tryAgain(now: number): void {
    this.#retryAt = now + this.#retryMs;
    try {
      this.#directory.mend();
    } catch (error) {
      this.#reason = reasonOf(error);
      return;
    }
    this.#letters.anew();
    if (!this.#log.open()) return;
    this.#retryMs = RETRY_MS;
    this.journal.startAnew();
    this.#deps.report({ stage: 'store', error: new Error('the store can be written to again') });
  }

  /**
   * Breaks the log if its file was removed, because records would go into it and be gone; or if the
   * lock was, and another process has taken the directory.
   */
  async #check(): Promise<void> {
    const { path } = this.#log;
    if (path === undefined) return;
    try {
      await stat(path);
      if (path === this.#log.path && !this.#closed) this.#directory.mend();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (path !== this.#log.path) return;
      if (error instanceof Locked) this.#log.give(error, true);
      else if (code === 'ENOENT' || code === 'ENOTDIR') this.#log.give(new Error(`${path} was removed`));
    }
  }
}

/** A delivery that was lost according to its letter is over: the letter was written first. */
function leftOf(
  { image, items, dropped }: ReadState,
  wasLost: FileLetters['wasLost'],
): { left: Left; over: { item: Item; settled: object }[] } {
  const sessions = [...image.sessions.values()].map((entry) => ({ entry, item: items.get(entry.key) ?? new Item() }));
  const deliveries = new Map<string, (OpenDelivery & { item: Item })[]>();
  const over: { item: Item; settled: object }[] = [];
  const all = [...image.open.values()];
  all.sort((a, b) => a.delivery.seq - b.delivery.seq);
  for (const open of all) {
    const { session, seq }: DeliveryEntry = open.delivery;
    const outcome = wasLost(seq, session);
    if (outcome !== undefined) {
      over.push({ item: items.get(seq) ?? new Item(), settled: written({ kind: 'settled', seq, outcome }) });
      continue;
    }
    const list = deliveries.get(session) ?? [];
    list.push({ ...open, item: items.get(seq) ?? new Item() });
    deliveries.set(session, list);
  }
  return { left: { sessions, deliveries, dropped, highest: image.highest }, over };
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message ?? String(error);
}
