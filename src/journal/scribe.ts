// journal: decides what is written and when: sessions that outlive their connection at once, else what stays open.
import type { Journal } from '../delivery/journal.ts';
import type { Observer, Report } from '../delivery/ports.ts';
import { Delivery, isSettled } from '../delivery/record.ts';
import type { Session } from '../delivery/session.ts';
import { written } from './codec.ts';
import type { SessionEntry } from './entry.ts';
import { Item } from './item.ts';
import { Later } from './later.ts';
import type { LetterScribe } from './letter-scribe.ts';
import type { Log } from './log.ts';
import { deliveryEntry, deliveryState, goodbyeEntry, outcomeEntry, sessionEntry, type WallOf } from './snapshot.ts';

export interface ScribeDeps {
  readonly log: Pick<Log, 'append' | 'place' | 'drop' | 'outdated' | 'sweep' | 'flush' | 'sync' | 'broken' | 'waiting'>;
  readonly letters: Pick<LetterScribe, 'settled' | 'handOver'>;
  /**
   * A delivery of a session that ends with its connection is written when it is in flight for so
   * long, ms.
   */
  readonly afterMs: number;
  readonly wallOf: WallOf;
  /** Shows every delivery in flight. */
  eachOpen(visit: (delivery: Delivery) => void): void;
  readonly report: Report;
}

/** A session whose client may come back, with what is known of its tokens. */
class SessionHolder {
  readonly session: Session;
  readonly boundTo: string | undefined;
  readonly item: Item;
  serial = 0;
  used = 0;
  heard = 0;
  constructor(session: Session, boundTo: string | undefined, item: Item) {
    this.session = session;
    this.boundTo = boundTo;
    this.item = item;
    item.holder = this;
  }
}

/**
 * Records that are rewritten between two turns of the event loop, which takes about a millisecond.
 */
const SLICE = 200;

/** Size of the waiting records that is flushed without waiting for the end of the turn, bytes. */
const WAITING_LIMIT = 1024 * 1024;

export class Scribe implements Journal {
  readonly steps: Observer;
  readonly #deps: ScribeDeps;
  readonly #sessions = new Map<Session, SessionHolder>();
  readonly #later = new Later();
  #scheduled = false;
  /**
   * Sessions and deliveries that are still to be written to a log that was opened anew, in reverse
   * order.
   */
  #missing: (SessionHolder | Delivery)[] = [];

  constructor(deps: ScribeDeps) {
    this.#deps = deps;
    const changed = (delivery: Delivery): void => this.#changed(delivery);
    this.steps = {
      attempted: changed,
      received: changed,
      changed,
      settled: (delivery) => this.#settled(delivery),
    };
  }

  /** Whether everything that must outlive the process is written. */
  get whole(): boolean {
    return !this.#deps.log.broken && this.#missing.length === 0;
  }

  opened(session: Session): void {
    const holder = new SessionHolder(session, session.user, new Item());
    this.#sessions.set(session, holder);
    this.#placeSession(holder);
  }

  owned(session: Session): void {
    this.#change(session, { user: session.user });
  }

  tokens(session: Session, serial: number, used: number): void {
    const holder = this.#sessions.get(session);
    if (holder === undefined || (holder.serial === serial && holder.used === used)) return;
    holder.serial = serial;
    holder.used = used;
    this.#change(session, { serial, used });
  }

  heard(session: Session, heard: number): void {
    const holder = this.#sessions.get(session);
    if (holder === undefined) return;
    holder.heard = heard;
    this.#change(session, { heard });
  }

  shown(session: Session): void {
    this.#change(session, { capability: session.capability });
  }

  parted(session: Session): void {
    this.#change(session, { goodbye: goodbyeEntry(session, this.#deps.wallOf) });
  }

  counted(session: Session, ordinal: number): void {
    this.#change(session, { ordinal });
  }

  tracked(delivery: Delivery): void {
    if (delivery.session.resumable || delivery.payload !== undefined) this.#begin(delivery);
    else this.#later.add(delivery);
  }

  ended(session: Session): void {
    const holder = this.#sessions.get(session);
    if (holder === undefined) return;
    this.#sessions.delete(session);
    this.#deps.log.drop(holder.item);
    this.#append({ kind: 'ended', key: session.key });
  }

  handOver(): void {
    // A loss that is written and whose delivery is still open to the next process is known to it as
    // over; the reverse is not.
    this.#deps.letters.handOver();
    this.#deps.log.flush();
  }

  /** Takes over a session of an earlier process. */
  restoredSession(session: Session, { boundTo, serial, used, heard }: SessionEntry, item: Item): void {
    const holder = new SessionHolder(session, boundTo, item);
    Object.assign(holder, { serial, used, heard });
    this.#sessions.set(session, holder);
  }

