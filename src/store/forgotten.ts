// What an owner was sent and the books do not hold any more, as hashes: a word on such an event may mean a message that nobody knows.

/** Slots of one generation, 2 MiB; it is left when it is half full, and forgotten with the next change. Power of two. */
const SLOTS = 1 << 18;

/** Open addressing; 0 in `hashes` = empty. A hash that collides is told apart by a second look at the id. */
class Generation {
  count = 0;
  readonly #hashes = new Int32Array(SLOTS);
  readonly #marks = new Int32Array(SLOTS);

  add(hash: number, mark: number): void {
    let at = hash & (SLOTS - 1);
    for (let found = this.#hashes[at]; found !== 0; found = this.#hashes[at]) {
      if (found === hash && this.#marks[at] === mark) return;
      at = (at + 1) & (SLOTS - 1);
    }
    this.#hashes[at] = hash;
    this.#marks[at] = mark;
    this.count++;
  }

  has(hash: number, mark: number): boolean {
    let at = hash & (SLOTS - 1);
    for (let found = this.#hashes[at]; found !== 0; found = this.#hashes[at]) {
      if (found === hash && this.#marks[at] === mark) return true;
      at = (at + 1) & (SLOTS - 1);
    }
    return false;
  }

  clear(): void {
    this.#hashes.fill(0);
    this.count = 0;
  }
}

/** The latest 131,072 to 262,144 of them. */
export class Forgotten {
  /** Made when the first delivery leaves the history: most processes of a short life never need it. */
  #young: Generation | undefined = undefined;
  #old: Generation | undefined = undefined;

  /** Notes event `eventId`, whose hash in the books is `eventHash`, of owner `seq`. */
  add(eventId: string, eventHash: number, seq: number): void {
    if (this.#young === undefined || this.#young.count * 2 >= SLOTS) {
      const spare = this.#old ?? new Generation();
      spare.clear();
      this.#old = this.#young;
      this.#young = spare;
    }
    this.#young.add(mix(eventHash, seq), markOf(eventId));
  }

  has(eventId: string, eventHash: number, seq: number): boolean {
    if (this.#young === undefined) return false;
    const hash = mix(eventHash, seq);
    const mark = markOf(eventId);
    return this.#young.has(hash, mark) || this.#old?.has(hash, mark) === true;
  }
}

/** As MurmurHash3 ends. Never 0, which stands for an empty slot. */
function mix(eventHash: number, seq: number): number {
  let hash = Math.imul(eventHash ^ Math.imul(seq, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash === 0 ? 1 : hash;
}

/** Length and last characters: where ids that are made one after another, or by chance, differ most. */
function markOf(eventId: string): number {
  let mark = eventId.length;
  for (let i = Math.max(0, eventId.length - 8); i < eventId.length; i++)
    mark = Math.imul(mark, 31) + eventId.charCodeAt(i);
  return mark | 0;
}
