// store: events of an owner that have left the history, as hashes: a confirmation may mean one of them (SPEC D13).

/**
 * Slots of one generation, 768 KiB: small enough for a near cache. A generation ends when it is
 * half full. Power of two.
 */
const SLOTS = 1 << 16;

/**
 * Open addressing. Each slot is a hash (0 = empty) and, beside it, a second check of the id that
 * tells colliding hashes apart, and a value, which is never 0.
 */
class Generation {
  count = 0;
  readonly #slots = new Int32Array(SLOTS * 3);

  /** Enters the value unless the pair has one already. Returns the value that it has then. */
  enter(hash: number, mark: number, value: number): number {
    const slots = this.#slots;
    const at = this.#seek(hash, mark);
    if (slots[at] === hash) return slots[at + 2] as number;
    slots[at] = hash;
    slots[at + 1] = mark;
    slots[at + 2] = value;
    this.count++;
    return value;
  }

  /** The value of the pair; 0 = it is not here. */
  get(hash: number, mark: number): number {
    return this.#slots[this.#seek(hash, mark) + 2] as number;
  }

  /** The slot of the pair, or the empty slot where it would go. */
  #seek(hash: number, mark: number): number {
    const slots = this.#slots;
    let at = (hash & (SLOTS - 1)) * 3;
    for (let found = slots[at]; found !== 0; found = slots[at]) {
      if (found === hash && slots[at + 1] === mark) return at;
      at += 3;
      if (at === SLOTS * 3) at = 0;
    }
    return at;
  }

  clear(): void {
    this.#slots.fill(0);
    this.count = 0;
  }
}

/** Remembers the latest 32,768 to 65,536 pairs of hash and mark, each with its first value. */
class Pairs {
  /**
   * The generations, made when the first delivery leaves the history: most processes of a short
   * life never need them.
   */
  #young: Generation | undefined = undefined;
  #old: Generation | undefined = undefined;

  /** Returns the value that the pair has in the young generation now. */
  add(hash: number, mark: number, value: number): number {
    if (this.#young === undefined || this.#young.count * 2 >= SLOTS) {
      const spare = this.#old ?? new Generation();
      spare.clear();
      this.#old = this.#young;
      this.#young = spare;
    }
    return this.#young.enter(hash, mark, value);
  }

  has(hash: number, mark: number): boolean {
    return (this.#young?.get(hash, mark) ?? 0) !== 0 || (this.#old?.get(hash, mark) ?? 0) !== 0;
  }

  /** Whether the pair has the value in one of the generations. */
  hasValue(hash: number, mark: number, value: number): boolean {
    return this.#young?.get(hash, mark) === value || this.#old?.get(hash, mark) === value;
  }
}

/**
 * Remembers at least the latest 32,768 pairs of event and owner. An event is told by the hash of
 * its id in the store, which is never 0, and by its `markOf`; an owner by its mark, never 0 either.
 */
export class Forgotten {
  /**
   * Events, each with the first owner that it went to, to however many sessions it went. An event
   * that is not here is of no owner: nearly all events need no other look.
   */
  readonly #events = new Pairs();
  /** The further owners of an event; made with the first one. */
  #others: Pairs | undefined = undefined;
  /** Events that only a client named; made with the first one. */
  #claimed: Pairs | undefined = undefined;

  /** Notes that the owner was sent the event. */
  add(eventHash: number, mark: number, owner: number): void {
    if (this.#events.add(eventHash, mark, owner) === owner) return;
    this.#others ??= new Pairs();
    this.#others.add(mix(eventHash, owner), mark, owner);
  }

  /** Notes that a client of the owner says that it has the event. */
  claim(eventHash: number, mark: number, owner: number): void {
    this.#claimed ??= new Pairs();
    this.#claimed.add(mix(eventHash, owner), mark, owner);
  }

  /** Whether a client of the owner says that it has the event. */
  claims(eventHash: number, mark: number, owner: number): boolean {
    return this.#claimed?.has(mix(eventHash, owner), mark) === true;
  }

  /** Whether the owner was sent the event, or says so. */
  has(eventHash: number, mark: number, owner: number): boolean {
    if (this.claims(eventHash, mark, owner)) return true;
    if (this.#events.hasValue(eventHash, mark, owner)) return true;
    return this.#others?.has(mix(eventHash, owner), mark) === true;
  }

  /** Whether any owner was sent the event. */
  ofAnybody(eventHash: number, mark: number): boolean {
    return this.#events.has(eventHash, mark);
  }
}

/** The final mix of MurmurHash3. Never 0, which stands for an empty slot. */
function mix(eventHash: number, owner: number): number {
  let hash = Math.imul(eventHash ^ Math.imul(owner, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash === 0 ? 1 : hash;
}

/** A check of length and last characters, where generated ids differ most. */
export function markOf(eventId: string): number {
  let mark = eventId.length;
  for (let i = Math.max(0, eventId.length - 8); i < eventId.length; i++)
    mark = Math.imul(mark, 31) + eventId.charCodeAt(i);
  return mark | 0;
}
