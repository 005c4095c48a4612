// sidecar: the store that outlives the process: opened where the configuration names a place.
import type { Config } from '../config/config.ts';
import type { Report, Store } from '../delivery/ports.ts';
import { type Delivery, isSettled } from '../delivery/record.ts';
import { type FileStore, openFileStore } from '../journal/file-store.ts';
import { now, wall, wallOf, wallOffset } from '../time/clock.ts';
import { onBeat } from '../time/pulse.ts';
import { type RestoreDeps, type Restored, restore } from './restore.ts';

export interface OpenStoreDeps {
  readonly config: Config;
  readonly index: Store;
  readonly latest: () => number;
  readonly traceId: (delivery: Delivery) => string | undefined;
  readonly report: Report;
}

/** A store that is open, and what was taken over from an earlier process so far. */
export interface LastingStore {
  readonly file: FileStore;
  readonly restored: Restored;
}

/** Opens the store that the configuration names; undefined = nothing outlives the process. Rejects with `StoreRefused`. */
export async function openStore(deps: OpenStoreDeps): Promise<LastingStore | undefined> {
  const { config, index, latest, traceId, report } = deps;
  const { at, afterMs, syncMs, keepMs, keepBytes } = config.store;
  if (at.kind === 'memory') return undefined;
  const eachOpen = (visit: (delivery: Delivery) => void): void =>
    index.each((delivery) => {
      if (isSettled(delivery)) return false;
      visit(delivery);
      return true;
    });
  const file = await openFileStore(
    { directory: at.directory, afterMs, syncMs, keepMs, keepBytes },
    { now, wall, wallOf, latest, traceId, report, eachOpen },
  );
  return { file, restored: { sessions: 0, deliveries: 0, lost: 0 } };
}

/** Whether the next process can go on with what this one leaves. */
export function handsOver(store: LastingStore | undefined): boolean {
  return store !== undefined && store.file.degraded === undefined;
}

export interface KeepStoreDeps extends Pick<RestoreDeps, 'decoder' | 'tracker' | 'resumption' | 'owners' | 'report'> {
  readonly log: { info(fields: object, message: string): void };
}

/** Takes over what the store has, says so, and keeps the store going. The result closes it, when everything that it must know has happened. */
export function keepStore(store: LastingStore | undefined, deps: KeepStoreDeps): () => Promise<void> {
  if (store === undefined) return async () => {};
  const { file, restored } = store;
  const { report, log } = deps;
  const stop = onBeat((at) => {
    try {
      file.look(at);
    } catch (error) {
      report({ stage: 'store', error });
    }
  });
  const rest = restore({ ...deps, store: file, now, offset: wallOffset }, restored);
  tellRestored(store, log);
  tellDropped(file, report);
  const ended = rest();
  return async () => {
    await ended;
    stop();
    await file.close();
  };
}

function tellRestored({ file, restored: { sessions, deliveries } }: LastingStore, log: KeepStoreDeps['log']): void {
  const all = [...file.left.deliveries.values()].reduce((sum, list) => sum + list.length, 0);
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
