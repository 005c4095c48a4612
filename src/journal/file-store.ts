// journal: a store in a directory of this machine: what an earlier process left there, and a journal that goes on behind it.
import { stat } from 'node:fs/promises';
import { openDirectory, type StoreDirectory } from './directory.ts';
import type { DeliveryEntry, SessionEntry } from './entry.ts';
import type { OpenDelivery } from './image.ts';
import { Item } from './item.ts';
import { type Files, Log } from './log.ts';
import { type Dropped, type ReadState, readState } from './read-state.ts';
import { Scribe, type ScribeDeps } from './scribe.ts';

export interface FileStoreOptions {
  readonly directory: string;
  /** As in `ScribeDeps`. */
  readonly afterMs: number;
  /** Between two syncs of the disk, ms; 0 = never. */
  readonly syncMs: number;
}

export interface FileStoreDeps extends Pick<ScribeDeps, 'wallOf' | 'eachOpen' | 'report'> {
  /** The highest number that a delivery of this process has. */
  latest(): number;
  /** Monotonic ms. */
  now(): number;
  /** ms since the epoch. */
  wall(): number;
  /** A test may let it fail. */
  readonly files?: Files;
  /** Of one file. Default 4 MiB. */
  readonly segmentBytes?: number;
}

/** What an earlier process left. */
export interface Left {
  readonly sessions: readonly { readonly entry: SessionEntry; readonly item: Item }[];
  /** Deliveries in flight, by the key of their session. */
  readonly deliveries: ReadonlyMap<string, readonly (OpenDelivery & { readonly item: Item })[]>;
  readonly dropped: Dropped;
  /** When it wrote last, ms since the epoch; 0 = it never did. */
  readonly lastAt: number;
  /** Deliveries of this process have higher numbers. */
  readonly highest: number;
}

export interface FileStore {
  readonly journal: Scribe;
  readonly left: Left;
  /** For resume tokens: a secret that outlives the process. */
  readonly secrets: readonly [string];
  /** Why not everything outlives the process just now; undefined = it does. */
  readonly degraded: string | undefined;
  readonly counters: StoreCounters;
  /** Bytes on the disk. */
  readonly bytes: number;
  /** On each beat, with its time (monotonic ms). */
  look(now: number): void;
  /** Writes what waits and gives the directory back. */
  close(): Promise<void>;
}

/** Figures since the start. */
export interface StoreCounters {
  /** Calls to the system, by how they ended. */
  readonly writes: number;
  readonly failures: number;
  readonly written: number;
  /** How long the event loop waited for slow writes, ms. */
  readonly stalledMs: number;
}

const SEGMENT_BYTES = 4 * 1024 * 1024;
/** Numbers of deliveries that are set aside at a time: one that was not written down is never given twice. */
const RESERVED = 1_000_000;
/** After a failure the disk is tried again, at first after, and at last every so many ms. */
const [RETRY_MS, MAX_RETRY_MS] = [1000, 30_000];
/** How often is looked whether the file is still there, ms. */
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
  readonly #directory: StoreDirectory;
  readonly #deps: FileStoreDeps;
  readonly #log: Log;
  #through: number;
  #reason = '';
  #retryMs = RETRY_MS;
  #retryAt = 0;
  #checkAt = 0;
  #closed = false;

  constructor(directory: StoreDirectory, options: FileStoreOptions, deps: FileStoreDeps) {
    const { syncMs, afterMs } = options;
    const { now, wall, report, files, segmentBytes = SEGMENT_BYTES } = deps;
    this.#directory = directory;
    this.#deps = deps;
    const names = directory.list();
    const read = readState(directory.path, names);
    const system = files === undefined ? {} : { files };
    const shared = { directory: directory.path, segmentBytes, now, wall, ...system };
    this.left = leftOf(read);
    this.#through = this.left.highest + RESERVED;
    this.#log = new Log(
      {
        ...shared,
        ...{ kind: 'state', syncMs },
        opening: () => ({ kind: 'reserved', through: this.#through }),
        failed: (error) => this.#failed(error),
      },
      read.segments,
    );
    this.#log.open();
    const { wallOf, eachOpen } = deps;
    this.journal = new Scribe({ log: this.#log, afterMs, wallOf, eachOpen, report });
  }

  get secrets(): readonly [string] {
    return [this.#directory.key];
  }

  get degraded(): string | undefined {
    if (this.#closed) return undefined;
    if (this.#log.broken) return `the store cannot be written to: ${this.#reason}`;
    if (!this.journal.whole) return 'the store can be written to again and is being filled';
    return undefined;
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
    if (this.#deps.latest() > this.#through - RESERVED / 2) {
      this.#through += RESERVED;
      this.#log.append({ kind: 'reserved', through: this.#through, previous: 0 });
    }
    if (now >= this.#checkAt) {
      this.#checkAt = now + CHECK_MS;
      void this.#check();
    }
    this.journal.look(now);
  }

  async close(): Promise<void> {
    this.journal.handOver();
    this.#closed = true;
    const synced = this.#log.synced();
    this.#log.close();
    await synced;
    this.#directory.release();
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
    if (!this.#log.open()) return;
    this.#retryMs = RETRY_MS;
    this.journal.startAnew();
    this.#deps.report({ stage: 'store', error: new Error('the store can be written to again') });
  }

  /** What is written to a file that somebody has removed is written to nobody. */
  async #check(): Promise<void> {
    const { path } = this.#log;
    if (path === undefined) return;
    try {
      await stat(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code === 'ENOENT' || code === 'ENOTDIR') && path === this.#log.path)
        this.#log.give(new Error(`${path} was removed`));
    }
  }
}

function leftOf({ image, items, dropped, lastAt }: ReadState): Left {
  const sessions = [...image.sessions.values()].map((entry) => ({ entry, item: items.get(entry.key) ?? new Item() }));
  const deliveries = new Map<string, (OpenDelivery & { item: Item })[]>();
  const all = [...image.open.values()];
  all.sort((a, b) => a.delivery.seq - b.delivery.seq);
  for (const open of all) {
    const { session, seq }: DeliveryEntry = open.delivery;
    const list = deliveries.get(session) ?? [];
    list.push({ ...open, item: items.get(seq) ?? new Item() });
    deliveries.set(session, list);
  }
  return { sessions, deliveries, dropped, lastAt, highest: image.highest };
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message ?? String(error);
}
