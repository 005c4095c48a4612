// sidecar: goes on where an earlier process ended: its sessions wait for their clients, the rest ends as lost.
import type { Resumption } from '../connection/resumption.ts';
import type { Decoder } from '../decode/decoder.ts';
import type { Report } from '../delivery/ports.ts';
import { type LeftDelivery, revive } from '../delivery/restoring.ts';
import { Session } from '../delivery/session.ts';
import type { Tracker } from '../delivery/tracker.ts';
import type { Owners } from '../identity/owners.ts';
import type { DeliveryEntry } from '../journal/entry.ts';
import type { FileStore, Left } from '../journal/file-store.ts';

export interface RestoreDeps {
  readonly store: FileStore;
  readonly decoder: Pick<Decoder, 'typeNamed'>;
  readonly tracker: Tracker;
  readonly resumption: Pick<Resumption, 'restore'>;
  readonly owners: Owners;
  /** Monotonic ms. */
  now(): number;
  /** From the monotonic clock to the wall clock, ms. */
  offset(): number;
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
 * Takes over what the store has, and counts it. Sessions are there when this returns, before any client can ask for one; the result goes
 * on in slices with what was in flight for others.
 */
export function restore(deps: RestoreDeps, restored: Restored): () => Promise<void> {
  const { store, tracker, now, offset } = deps;
  const { left } = store;
  const from = left.lastAt - offset();
  tracker.latest = left.highest;
  // No client could be heard while nobody ran (SPEC D14).
  if (left.lastAt > 0 && from < now()) tracker.stoodStill(from, now());
  const known = new Set<string>();
  for (const session of left.sessions) if (restoreSession(deps, session, restored)) known.add(session.entry.key);
  const others = [...left.deliveries].filter(([key]) => !known.has(key));
  return () => endOthers(deps, others, restored);
}

function restoreSession(deps: RestoreDeps, { entry, item }: Left['sessions'][number], restored: Restored): boolean {
  const { store, tracker, owners, resumption, now } = deps;
  const owner = owners.acquire(entry.user);
  owner.restored = true;
  const session = new Session(entry.key, owner, entry.traceparent);
  session.optedIn = session.resumable = true;
  session.lastOrdinal = entry.ordinal;
  session.capability = entry.capability;
  store.journal.restoredSession(session, entry, item);
  if (!resumption.restore(session, entry.boundTo, entry)) {
    session.resumable = false;
    store.journal.ended(session);
    owners.release(owner);
    return false;
  }
  restored.sessions++;
  for (const open of store.left.deliveries.get(entry.key) ?? []) {
    const delivery = revive(session, leftDelivery(open, deps));
    if (delivery.receivedAt > 0) session.receivedThrough = Math.max(session.receivedThrough, delivery.ordinal);
    store.journal.restoredDelivery(delivery, open.item);
    tracker.restore(delivery, open.message, now());
    restored.deliveries++;
  }
  return true;
}

async function endOthers(
  deps: RestoreDeps,
  others: readonly (readonly [string, readonly LeftOpen[]])[],
  restored: Restored,
): Promise<void> {
  const { owners, report } = deps;
  for (const [key, list] of others) {
    const [first] = list;
    if (first === undefined) continue;
    const owner = owners.acquire(first.delivery.user);
    const session = new Session(key, owner, '');
    for (const open of list) {
      try {
        endAsLost(deps, session, open);
      } catch (error) {
        report({ stage: 'store', error });
      }
      if (++restored.lost % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    owners.release(owner);
  }
}

/** One outcome, with the times that it had: the process that sent it is gone, and its client has nothing to come back to. */
function endAsLost(deps: RestoreDeps, session: Session, open: LeftOpen): void {
  const { store, tracker, now } = deps;
  // Nothing is called lost on a connection that had shown nothing (SPEC D12).
  session.capability = open.state.receivedAt > 0 ? 'received' : open.delivery.capability;
  const delivery = revive(session, leftDelivery(open, deps));
  store.journal.restoredDelivery(delivery, open.item);
  tracker.restore(delivery, open.message, now());
  tracker.lost(delivery, 'instance_lost', now());
}

function leftDelivery({ delivery, state }: LeftOpen, { decoder, offset }: RestoreDeps): LeftDelivery {
  const shift = offset();
  const { seq, ordinal, required } = delivery;
  const { receivedAt, attempts, word, errorText, missed } = state;
  return {
    ...{ seq, ordinal, required, word, errorText, missed },
    facts: { type: decoder.typeNamed(delivery.type), id: delivery.eventId, user: undefined, ...factsOf(delivery) },
    sentAt: delivery.sentAt - shift,
    receivedAt: receivedAt === 0 ? 0 : receivedAt - shift,
    attempts: attempts.map((one) => ({ ...one, at: one.at - shift })),
  };
}

function factsOf({ run, tool, toolCall, traceparent, bytes }: DeliveryEntry) {
  return { run, tool, toolCall, traceparent, bytes };
}
