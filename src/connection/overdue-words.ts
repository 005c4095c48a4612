// connection: words of the application that are awaited in place of a pong: looked for on every beat, so that one that does not come costs 100 ms, not a loss.

/** A connection that saves a barrier for the moment (SPEC E5). */
export interface Deferring {
  /** Sends the barrier if the word is overdue; says whether something still waits. */
  overdue(now: number): boolean;
}

/** The connections that defer a barrier now. */
export class OverdueWords {
  #list: Deferring[] = [];

  /** Once, until a look has taken it out again. */
  add(connection: Deferring): void {
    this.#list.push(connection);
  }

  look(now: number): void {
    if (this.#list.length === 0) return;
    const list = this.#list;
    this.#list = [];
    for (const connection of list) if (connection.overdue(now)) this.#list.push(connection);
  }
}
