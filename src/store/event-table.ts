// store: finds the deliveries of an event by its id, 1.6 times as fast as a Map (10,000 to 100,000 entries).
import type { Delivery } from '../delivery/record.ts';
import type { Session } from '../delivery/session.ts';

/** Users beyond twice the sessions of an event that it remembers. */
const SPARE_USERS = 64;

/** The newest delivery of one event to each of several sessions. */
export class FanOut {
  readonly eventId: string;
  readonly bySession = new Map<Session, Delivery>();
  /** The fields are those of Delivery. */
  eventHash = 0;
  /** When the event was first sent to any of the sessions, monotonic ms. */
  #since = Number.POSITIVE_INFINITY;
  /**
   * When it was first sent to each user, by the mark of the owner; 0 = to sessions without a user.
   * Made when it is asked for: most events of a fan-out go to all sessions at once.
   */
  #firsts: Map<number, number> | undefined = undefined;

  constructor(eventId: string) {
    this.eventId = eventId;
  }

  /** Makes the delivery the newest of its session. Returns the one before it. */
  enter(delivery: Delivery): Delivery | undefined {
    const { session, sentAt } = delivery;
    const twin = this.bySession.get(session);
    this.bySession.set(session, delivery);
    if (sentAt < this.#since) this.#since = sentAt;
    const firsts = this.#firsts;
    // Users whose deliveries have all left are let go of now and then: an id may be used for ever.
    if (firsts !== undefined && firsts.size > 2 * this.bySession.size + SPARE_USERS) this.#firsts = undefined;
    else if (firsts !== undefined) noteFirst(firsts, delivery);
    return twin;
  }

  /**
   * Whether a session of what may be the same client was sent the event before `session` began. A
   * client without a user may be any.
   */
  mayHaveReached({ owner, began }: Session): boolean {
    if (this.#since >= began) return false;
    if (owner.user === undefined) return true;
    this.#firsts ??= this.#findFirsts();
    return [owner.mark, 0].some((mark) => (this.#firsts?.get(mark) ?? began) < began);
  }

  #findFirsts(): Map<number, number> {
    const firsts = new Map<number, number>();
    for (const newest of this.bySession.values())
      for (let twin: Delivery | undefined = newest; twin !== undefined; twin = twin.olderTwin) noteFirst(firsts, twin);
    return firsts;
  }
}

function noteFirst(firsts: Map<number, number>, { session: { owner }, sentAt }: Delivery): void {
  const mark = owner.user === undefined ? 0 : owner.mark;
  if (sentAt < (firsts.get(mark) ?? Number.POSITIVE_INFINITY)) firsts.set(mark, sentAt);
}

/**
 * The entry of an event id: the newest delivery itself while one session has it, a fan-out as soon
 * as a second one does.
 */
export type Holder = Delivery | FanOut;

const LEAST_SLOTS = 1024;

/**
 * Open addressing with linear probing, at most half full. Hashes lie apart from the holders, so
 * that a probe that does not match costs no cache miss. (A Map misses the CPU's caches more often.)
 * A deletion moves the following entries up, so that churn leaves nothing behind.
 */
export class EventTable {
  size = 0;
  #mask = LEAST_SLOTS - 1;
  /** 0 = empty. */
  #hashes = new Int32Array(LEAST_SLOTS);
  #holders: (Holder | undefined)[] = new Array(LEAST_SLOTS).fill(undefined);
  /**
   * Secret start of the hash. It differs per process, so that colliding ids are hard to prepare.
   */
  readonly #seed = (Math.random() * 0x7fffffff) | 0;

  /** Capacity, in entries: at most 16 times `size`, or 1,024. */
  get slots(): number {
    return this.#mask + 1;
  }

  get(eventId: string): Holder | undefined {
    return this.#holders[this.#seek(eventId, this.#hash(eventId))];
  }

  /** Enters the holder unless its event has one already. Returns the present holder then. */
  claim(holder: Holder, eventId: string): Holder | undefined {
    const hash = this.#hash(eventId);
    holder.eventHash = hash;
    const at = this.#seek(eventId, hash);
    const known = this.#holders[at];
    if (known !== undefined) return known;
    this.#hashes[at] = hash;
    this.#holders[at] = holder;
    if (++this.size * 2 > this.#mask) this.#resize((this.#mask + 1) * 2);
    return undefined;
  }

  /** Puts the holder in the place of its event's present one, which must exist. */
  replace(holder: Holder, eventId: string): void {
    const hash = this.#hash(eventId);
    holder.eventHash = hash;
    this.#holders[this.#seek(eventId, hash)] = holder;
  }

  /**
   * Takes the event's entry out if it is this very holder. Otherwise returns the present holder.
   */
  release(holder: Holder, eventId: string): Holder | undefined {
    const at = this.#seekHolder(holder, eventId);
    const known = this.#holders[at];
    if (known !== holder) return known;
    this.#empty(at);
    if (--this.size * 16 < this.#mask && this.#mask >= LEAST_SLOTS) this.#resize((this.#mask + 1) / 2);
    return undefined;
  }

  /** The hash of an event's id, as holders carry it. */
  hashOf(eventId: string): number {
    return this.#hash(eventId);
  }

  /** The slot of the event, or the empty slot where it would go. */
  #seek(eventId: string, hash: number): number {
    const hashes = this.#hashes;
    const mask = this.#mask;
    let at = hash & mask;
    for (let found = hashes[at]; found !== 0; found = hashes[at]) {
      if (found === hash && (this.#holders[at] as Holder).eventId === eventId) return at;
      at = (at + 1) & mask;
    }
    return at;
  }

  /**
   * The slot of a holder. Its own entry is found without reading the id, which is seldom in the
   * CPU's caches when a delivery leaves.
   */
  #seekHolder(holder: Holder, eventId: string): number {
    const hash = holder.eventHash;
    const mask = this.#mask;
    if (hash === 0) return this.#seek(eventId, this.#hash(eventId));
    let at = hash & mask;
    for (let found = this.#hashes[at]; found !== 0; found = this.#hashes[at]) {
      if (found === hash) {
        const known = this.#holders[at] as Holder;
        if (known === holder || known.eventId === eventId) return at;
      }
      at = (at + 1) & mask;
    }
    return at;
  }

  /** Closes the gap: entries behind it move up unless that would put them before their own slot. */
  #empty(gap: number): void {
    const hashes = this.#hashes;
    const holders = this.#holders;
    const mask = this.#mask;
    for (let at = (gap + 1) & mask; hashes[at] !== 0; at = (at + 1) & mask) {
      const hash = hashes[at] as number;
      if (((at - hash) & mask) < ((at - gap) & mask)) continue;
      hashes[gap] = hash;
      holders[gap] = holders[at];
      gap = at;
    }
    hashes[gap] = 0;
    holders[gap] = undefined;
  }

  #resize(slots: number): void {
    const hashes = this.#hashes;
    const holders = this.#holders;
    const mask = slots - 1;
    this.#mask = mask;
    this.#hashes = new Int32Array(slots);
    this.#holders = new Array(slots).fill(undefined);
    for (let from = 0; from < hashes.length; from++) {
      const hash = hashes[from] as number;
      if (hash === 0) continue;
      let at = hash & mask;
      while (this.#hashes[at] !== 0) at = (at + 1) & mask;
      this.#hashes[at] = hash;
      this.#holders[at] = holders[from];
    }
  }

  /**
   * FNV-1a over UTF-16 units from a secret start, then mixed as MurmurHash3 ends, because slots use
   * the low bits. Never 0.
   */
  #hash(eventId: string): number {
    let hash = this.#seed;
    for (let i = 0; i < eventId.length; i++) hash = Math.imul(hash ^ eventId.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash ^= hash >>> 13;
    return hash === 0 ? 1 : hash;
  }
}
