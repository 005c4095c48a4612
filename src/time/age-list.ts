// time: records in the order of their last sign of life; the oldest is found in constant time.

/** A record that can be in one such list. The links belong to the list. */
export interface Aged {
  older: Aged | undefined;
  newer: Aged | undefined;
  listed: boolean;
}

/** Oldest first. Records must be added in order of time. */
export class AgeList<T extends Aged> {
  size = 0;
  #oldest: Aged | undefined = undefined;
  #newest: Aged | undefined = undefined;

  get oldest(): T | undefined {
    return this.#oldest as T | undefined;
  }

  /** Puts the record at the young end, wherever it was. */
  add(record: T): void {
    if (record.listed) this.remove(record);
    record.listed = true;
    record.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = record;
    else this.#newest.newer = record;
    this.#newest = record;
    this.size++;
  }

  /** Takes the record out. Does nothing if it is not in. */
  remove(record: T): void {
    if (!record.listed) return;
    const { older, newer } = record;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    record.older = undefined;
    record.newer = undefined;
    record.listed = false;
    this.size--;
  }
}
