// journal: turns what the core tells into entries. Keeps no session and no delivery.
import type { Journal } from '../delivery/journal.ts';
import type { Observer } from '../delivery/ports.ts';
import type { Delivery } from '../delivery/record.ts';
import type { Session } from '../delivery/session.ts';
import type { Outcome } from '../delivery/words.ts';
import type { DeliveryEntry, DeliveryState, Entry, OutcomeEntry, SessionEntry } from './entry.ts';

/** The receiver of entries. Neither call throws. */
export interface Sink {
  append(entry: Entry): void;
  /** Makes everything appended survive the end of the process before it returns. */
  handOver(): void;
}

/** A journal that writes everything to `sink`. `wallOf` translates a monotonic time to ms since the epoch. */
export function createTeller(sink: Sink, wallOf: (at: number) => number): Journal {
  const change = (key: string, changes: Partial<SessionEntry>): void => sink.append({ kind: 'changed', key, changes });
  const state = (delivery: Delivery): void =>
    sink.append({ kind: 'state', seq: delivery.seq, state: stateOf(delivery, wallOf) });
  const steps: Observer = {
    tracked() {},
    attempted: state,
    received: state,
    changed: state,
    settled(delivery) {
      sink.append({ kind: 'settled', seq: delivery.seq, outcome: outcomeOf(delivery, wallOf) });
    },
    upgraded() {},
    unmatched() {},
    shed() {},
  };
  return {
    steps,
    opened: (session) => sink.append({ kind: 'session', session: sessionOf(session) }),
    owned: ({ key, user }) => change(key, { user }),
    tokens: ({ key }, serial, used) => change(key, { serial, used }),
    heard: ({ key }, heard) => change(key, { heard }),
    shown: ({ key, capability }) => change(key, { capability }),
    counted: ({ key }, ordinal) => change(key, { ordinal }),
    tracked(delivery) {
      const { payload: message } = delivery;
      sink.append({ kind: 'tracked', ...factsAnd(delivery, wallOf), message });
    },
    ended: ({ key }) => sink.append({ kind: 'ended', key }),
    handOver: () => sink.handOver(),
  };
}

/** A session as it begins. */
function sessionOf({ key, user, traceparent, lastOrdinal, capability }: Session): SessionEntry {
  const known = { key, boundTo: user, user, traceparent, ordinal: lastOrdinal, capability };
  return { ...known, serial: 0, used: 0, heard: 0 };
}

function factsAnd(delivery: Delivery, wallOf: (at: number) => number) {
  return { delivery: factsOf(delivery, wallOf), state: stateOf(delivery, wallOf) };
}

function factsOf(delivery: Delivery, wallOf: (at: number) => number): DeliveryEntry {
  const { seq, session, ordinal, eventId, run, tool, toolCall, bytes, required } = delivery;
  return {
    ...{ seq, session: session.key, user: session.user, connection: session.link?.id ?? '' },
    ...{ ordinal, type: delivery.type.name, eventId, run, tool, toolCall },
    traceparent: delivery.traceparent ?? (session.traceparent === '' ? undefined : session.traceparent),
    ...{ bytes, required, sentAt: wallOf(delivery.sentAt) },
  };
}

function stateOf(delivery: Delivery, wallOf: (at: number) => number): DeliveryState {
  const { receivedAt, attemptLog = [], word, errorText, queue, payload } = delivery;
  return {
    receivedAt: receivedAt === 0 ? 0 : wallOf(receivedAt),
    attempts: attemptLog.map(({ kind, at, result }) => ({ kind, at: wallOf(at), result })),
    ...{ word, errorText, missed: queue === 'reemission', kept: payload !== undefined },
  };
}

function outcomeOf(delivery: Delivery, wallOf: (at: number) => number): OutcomeEntry {
  const { errorType, unverified, level, errorText, receivedAt, settledAt, attempts } = delivery;
  return {
    ...{ status: delivery.status as Outcome, errorType, unverified, level, errorText },
    receivedAt: receivedAt === 0 ? 0 : wallOf(receivedAt),
    settledAt: wallOf(settledAt),
    attempts,
  };
}
