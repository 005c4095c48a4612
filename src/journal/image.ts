// journal: what entries add up to: the sessions that wait, the deliveries in flight, and their kept messages.
import type { DeliveryEntry, DeliveryState, Entry, OutcomeEntry, SessionEntry } from './entry.ts';

/** A delivery that had no outcome. */
export interface OpenDelivery {
  readonly delivery: DeliveryEntry;
  state: DeliveryState;
  message: Uint8Array | undefined;
}

/**
 * Built from entries in their order. Entries about unknown sessions or deliveries are ignored:
 * parts of a journal may be gone.
 */
export class Image {
  /** Sessions by key. */
  readonly sessions = new Map<string, SessionEntry>();
  /** Deliveries by number, in the order in which they began. */
  readonly open = new Map<number, OpenDelivery>();
  /** Highest number that a delivery may have had. */
  highest = 0;
  /** Called for each outcome. The delivery is left out where only its end is known. */
  readonly #settled: ((outcome: OutcomeEntry, open: OpenDelivery | undefined, seq: number) => void) | undefined;

  constructor(settled?: (outcome: OutcomeEntry, open: OpenDelivery | undefined, seq: number) => void) {
    this.#settled = settled;
  }

  apply(entry: Entry): void {
    switch (entry.kind) {
      case 'session':
        this.sessions.set(entry.session.key, entry.session);
        break;
      case 'changed':
        this.#change(entry.key, entry.changes);
        break;
      case 'ended':
        this.sessions.delete(entry.key);
        break;
      case 'tracked': {
        const { delivery, state, message } = entry;
        if (delivery.seq > this.highest) this.highest = delivery.seq;
        this.open.set(delivery.seq, { delivery, state, message });
        const session = this.sessions.get(delivery.session);
        if (session !== undefined && delivery.ordinal > session.ordinal)
          this.#change(session.key, { ordinal: delivery.ordinal });
        break;
      }
      case 'state': {
        const open = this.open.get(entry.seq);
        if (open === undefined) break;
        open.state = entry.state;
        if (!entry.state.kept) open.message = undefined;
        break;
      }
      case 'settled':
        this.#settled?.(entry.outcome, this.open.get(entry.seq), entry.seq);
        this.open.delete(entry.seq);
        break;
      case 'reserved':
        this.highest = Math.max(this.highest, entry.through);
        break;
    }
  }

  #change(key: string, changes: Partial<SessionEntry>): void {
    const session = this.sessions.get(key);
    if (session !== undefined) this.sessions.set(key, { ...session, ...changes });
  }
}
