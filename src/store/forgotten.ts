// store: events of an owner that have left the history, as hashes: a confirmation may mean one of them (SPEC D13).

/**
 * Slots of one generation, 512 KiB: small enough for a near cache. A generation ends when it is
 * half full. Power of two.
 */
const SLOTS = 1 << 16;

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
export class Forgotten {
  /**
   * The generations, made when the first delivery leaves the history: most processes of a short
   * life never need them.
   */
  #young: Generation | undefined = undefined;
  #old: Generation | undefined = undefined;

  /** Notes event `eventId`, whose hash in the store is `eventHash`, of the owner with that mark. */
  add(eventId: string, eventHash: number, owner: number): void {
    if (this.#young === undefined || this.#young.count * 2 >= SLOTS) {
      const spare = this.#old ?? new Generation();
      spare.clear();
      this.#old = this.#young;
      this.#young = spare;
    }
    this.#young.add(mix(eventHash, owner), markOf(eventId));
  }

  has(eventId: string, eventHash: number, owner: number): boolean {
    if (this.#young === undefined) return false;
    const hash = mix(eventHash, owner);
    const mark = markOf(eventId);
    return this.#young.has(hash, mark) || this.#old?.has(hash, mark) === true;
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
