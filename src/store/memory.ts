// store: where deliveries live in this process. Memory is O(in flight + history), whatever the traffic does.
import { seqOfId } from '../delivery/delivery-id.ts';
import type { Store } from '../delivery/ports.ts';
import { Delivery } from '../delivery/record.ts';
import type { Owner, Session } from '../delivery/session.ts';
import { EventTable, FanOut } from './event-table.ts';
import { Forgotten, markOf } from './forgotten.ts';

/** Bounds of a memory store. */
export interface MemoryStoreOptions {
  /** Settled deliveries kept, newest first; a whole number ≥ 0. 0 keeps none. */
  readonly history: number;
  /**
   * Whether ids that left the history are remembered (`Store.forgot`), because a confirmation may
   * mean one of several messages. Default true.
   */
  readonly remembers?: boolean;
  /**
   * Called for each settled delivery that leaves the store, before its record may be used again.
   */
  readonly left?: (delivery: Delivery) => void;
}

class MemoryStore implements Store {
  pending = 0;
  /** Newest delivery in flight. Older ones follow `storeNext`. */
  #newest: Delivery | undefined = undefined;
  readonly #events = new EventTable();
  readonly #forgotten: Forgotten | undefined;
  /**
   * Next newer delivery of the same event to the same session, kept apart because twins are rare.
   */
  readonly #newerTwin = new Map<Delivery, Delivery>();
  /** Settled deliveries, overwritten in a circle once `#capacity` are there. */
  readonly #ring: Delivery[] = [];
  readonly #capacity: number;
  /** Ring position of the oldest entry, which is the next to be overwritten. */
  #oldest = 0;

  readonly #left: ((delivery: Delivery) => void) | undefined;

  constructor(capacity: number, remembers: boolean, left: MemoryStoreOptions['left']) {
    this.#capacity = capacity;
    this.#left = left;
    this.#forgotten = remembers ? new Forgotten() : undefined;
  }

  get recent(): number {
    return this.#ring.length;
  }

  add(delivery: Delivery): void {
    const head = this.#newest;
    delivery.storeNext = head;
    if (head !== undefined) head.storePrev = delivery;
    this.#newest = delivery;
    this.pending++;
    if (delivery.eventId !== undefined) this.#hold(delivery, delivery.eventId);
  }

  release(delivery: Delivery): void {
    this.#leaveFlight(delivery);
    this.#forget(delivery);
  }

  settle(delivery: Delivery): Delivery | undefined {
    this.#leaveFlight(delivery);
    const ring = this.#ring;
    if (ring.length < this.#capacity) {
      ring.push(delivery);
      return undefined;
    }
    if (this.#capacity === 0) {
      this.#forget(delivery);
      return undefined;
    }
    const at = this.#oldest;
    const evicted = ring[at] as Delivery;
    ring[at] = delivery;
    this.#oldest = at + 1 === this.#capacity ? 0 : at + 1;
    this.#forget(evicted);
    return evicted;
  }

  find(session: Session, eventId: string): Delivery | undefined {
    const holder = this.#events.get(eventId);
    if (holder === undefined) return undefined;
    if (holder instanceof Delivery) return holder.session === session ? holder : undefined;
    return holder.bySession.get(session);
  }

  findForUser(user: string, eventId: string): readonly Delivery[] {
    const holder = this.#events.get(eventId);
    if (holder === undefined) return [];
    if (holder instanceof Delivery) return holder.session.user === user ? [holder] : [];
    const found: Delivery[] = [];
    for (const delivery of holder.bySession.values()) if (delivery.session.user === user) found.push(delivery);
    return found;
  }

  passed(owner: Owner, eventId: string): void {
    this.#forgotten?.add(this.#events.hashOf(eventId), markOf(eventId), owner.mark);
  }

  claimed(owner: Owner, eventId: string): void {
    this.#forgotten?.claim(this.#events.hashOf(eventId), markOf(eventId), owner.mark);
  }

  forgot(session: Session, eventId: string): boolean {
    return this.#remembers(session, this.#events.hashOf(eventId), markOf(eventId));
  }

  knows(eventId: string): boolean {
    return this.#events.get(eventId) !== undefined;
  }

  get(id: string): Delivery | undefined {
    let found: Delivery | undefined;
    // A scan: only people ask by this id, and an index would cost every event.
    const seq = seqOfId(id);
    this.each((delivery) => {
      if (delivery.seq === seq) found = delivery;
      return found === undefined;
    });
    return found;
  }

  withEvent(eventId: string): readonly Delivery[] {
    const holder = this.#events.get(eventId);
    if (holder === undefined) return [];
    const found: Delivery[] = [];
    for (const newest of holder instanceof Delivery ? [holder] : holder.bySession.values())
      for (let twin: Delivery | undefined = newest; twin !== undefined; twin = twin.olderTwin) found.push(twin);
    return found.sort((a, b) => b.seq - a.seq);
  }

