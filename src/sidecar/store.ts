// sidecar: the store that outlives the process: opened where the configuration names a place.
import type { Config } from '../config/config.ts';
import type { ResumableSession } from '../connection/resumable-session.ts';
import type { DeadLetters } from '../delivery/dead-letters.ts';
import type { Journal } from '../delivery/journal.ts';
import type { Report, Store } from '../delivery/ports.ts';
import { type Delivery, isSettled } from '../delivery/record.ts';
import type { Session } from '../delivery/session.ts';
import { type FileStore, openFileStore, type StoreCounters } from '../journal/file-store.ts';
import { RedisStore } from '../journal/redis/redis-store.ts';
import type { Registry } from '../resume/registry.ts';
import { now, wall, wallOf, wallOffset } from '../time/clock.ts';
import { onBeat } from '../time/pulse.ts';
import { type RestoreDeps, type Restored, restore } from './restore.ts';
import { attachShared } from './shared-store.ts';
import type { Trust } from './tls-files.ts';

export interface OpenStoreDeps {
  readonly config: Config;
  /** The authorities of a Redis behind TLS, which may change. */
  readonly trust: Trust;
  readonly index: Store;
  readonly latest: () => number;
  readonly traceId: (delivery: Delivery) => string | undefined;
  readonly report: Report;
}

/** What every engine of a store has. */
export interface StoreEngine {
  readonly journal: Journal;
  /** Why not everything outlives the process just now; undefined = it does. */
  readonly degraded: string | undefined;
  /** Whether the next process can go on with the session, if this one leaves it now. */
  handsOver(session: Session): boolean;
  readonly counters: StoreCounters;
  readonly deadLetters: DeadLetters;
  /** Secrets behind resume tokens that outlive the process: the first one signs. */
  readonly secrets: readonly string[];
  /** On each beat, with its time (monotonic ms). */
  look(now: number): void;
  /** Writes what waits, and ends. */
  close(): Promise<void>;
}

/** A store that is open, and what was taken over from other processes so far. */
export interface LastingStore {
  readonly engine: StoreEngine;
  /** The engine, by kind: a directory of one process, or what several instances share. */
  readonly file: FileStore | undefined;
  readonly shared: RedisStore | undefined;
  readonly restored: Restored;
}

/**
 * Opens the store that the configuration names; undefined = nothing outlives the process. Rejects
 * with `StoreRefused`.
 */
export async function openStore(deps: OpenStoreDeps): Promise<LastingStore | undefined> {
  const { config, trust, index, latest, traceId, report } = deps;
  const { at, afterMs, syncMs, leaseMs, prefix, keepMs, keepBytes } = config.store;
  if (at.kind === 'memory') return undefined;
  const eachOpen = (visit: (delivery: Delivery) => void): void =>
    index.each((delivery) => {
      if (isSettled(delivery)) return false;
      visit(delivery);
      return true;
    });
  const restored: Restored = { sessions: 0, deliveries: 0, lost: 0 };
  if (at.kind === 'redis') {
    const place = {
      ...at,
      get ca() {
        return trust.ca;
      },
    };
    const options = { place, prefix, afterMs, leaseMs, keepMs, keepBytes };
    const shared = new RedisStore(options, { eachOpen, now, wallOffset, traceId, report });
    await shared.started();
    return { engine: shared, file: undefined, shared, restored };
  }
  const file = await openFileStore(
    { directory: at.directory, afterMs, syncMs, keepMs, keepBytes },
    { now, wall, wallOf, latest, traceId, report, eachOpen },
  );
  return { engine: file, file, shared: undefined, restored };
}

/** Whether the next process can go on with a session that this one leaves. */
export function handsOver(store: LastingStore | undefined, session: Session): boolean {
  return store?.engine.handsOver(session) === true;
}

/**
 * From the monotonic clock to the clock by which resume tokens are dated, ms: that of the store,
 * by which every later process judges them.
 */
export function tokenOffset(store: LastingStore | undefined): () => number {
  return () => store?.file?.clock.runOffset ?? store?.shared?.clock.offset() ?? wallOffset();
}

export interface KeepStoreDeps extends Pick<RestoreDeps, 'decoder' | 'tracker' | 'resumption' | 'owners' | 'report'> {
  readonly registry: Registry<ResumableSession>;
  readonly index: Store;
  readonly log: { info(fields: object, message: string): void };
}

/**
 * Takes over what the store has, says so, and keeps the store going. The result closes it, when
 * everything that it must know has happened.
 */
export function keepStore(store: LastingStore | undefined, deps: KeepStoreDeps): () => Promise<void> {
  if (store === undefined) return async () => {};
  const { engine, file, shared, restored } = store;
  const { report } = deps;
  const stop = onBeat((at) => {
    try {
      engine.look(at);
    } catch (error) {
      report({ stage: 'store', error });
    }
  });
  if (shared !== undefined) attachShared(shared, restored, { ...deps, now });
  const ended = file === undefined ? Promise.resolve() : takeOver(file, restored, deps);
  return async () => {
    await ended;
    stop();
    await engine.close();
  };
}

function takeOver(file: FileStore, restored: Restored, deps: KeepStoreDeps): Promise<void> {
  const rest = restore({ ...deps, store: file, now }, restored);
  tellRestored(file, restored, deps.log);
  tellDropped(file, deps.report);
  return rest();
}

function tellRestored({ left }: FileStore, { sessions, deliveries }: Restored, log: KeepStoreDeps['log']): void {
  const all = [...left.deliveries.values()].reduce((sum, list) => sum + list.length, 0);
  const fields = { stage: 'store', sessions, deliveries, lost: all - deliveries };
  if (sessions + all > 0)
    log.info(fields, 'goes on where an earlier process ended: its sessions wait for their clients');
}

function tellDropped({ left: { dropped } }: FileStore, report: Report): void {
  const { files, bytes, unknown, sessions, deliveries } = dropped;
  if (files.length === 0 && unknown === 0) return;
  const parts = [
    files.length > 0 ? `${bytes} bytes in ${files.join(', ')} could not be read` : '',
    unknown > 0 ? `${unknown} records are of a kind that this version does not know` : '',
    `${sessions} sessions and ${deliveries} deliveries are given up, because what became of them may be in what is lost`,
  ];
  report({
    stage: 'store',
    error: new Error(`the store is damaged: ${parts.filter((part) => part !== '').join('; ')}`),
  });
}
