// Test support: a journal that keeps its calls as plain data, and rebuilds the index from them for comparison.
import type { Store } from '../../src/delivery/ports.ts';
import { type Delivery, isSettled } from '../../src/delivery/record.ts';
import type { Session } from '../../src/delivery/session.ts';
import { readEntry } from '../../src/journal/codec.ts';
import type { Entry, OutcomeEntry, SessionEntry } from '../../src/journal/entry.ts';
import { Image, type OpenDelivery } from '../../src/journal/image.ts';
import type { Item } from '../../src/journal/item.ts';
import { Scribe } from '../../src/journal/scribe.ts';

/** The original's facts about a session that can be resumed. */
export interface LiveSession {
  readonly session: Session;
  readonly user: string | undefined;
  readonly serial: number;
  readonly used: number;
  readonly heard: number;
}

export interface RecordedJournal {
  readonly journal: Scribe;
  readonly entries: readonly Entry[];
  /** Number of entries at the latest `handOver`. */
  readonly handedOver: number;
}

/** Entries are kept as they would be read from a disk: later changes are not seen in them. */
export function recordJournal(): RecordedJournal {
  const entries: Entry[] = [];
  let handedOver = 0;
  const append = (value: object, message?: Uint8Array): number => {
    entries.push(readEntry(JSON.parse(JSON.stringify(value)), Buffer.from(message ?? []))!);
    return 1;
  };
  const log = {
    ...{ append, broken: false, outdated: undefined, waiting: 0, sweep() {}, sync() {} },
    place: (_: Item, value: object, message?: Uint8Array) => void append(value, message),
    drop() {},
    flush: () => {
      handedOver = entries.length;
    },
  };
  const journal = new Scribe({
    letters: { settled: () => false, handOver: () => undefined },
    ...{ log, afterMs: 0, wallOf: (at) => at },
    eachOpen() {},
    report: () => {},
  });
  return {
    journal,
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

  #take(entries: readonly Entry[]): void {
    for (; this.#taken < entries.length; this.#taken++) this.image.apply(entries[this.#taken]!);
  }

  /**
   * Whether the rebuilt index has the sessions and deliveries of the one in memory. It copies
   * nothing, so that a run can ask it before each step.
   */
  agrees(entries: readonly Entry[], store: Store, live: Iterable<LiveSession>): boolean {
    this.#take(entries);
    const { open, sessions } = this.image;
    let [same, found, known] = [true, 0, 0];
    store.each((delivery) => {
      if (isSettled(delivery)) return true;
      found++;
      same = sameDelivery(open.get(delivery.seq), delivery);
      return same;
    });
    for (const each of live) {
      if (!each.session.resumable) continue;
      known++;
      same &&= sameSession(sessions.get(each.session.key), each);
    }
    return same && found === open.size && known === sessions.size;
  }

  /** Differences between the rebuilt index and the one in memory; empty = none. */
  differences(entries: readonly Entry[], store: Store, live: Iterable<LiveSession>): string[] {
    this.#take(entries);
    const sessions = [...this.image.sessions.values()].map(({ goodbye = null, ...rest }) => ({ ...rest, goodbye }));
    sessions.sort((a, b) => a.key.localeCompare(b.key));
    const known = [...live].filter(({ session }) => session.resumable).map(sessionAsTold);
    known.sort((a, b) => a.key.localeCompare(b.key));
    // A delivery that stays open is told of later than one that came after it.
    const told = [...this.image.open.values()].sort((a, b) => a.delivery.seq - b.delivery.seq);
    const open = told.map(({ delivery, state, message }) => ({
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
        open.map(({ user, connection, capability, traceparent, ...rest }) => rest),
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

function sameSession(told: SessionEntry | undefined, { session, user, serial, used, heard }: LiveSession): boolean {
  if (told === undefined || told.boundTo !== user || told.user !== session.user) return false;
  if (told.traceparent !== session.traceparent || told.capability !== session.capability) return false;
  if (told.ordinal !== session.lastOrdinal) return false;
  if (told.goodbye?.since !== session.goodbye?.since || told.goodbye?.own !== session.goodbye?.own) return false;
  return told.serial === serial && told.used === used && told.heard === heard;
}

function sameDelivery(told: OpenDelivery | undefined, one: Delivery): boolean {
  if (told === undefined) return false;
  const { delivery, state, message } = told;
  if (delivery.session !== one.session.key || delivery.ordinal !== one.ordinal || delivery.type !== one.type.name)
    return false;
  if (delivery.eventId !== one.eventId || delivery.run !== one.run || delivery.tool !== one.tool) return false;
  if (delivery.toolCall !== one.toolCall || delivery.bytes !== one.bytes || delivery.required !== one.required)
    return false;
  if (delivery.sentAt !== one.sentAt || (delivery.binary ?? false) !== one.binary) return false;
  if (state.receivedAt !== one.receivedAt || state.word !== one.word || state.errorText !== one.errorText) return false;
  if (state.missed !== (one.queue === 'reemission') || state.kept !== (one.payload !== undefined)) return false;
  const made = one.attemptLog ?? [];
  if (made.length !== state.attempts.length) return false;
  for (const [n, { kind, at, result }] of made.entries()) {
    const attempt = state.attempts[n]!;
    if (attempt.kind !== kind || attempt.at !== at || attempt.result !== result) return false;
  }
  if (message === undefined || one.payload === undefined) return message === one.payload;
  return Buffer.compare(message, one.payload) === 0;
}

function sessionAsTold({ session, user, serial, used, heard }: LiveSession) {
  const { key, traceparent, lastOrdinal, capability, goodbye = null } = session;
  return {
    ...{ key, boundTo: user, user: session.user, traceparent, ordinal: lastOrdinal, capability },
    ...{ serial, used, heard, goodbye },
  };
}

function asTold(delivery: Delivery) {
  const { seq, session, ordinal, type, eventId, run, tool, toolCall, bytes, required, sentAt } = delivery;
  const { receivedAt, attemptLog = [], word, errorText, queue, payload } = delivery;
  return {
    ...{ seq, session: session.key, ordinal, type: type.name, eventId, run, tool, toolCall, bytes, required },
    sentAt,
    ...(delivery.binary && { binary: true }),
    receivedAt,
    attempts: attemptLog.map(({ kind, at, result }) => ({ kind, at, result })),
    ...{ word, errorText, missed: queue === 'reemission', kept: payload !== undefined },
    message: payload && Buffer.from(payload).toString('hex'),
  };
}
