// Test support: a journal that keeps its calls as plain data, and rebuilds the index from them for comparison.
import type { Journal } from '../../src/delivery/journal.ts';
import type { Store } from '../../src/delivery/ports.ts';
import { type Delivery, isSettled } from '../../src/delivery/record.ts';
import type { Session } from '../../src/delivery/session.ts';
import type { Entry, OutcomeEntry } from '../../src/journal/entry.ts';
import { Image } from '../../src/journal/image.ts';
import { createTeller } from '../../src/journal/teller.ts';

/** The original's facts about a session that can be resumed. */
export interface LiveSession {
  readonly session: Session;
  readonly user: string | undefined;
  readonly serial: number;
  readonly used: number;
  readonly heard: number;
}

export interface RecordedJournal {
  readonly journal: Journal;
  readonly entries: readonly Entry[];
  /** Number of entries at the latest `handOver`. */
  readonly handedOver: number;
}

/** Entries are cloned when they come: later changes are not seen in them. */
export function recordJournal(): RecordedJournal {
  const entries: Entry[] = [];
  let handedOver = 0;
  const sink = {
    append: (entry: Entry) => void entries.push(structuredClone(entry)),
    handOver: () => {
      handedOver = entries.length;
    },
  };
  return {
    journal: createTeller(sink, (at) => at),
    entries,
    get handedOver() {
      return handedOver;
    },
  };
}

/** An image that takes in the entries since its last call, and the outcomes by delivery number. */
export class Rebuilt {
  readonly outcomes = new Map<number, OutcomeEntry[]>();
  readonly image = new Image((outcome, _, seq) => {
    this.outcomes.set(seq, [...(this.outcomes.get(seq) ?? []), outcome]);
  });
  #taken = 0;

  /** Differences between the rebuilt index and the one in memory; empty = none. */
  differences(entries: readonly Entry[], store: Store, live: Iterable<LiveSession>): string[] {
    for (; this.#taken < entries.length; this.#taken++) this.image.apply(entries[this.#taken]!);
    const sessions = [...this.image.sessions.values()].sort((a, b) => a.key.localeCompare(b.key));
    const known = [...live].filter(({ session }) => session.resumable).map(sessionAsTold);
    known.sort((a, b) => a.key.localeCompare(b.key));
    const open = [...this.image.open.values()].map(({ delivery, state, message }) => ({
      ...delivery,
      ...state,
      message: message && Buffer.from(message).toString('hex'),
    }));
    const original: object[] = [];
    store.each((delivery) => {
      if (!isSettled(delivery)) original.unshift(asTold(delivery));
      return true;
    });
    return [
      ...unlike('sessions', sessions, known),
      ...unlike(
        'deliveries',
        open.map(({ user, connection, traceparent, ...rest }) => rest),
        original,
      ),
      ...[...this.outcomes].filter(([, all]) => all.length > 1).map(([seq]) => `two outcomes for delivery ${seq}`),
    ];
  }
}

function unlike(what: string, rebuilt: object[], original: object[]): string[] {
  const [a, b] = [rebuilt, original].map((each) => each.map((one) => JSON.stringify(one)));
  const [more, less] = [a!.filter((one) => !b!.includes(one)), b!.filter((one) => !a!.includes(one))];
  if (more.length + less.length === 0 && a!.join() === b!.join()) return [];
  return [`${what}: rebuilt ${more}, original ${less}${more.length + less.length === 0 ? ': another order' : ''}`];
}

function sessionAsTold({ session, user, serial, used, heard }: LiveSession) {
  const { key, traceparent, lastOrdinal, capability } = session;
  return {
    ...{ key, boundTo: user, user: session.user, traceparent, ordinal: lastOrdinal, capability },
    ...{ serial, used, heard },
  };
}

function asTold(delivery: Delivery) {
  const { seq, session, ordinal, type, eventId, run, tool, toolCall, bytes, required, sentAt } = delivery;
  const { receivedAt, attemptLog = [], word, errorText, queue, payload } = delivery;
  return {
    ...{ seq, session: session.key, ordinal, type: type.name, eventId, run, tool, toolCall, bytes, required },
    ...{ sentAt, receivedAt },
    attempts: attemptLog.map(({ kind, at, result }) => ({ kind, at, result })),
    ...{ word, errorText, missed: queue === 'reemission', kept: payload !== undefined },
    message: payload && Buffer.from(payload).toString('hex'),
  };
}
