// store: events of an owner that have left the history, as hashes: a confirmation may mean one of them (SPEC D13).

/**
 * Slots of one generation, 512 KiB: small enough for a near cache. A generation ends when it is
 * half full. Power of two.
 */
const SLOTS = 1 << 16;
/** In place of an owner's mark, which is never 0. */
const ANYBODY = 0;

/**
 * Open addressing. Each slot is a hash (0 = empty) and, beside it, a second check of the id that
 * tells colliding hashes apart.
 */
class Generation {
  count = 0;
  readonly #slots = new Int32Array(SLOTS * 2);

  add(hash: number, mark: number): void {
    const at = this.#seek(hash, mark);
    if (this.#slots[at] !== 0) return;
    this.#slots[at] = hash;
    this.#slots[at + 1] = mark;
    this.count++;
  }

  has(hash: number, mark: number): boolean {
    return this.#slots[this.#seek(hash, mark)] !== 0;
  }

  /** The slot of the pair, or the empty slot where it would go. */
  #seek(hash: number, mark: number): number {
    const slots = this.#slots;
    let at = (hash & (SLOTS - 1)) * 2;
    for (let found = slots[at]; found !== 0; found = slots[at]) {
      if (found === hash && slots[at + 1] === mark) return at;
      at = (at + 2) & (SLOTS * 2 - 1);
    }
    return at;
  }

  clear(): void {
    this.#slots.fill(0);
    this.count = 0;
  }
}

/** Remembers the latest 32,768 to 65,536 pairs. */
class Pairs {
  /**
   * The generations, made when the first delivery leaves the history: most processes of a short
   * life never need them.
   */
  #young: Generation | undefined = undefined;
  #old: Generation | undefined = undefined;

  add(hash: number, mark: number): void {
    if (this.#young === undefined || this.#young.count * 2 >= SLOTS) {
      const spare = this.#old ?? new Generation();
      spare.clear();
      this.#old = this.#young;
      this.#young = spare;
    }
    this.#young.add(hash, mark);
  }

  has(hash: number, mark: number): boolean {
    return this.#young?.has(hash, mark) === true || this.#old?.has(hash, mark) === true;
  }
}

/**
 * Remembers at least the latest 32,768 pairs of event and owner. `eventHash` is the hash of the
 * event's id in the store, and `owner` the mark of an owner.
 */
export class Forgotten {
  readonly #byOwner = new Pairs();
  /**
   * An event is one entry here, to however many sessions it went. So an event that is not here is
   * of no owner: nearly all events need no other look.
   */
  readonly #ofAnybody = new Pairs();
  /** Events that only a client named; made with the first one. */
  #claimed: Pairs | undefined = undefined;

  /** Notes that the owner was sent the event. */
  add(eventId: string, eventHash: number, owner: number): void {
    const mark = markOf(eventId);
    this.#byOwner.add(mix(eventHash, owner), mark);
    this.#ofAnybody.add(mix(eventHash, ANYBODY), mark);
  }

  /** Notes that a client of the owner says that it has the event. */
  claim(eventId: string, eventHash: number, owner: number): void {
    this.#claimed ??= new Pairs();
    this.#claimed.add(mix(eventHash, owner), markOf(eventId));
  }

  /** Whether the owner was sent the event, or says so. */
  has(eventId: string, eventHash: number, owner: number): boolean {
    const mark = markOf(eventId);
    if (this.#claimed?.has(mix(eventHash, owner), mark) === true) return true;
    return this.#ofAnybody.has(mix(eventHash, ANYBODY), mark) && this.#byOwner.has(mix(eventHash, owner), mark);
  }

  /** Whether any owner was sent the event. */
  ofAnybody(eventId: string, eventHash: number): boolean {
    return this.#ofAnybody.has(mix(eventHash, ANYBODY), markOf(eventId));
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
function markOf(eventId: string): number {
  let mark = eventId.length;
  for (let i = Math.max(0, eventId.length - 8); i < eventId.length; i++)
    mark = Math.imul(mark, 31) + eventId.charCodeAt(i);
  return mark | 0;
}
