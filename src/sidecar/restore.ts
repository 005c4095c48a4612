// sidecar: goes on where an earlier process ended: its sessions wait for their clients, the rest ends as lost.
import type { Resumption } from '../connection/resumption.ts';
import type { Decoder } from '../decode/decoder.ts';
import type { Report } from '../delivery/ports.ts';
import { Session } from '../delivery/session.ts';
import type { Tracker } from '../delivery/tracker.ts';
import type { Owners } from '../identity/owners.ts';
import type { FileStore, Left } from '../journal/file-store.ts';
import { endAsLost, reviveSession } from './reviving.ts';

export interface RestoreDeps {
  readonly store: FileStore;
  readonly decoder: Pick<Decoder, 'typeNamed'>;
  readonly tracker: Tracker;
  readonly resumption: Pick<Resumption, 'restore'>;
  readonly owners: Owners;
  /** Monotonic ms. */
  now(): number;
  readonly report: Report;
}

/** What was taken over, so far. A type: it is read as a record of series. */
export type Restored = {
  /** Sessions that wait for their clients, and what is in flight for them. */
  sessions: number;
  deliveries: number;
  /** Deliveries of other clients: they have ended. */
  lost: number;
};

/** Deliveries that get their outcome between two turns of the event loop. */
const SLICE = 200;

type LeftOpen = Left['deliveries'] extends ReadonlyMap<string, readonly (infer One)[]> ? One : never;

/**
 * Takes over what the store has, and counts it. Sessions are there when this returns, before any
 * client can ask for one; the result goes on in slices with what was in flight for others.
 */
export function restore(deps: RestoreDeps, restored: Restored): () => Promise<void> {
  const { store, tracker, now } = deps;
  const { left, clock } = store;
  tracker.latest = left.highest;
  // No client could be heard while nobody ran (SPEC D14).
  const at = now();
  if (clock.awayMs > 0) tracker.stoodStill(at - clock.awayMs, at);
  const known = new Set<string>();
  for (const session of left.sessions) if (restoreSession(deps, session, restored)) known.add(session.entry.key);
  const others = [...left.deliveries].filter(([key]) => !known.has(key));
  return () => endOthers(deps, others, restored);
}

function restoreSession(deps: RestoreDeps, { entry, item }: Left['sessions'][number], restored: Restored): boolean {
  const { journal, left } = deps.store;
  const open = left.deliveries.get(entry.key) ?? [];
  return reviveSession(
    { ...deps, restored, offset: () => deps.store.clock.offset },
    { entry, open },
    {
      session: (session) => journal.restoredSession(session, entry, item),
      delivery: (delivery, one) => journal.restoredDelivery(delivery, one.item),
      refused: (session) => journal.ended(session),
    },
  );
}

async function endOthers(
  deps: RestoreDeps,
  others: readonly (readonly [string, readonly LeftOpen[]])[],
  restored: Restored,
): Promise<void> {
  const { owners, report, store } = deps;
  const revive = { ...deps, offset: () => store.clock.offset };
  for (const [key, list] of others) {
    const [first] = list;
    if (first === undefined) continue;
    const owner = owners.acquire(first.delivery.user);
    const session = new Session(key, owner, '');
    for (const open of list) {
      try {
        endAsLost(revive, session, open, (delivery) => store.journal.restoredDelivery(delivery, open.item));
      } catch (error) {
        report({ stage: 'store', error });
      }
      if (++restored.lost % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    owners.release(owner);
  }
}
