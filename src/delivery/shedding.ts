// delivery: what gives way first at a limit: LOW may fill the smallest share, CRITICAL all of it (D7).
import type { Ending } from './ending.ts';
import type { Store } from './ports.ts';
import { type Delivery, isSettled } from './record.ts';
import type { Owner, Session } from './session.ts';
import type { Priority, ShedReason } from './words.ts';

/** Share of a limit that each priority may fill. */
export const SHED_AT: Readonly<Record<Priority, number>> = { critical: 1, high: 0.95, normal: 0.9, low: 0.8 };

/** Limits on deliveries in flight, in all and per user (or per session without a user). */
export interface PendingLimits {
  readonly pending: number;
  readonly pendingPerUser: number;
}

/** Below this share of a limit no event has to give way. */
const SHED_FROM = SHED_AT.low;

/**
 * The limit that an event of that priority meets, given the deliveries in flight in all and of its
 * owner; undefined = none.
 */
function shedReason(limits: PendingLimits, all: number, own: number, priority: Priority): ShedReason | undefined {
  const { pending, pendingPerUser } = limits;
  if (all < pending * SHED_FROM && own < pendingPerUser * SHED_FROM) return undefined;
  const share = SHED_AT[priority];
  if (all >= pending * share) return 'pending';
  return own >= pendingPerUser * share ? 'pending_per_user' : undefined;
}

/** Whether an event finds a place among the deliveries in flight. */
export class Shedding {
  /** Whether memory runs short: LOW and NORMAL events find no place. The memory guard sets it. */
  short = false;
  readonly #limits: PendingLimits;
  readonly #store: Store;
  readonly #ending: Ending;
  readonly #displaced: Displaced;

  constructor(limits: PendingLimits, store: Store, ending: Ending) {
    this.#limits = limits;
    this.#store = store;
    this.#ending = ending;
    this.#displaced = new Displaced(store);
  }

  /**
   * The limit that leaves the event without a place; undefined = it has one. At a full limit a
   * CRITICAL event takes the place of a less important delivery, which ends `unverifiable: limit`.
   * `now` is monotonic ms.
   */
  refuses({ owner }: Session, priority: Priority, now: number): ShedReason | undefined {
    if (this.short && (priority === 'low' || priority === 'normal')) return 'memory';
    const limit = shedReason(this.#limits, this.#store.pending, owner.pending, priority);
    if (limit === undefined) this.#displaced.joined(owner, priority);
    if (limit === undefined || priority !== 'critical') return limit;
    const victim = this.#displaced.next(limit === 'pending' ? undefined : owner, now);
    if (victim === undefined) return limit;
    this.#ending.unverifiable(victim, 'limit', now);
    return undefined;
  }
}

/** Candidates that one look through the store remembers. */
const CANDIDATES = 1024;
/**
 * Shortest time between two looks where the last one found all that there was, ms: a look costs as
 * much as the store is full.
 */
const LOOK_MS = 250;

/**
 * Finds the delivery that gives its place to a CRITICAL event at a full limit: LOW ones first, then
 * NORMAL ones, the oldest of each first.
 */
export class Displaced {
  readonly #store: Store;
  readonly #has: (delivery: Delivery) => boolean;
  readonly #candidates: Delivery[] = [];
  /** The owner of the candidates; undefined = any owner. */
  #owner: Owner | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Whether the last look found all candidates that there are now. */
  #complete = false;

  /** `has`: whether a delivery in flight has what is wanted of it. */
  constructor(store: Store, has: (delivery: Delivery) => boolean = () => true) {
    this.#store = store;
    this.#has = has;
  }

  /**
   * The next candidate, of that owner or (undefined) of all; undefined when there is none. `now` is
   * monotonic ms.
   */
  next(owner: Owner | undefined, now: number): Delivery | undefined {
    const found = this.#take(owner);
    if (found !== undefined) return found;
    if (owner === this.#owner && this.#complete && now - this.#lookedAt < LOOK_MS) return undefined;
    this.#lookedAt = now;
    this.#owner = owner;
    this.#look();
    return this.#take(owner);
  }

  /** Notes that a delivery of that owner may have what is wanted from now on. */
  joined(owner: Owner, priority: Priority): void {
    if (RANK[priority] > 0 && (this.#owner === undefined || this.#owner === owner)) this.#complete = false;
  }

  /** A record may have been settled and used again since the look, so its present state decides. */
  #take(owner: Owner | undefined): Delivery | undefined {
    if (owner !== this.#owner) return undefined;
    for (let each = this.#candidates.pop(); each !== undefined; each = this.#candidates.pop()) {
      const fits = !isSettled(each) && rank(each) > 0 && this.#has(each);
      if (fits && (owner === undefined || each.session.owner === owner)) return each;
    }
    return undefined;
  }

  #look(): void {
    const low: Delivery[] = [];
    const normal: Delivery[] = [];
    this.#store.each((delivery) => {
      if (isSettled(delivery)) return false;
      if ((this.#owner !== undefined && delivery.session.owner !== this.#owner) || !this.#has(delivery)) return true;
      const list = rank(delivery) === 2 ? low : rank(delivery) === 1 ? normal : undefined;
      list?.push(delivery);
      return true;
    });
    // The store shows the newest first; the list is emptied from its end.
    const all = [...normal, ...low];
    this.#complete = all.length <= CANDIDATES;
    this.#candidates.length = 0;
    this.#candidates.push(...all.slice(-CANDIDATES));
  }
}

/** The higher, the sooner a delivery gives way; 0 = it keeps its place. */
const RANK: Readonly<Record<Priority, number>> = { critical: 0, high: 0, normal: 1, low: 2 };

function rank({ type }: Delivery): number {
  return RANK[type.policy.priority];
}
