// sidecar: sessions and deliveries of another process as records of this one, wherever they were kept.
import type { Resumption } from '../connection/resumption.ts';
import type { Decoder } from '../decode/decoder.ts';
import { gapsOf } from '../delivery/gaps.ts';
import type { Delivery } from '../delivery/record.ts';
import { type LeftDelivery, revive } from '../delivery/restoring.ts';
import { Session } from '../delivery/session.ts';
import type { Tracker } from '../delivery/tracker.ts';
import type { Owners } from '../identity/owners.ts';
import { readGoodbye } from '../journal/codec.ts';
import type { DeliveryEntry, SessionEntry } from '../journal/entry.ts';
import type { OpenDelivery } from '../journal/image.ts';
import type { Restored } from './restore.ts';

export interface ReviveDeps {
  readonly decoder: Pick<Decoder, 'typeNamed'>;
  readonly tracker: Tracker;
  readonly resumption: Pick<Resumption, 'restore'>;
  readonly owners: Owners;
  /** Monotonic ms. */
  now(): number;
  /** From the monotonic clock to the clock by which the times were written down, ms. */
  offset(): number;
}

/** What the journal is told while a session comes to life. */
export interface Telling<Open extends OpenDelivery> {
  session(session: Session): void;
  delivery(delivery: Delivery, open: Open): void;
  /** There is no room for the session. */
  refused(session: Session): void;
  /** For how long no process had the session, ms. Default 0. */
  readonly awayMs?: number;
}

/** Makes the session wait for its client, with what it has in flight. False: there was no room. */
export function reviveSession<Open extends OpenDelivery>(
  deps: ReviveDeps & { readonly restored: Restored },
  { entry, open }: { readonly entry: SessionEntry; readonly open: readonly Open[] },
  tell: Telling<Open>,
): boolean {
  const { tracker, owners, resumption, restored, now } = deps;
  const { awayMs = 0 } = tell;
  const owner = owners.acquire(entry.user);
  owner.restored = true;
  const session = new Session(entry.key, owner, entry.traceparent);
  session.optedIn = session.resumable = true;
  session.lastOrdinal = entry.ordinal;
  session.capability = entry.capability;
  const goodbye = readGoodbye(entry.goodbye);
  if (goodbye !== undefined) session.goodbye = { ...goodbye, since: goodbye.since - deps.offset() };
  const shift = deps.offset();
  const gaps = (entry.gaps ?? []).map(({ until, ms }) => ({ until: until - shift, ms }));
  const since = Math.min(...open.map(({ delivery }) => delivery.sentAt - shift));
  session.gaps = gapsOf(gaps, since, awayMs, now());
  tell.session(session);
  if (!resumption.restore(session, entry.boundTo, entry)) {
    session.resumable = false;
    tell.refused(session);
    owners.release(owner);
    return false;
  }
  restored.sessions++;
  for (const one of open) {
    const delivery = revive(session, leftDelivery(one, deps));
    if (delivery.receivedAt > 0) session.receivedThrough = Math.max(session.receivedThrough, delivery.ordinal);
    tell.delivery(delivery, one);
    tracker.restore(delivery, one.message, now());
    restored.deliveries++;
  }
  return true;
}

/**
 * Ends a delivery, once, with the times that it had: the process that sent it is gone, and its
 * client has nothing to come back to.
 */
export function endAsLost(
  deps: ReviveDeps,
  session: Session,
  open: OpenDelivery,
  tell: (delivery: Delivery) => void = () => {},
): void {
  const { tracker, now } = deps;
  // Nothing is called lost on a connection that had shown nothing (SPEC D12).
  session.capability = open.state.receivedAt > 0 ? 'received' : open.delivery.capability;
  const delivery = revive(session, leftDelivery(open, deps));
  tell(delivery);
  tracker.restore(delivery, open.message, now());
  tracker.lost(delivery, 'instance_lost', now());
}

/**
 * Translates times to the clock of this process. Processes know the clock of the store by a moment,
 * so that times may come out of order by as much: none is before the one that it follows, and none
 * lies ahead.
 */
function leftDelivery({ delivery, state }: OpenDelivery, { decoder, offset, now }: ReviveDeps): LeftDelivery {
  const shift = offset();
  const latest = now();
  const sentAt = Math.min(delivery.sentAt - shift, latest);
  const between = (time: number, earliest: number) => Math.min(Math.max(time - shift, earliest), latest);
  const { seq, ordinal, required, binary = false } = delivery;
  const { receivedAt, word, errorText, missed, shownAs = '' } = state;
  let last = sentAt;
  const attempts = state.attempts.map((one) => {
    last = between(one.at, last);
    return { ...one, at: last };
  });
  return {
    ...{ seq, ordinal, required, word, errorText, missed, shownAs, binary, sentAt, attempts },
    facts: { type: decoder.typeNamed(delivery.type), id: delivery.eventId, user: undefined, ...factsOf(delivery) },
    receivedAt: receivedAt === 0 ? 0 : between(receivedAt, sentAt),
  };
}

function factsOf({ run, tool, toolCall, traceparent, bytes }: DeliveryEntry) {
  return { run, tool, toolCall, traceparent, bytes };
}