  /** Takes over a delivery of an earlier process. */
  restoredDelivery(delivery: Delivery, item: Item): void {
    item.holder = delivery;
    delivery.journal = item;
  }

  /**
   * Does what is due at `now` (monotonic ms): writes deliveries that have stayed open, and moves
   * what is left in an old file.
   */
  look(now: number): void {
    const { log, afterMs } = this.#deps;
    this.#later.drain(now - afterMs, (delivery) => this.#begin(delivery));
    this.#catchUp();
    const { outdated } = log;
    if (outdated !== undefined) this.#move(outdated);
    this.handOver();
    log.sync(now);
  }

  /** Writes everything again, in slices, because the log was opened anew and is empty. */
  startAnew(): void {
    this.#missing = [...this.#sessions.values()];
    this.#deps.eachOpen((delivery) => {
      if (delivery.journal !== undefined) this.#missing.push(delivery);
    });
    // `#catchUp` takes from the end.
    this.#missing.reverse();
  }

  /** Writes up to `SLICE` missing records. */
  #catchUp(): void {
    for (let left = SLICE; left > 0; ) {
      const one = this.#missing.pop();
      if (one === undefined) return;
      left -= one instanceof Delivery ? this.#catchUpDelivery(one) : this.#catchUpSession(one);
    }
  }

  #catchUpDelivery(delivery: Delivery): number {
    const { journal } = delivery;
    if (isSettled(delivery) || !(journal instanceof Item) || journal.segment !== undefined) return 0;
    this.#placeDelivery(delivery, journal);
    return 1;
  }

  /**
   * Writes a session after its deliveries in flight. In the other order, a client could resume the
   * session without them and not know.
   */
  #catchUpSession(holder: SessionHolder): number {
    const { session } = holder;
    if (this.#sessions.get(session) !== holder) return 0;
    let records = 1;
    for (const delivery of session.open?.values() ?? []) records += this.#catchUpDelivery(delivery);
    this.#placeSession(holder);
    return records;
  }

  /** Writes the records again that are needed of the oldest file, so that the file can go. */
  #move(items: ReadonlySet<Item>): void {
    let left = SLICE;
    for (const item of items) {
      const { holder } = item;
      // The item is of an earlier process, and will soon have its outcome.
      if (holder === undefined) break;
      if (holder instanceof SessionHolder) this.#placeSession(holder);
      else this.#placeDelivery(holder as Delivery, item);
      if (--left === 0) break;
    }
    this.#deps.log.sweep();
  }

  #begin(delivery: Delivery): void {
    const item = new Item();
    item.holder = delivery;
    delivery.journal = item;
    this.#placeDelivery(delivery, item);
  }

  #placeDelivery(delivery: Delivery, item: Item): void {
    const { wallOf, log } = this.#deps;
    const { payload: message } = delivery;
    const [entry, state] = [deliveryEntry(delivery, wallOf), deliveryState(delivery, wallOf)];
    log.place(item, written({ kind: 'tracked', delivery: entry, state, message }), message);
    this.#soon();
  }

  #placeSession(holder: SessionHolder): void {
    const { session, item } = holder;
    this.#deps.log.place(item, written({ kind: 'session', session: sessionEntry(session, holder, this.#deps.wallOf) }));
    this.#soon();
  }

  #change(session: Session, changes: Partial<SessionEntry>): void {
    if (this.#sessions.has(session)) this.#append({ kind: 'changed', key: session.key, changes });
  }

  #changed(delivery: Delivery): void {
    if (delivery.journal === undefined) return;
    this.#append({ kind: 'state', seq: delivery.seq, state: deliveryState(delivery, this.#deps.wallOf) });
  }

  #settled(delivery: Delivery): void {
    if (this.#deps.letters.settled(delivery)) this.#soon();
    const { journal } = delivery;
    if (!(journal instanceof Item)) return;
    delivery.journal = undefined;
    this.#deps.log.drop(journal);
    this.#append({ kind: 'settled', seq: delivery.seq, outcome: outcomeEntry(delivery, this.#deps.wallOf) });
  }

  #append(entry: Parameters<typeof written>[0]): void {
    const { log } = this.#deps;
    log.append(written(entry));
    if (log.waiting > WAITING_LIMIT) this.handOver();
    else this.#soon();
  }

  /** Flushes at the end of the turn, for records without a hand-over. */
  #soon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(atTurnEnd, this);
  }

  atTurnEnd(): void {
    this.#scheduled = false;
    try {
      this.handOver();
    } catch (error) {
      // A bug of the journal costs records, not the process (SPEC D8).
      this.#deps.report({ stage: 'store', error });
    }
  }
}

function atTurnEnd(scribe: Scribe): void {
  scribe.atTurnEnd();
}
