// journal: the present state of a session or a delivery as an entry.
import type { Gap } from '../delivery/gaps.ts';
import type { Goodbye } from '../delivery/goodbye.ts';
import type { Delivery } from '../delivery/record.ts';
import type { Session } from '../delivery/session.ts';
import type { Outcome } from '../delivery/words.ts';
import type { AttemptEntry, DeliveryEntry, DeliveryState, OutcomeEntry, SessionEntry } from './entry.ts';

/** Translates a monotonic time to ms since the epoch. */
export type WallOf = (at: number) => number;

/** The facts about a session that its record does not hold. */
export interface Tokens {
  readonly boundTo: string | undefined;
  readonly serial: number;
  readonly used: number;
  readonly heard: number;
}

export function sessionEntry(session: Session, tokens: Tokens, wallOf: WallOf): SessionEntry {
  const { key, user, traceparent, lastOrdinal, capability } = session;
  const { boundTo, serial, used, heard } = tokens;
  const goodbye = goodbyeEntry(session, wallOf);
  return {
    ...{ key, boundTo, user, traceparent, ordinal: lastOrdinal, capability, serial, used, heard },
    ...(goodbye && { goodbye }),
    ...(session.gaps.length > 0 && { gaps: gapsEntry(session, wallOf) }),
  };
}

export function gapsEntry({ gaps }: Session, wallOf: WallOf): readonly Gap[] {
  return gaps.map(({ until, ms }) => ({ until: wallOf(until), ms }));
}

export function goodbyeEntry({ goodbye }: Session, wallOf: WallOf): Goodbye | null {
  return goodbye === undefined ? null : { ...goodbye, since: wallOf(goodbye.since) };
}

/** `DeliveryText` makes the same facts into JSON for Redis. */
export function deliveryEntry(delivery: Delivery, wallOf: WallOf): DeliveryEntry {
  const { seq, session, ordinal, eventId, run, tool, toolCall, bytes, required } = delivery;
  return {
    ...{ seq, session: session.key, user: session.user },
    ...{ capability: session.capability, connection: session.link?.id ?? '' },
    ...{ ordinal, type: delivery.type.name, eventId, run, tool, toolCall },
    traceparent: delivery.traceparent ?? (session.traceparent === '' ? undefined : session.traceparent),
    ...{ bytes, required, sentAt: wallOf(delivery.sentAt) },
    ...(delivery.binary && { binary: true }),
  };
}

export function deliveryState(delivery: Delivery, wallOf: WallOf): DeliveryState {
  const { receivedAt, word, errorText, queue, payload, shownAs } = delivery;
  return {
    receivedAt: receivedAt === 0 ? 0 : wallOf(receivedAt),
    attempts: attemptEntries(delivery, wallOf),
    ...{ word, errorText, missed: queue === 'reemission', kept: payload !== undefined },
    ...(shownAs !== '' && { shownAs }),
  };
}

function attemptEntries({ attemptLog = [] }: Delivery, wallOf: WallOf): AttemptEntry[] {
  return attemptLog.map(({ kind, at, result }) => ({ kind, at: wallOf(at), result }));
}

/** The outcome of a settled delivery. */
export function outcomeEntry(delivery: Delivery, wallOf: WallOf): OutcomeEntry {
  const { errorType, unverified, level, errorText, receivedAt, settledAt, attempts } = delivery;
  return {
    ...{ status: delivery.status as Outcome, errorType, unverified, level, errorText },
    receivedAt: receivedAt === 0 ? 0 : wallOf(receivedAt),
    settledAt: wallOf(settledAt),
    attempts,
  };
}