  each(visit: (delivery: Delivery) => boolean): void {
    for (let delivery = this.#newest; delivery !== undefined; ) {
      // The next one is read first: the visitor may settle the delivery that it is shown.
      const older: Delivery | undefined = delivery.storeNext;
      if (!visit(delivery)) return;
      delivery = older;
    }
    const ring = this.#ring;
    for (let i = this.#oldest - 1; i >= 0; i--) if (!visit(ring[i] as Delivery)) return;
    for (let i = ring.length - 1; i >= this.#oldest; i--) if (!visit(ring[i] as Delivery)) return;
  }

  /**
   * Whether what may be the session's client was sent the event in a message that has left the
   * history. A client without a user may be any.
   */
  #mayBeKnown(session: Session, hash: number, mark: number): boolean {
    const forgotten = this.#forgotten;
    if (forgotten === undefined) return false;
    if (session.user !== undefined) return this.#remembers(session, hash, mark);
    if (forgotten.ofAnybody(hash, mark)) return true;
    const { owner, formerOwner } = session;
    return (
      forgotten.claims(hash, mark, owner.mark) ||
      (formerOwner !== undefined && forgotten.claims(hash, mark, formerOwner.mark))
    );
  }

  #remembers({ owner, formerOwner }: Session, hash: number, mark: number): boolean {
    const forgotten = this.#forgotten;
    if (forgotten === undefined) return false;
    if (forgotten.has(hash, mark, owner.mark)) return true;
    return formerOwner !== undefined && forgotten.has(hash, mark, formerOwner.mark);
  }

  /** Takes it out of the list of those in flight. */
  #leaveFlight(delivery: Delivery): void {
    const { storePrev, storeNext } = delivery;
    if (storePrev === undefined) this.#newest = storeNext;
    else storePrev.storeNext = storeNext;
    if (storeNext !== undefined) storeNext.storePrev = storePrev;
    delivery.storePrev = undefined;
    delivery.storeNext = undefined;
    this.pending--;
  }

  /** Makes the delivery the newest of its event to its session. */
  #hold(delivery: Delivery, eventId: string): void {
    const holder = this.#events.claim(delivery, eventId);
    const { session } = delivery;
    delivery.eventMark = markOf(eventId);
    if (this.#mayBeKnown(session, delivery.eventHash, delivery.eventMark)) delivery.repeated = true;
    if (holder === undefined) return;
    let twin: Delivery | undefined;
    if (holder instanceof Delivery && holder.session === session) {
      twin = holder;
      this.#events.replace(delivery, eventId);
    } else {
      const fanOut = holder instanceof FanOut ? holder : this.#fanOut(holder, eventId);
      if (this.#forgotten !== undefined && fanOut.mayHaveReached(session)) delivery.repeated = true;
      twin = fanOut.enter(delivery);
    }
    if (twin === undefined) return;
    delivery.olderTwin = twin;
    this.#newerTwin.set(twin, delivery);
  }

  /** Turns the entry of an event that a second session is sent into a fan-out. */
  #fanOut(first: Delivery, eventId: string): FanOut {
    const fanOut = new FanOut(eventId);
    fanOut.enter(first);
    for (let twin = first.olderTwin; twin !== undefined; twin = twin.olderTwin) fanOut.enter(twin);
    fanOut.bySession.set(first.session, first);
    this.#events.replace(fanOut, eventId);
    return fanOut;
  }

  /** Removes a settled delivery from every table, so that the store does not keep it alive. */
  #forget(delivery: Delivery): void {
    this.#left?.(delivery);
    const { eventId, olderTwin } = delivery;
    if (eventId === undefined) return;
    this.#forgotten?.add(delivery.eventHash, delivery.eventMark, delivery.session.owner.mark);
    const newerTwin = this.#newerTwin.size === 0 ? undefined : this.#newerTwin.get(delivery);
    if (newerTwin === undefined && olderTwin === undefined) {
      this.#release(delivery, eventId);
      return;
    }
    delivery.olderTwin = undefined;
    if (olderTwin !== undefined) delivery.repeated = true;
    this.#newerTwin.delete(delivery);
    if (newerTwin !== undefined) {
      newerTwin.repeated = true;
      newerTwin.olderTwin = olderTwin;
      if (olderTwin !== undefined) this.#newerTwin.set(olderTwin, newerTwin);
      return;
    }
    // An older twin outlived the newest one (it is still in flight, or settled later). It becomes
    // the newest.
    const heir = olderTwin as Delivery;
    this.#newerTwin.delete(heir);
    const holder = this.#events.get(eventId);
    if (holder instanceof FanOut) holder.bySession.set(heir.session, heir);
    else this.#events.replace(heir, eventId);
  }

  /** Ends the event's entry for that session. The last session takes the entry with it. */
  #release(delivery: Delivery, eventId: string): void {
    const holder = this.#events.release(delivery, eventId);
    if (!(holder instanceof FanOut)) return;
    holder.bySession.delete(delivery.session);
    if (holder.bySession.size === 0) this.#events.release(holder, eventId);
  }
}

/**
 * Keeps deliveries in this process: those in flight without a bound of its own (the tracker's
 * limits apply), settled ones up to `history`.
 */
export function createMemoryStore({ history, remembers = true, left }: MemoryStoreOptions): Store {
  if (!Number.isInteger(history) || history < 0)
    throw new RangeError(`history must be a whole number of deliveries ≥ 0, not ${history}`);
  return new MemoryStore(history, remembers, left);
}
