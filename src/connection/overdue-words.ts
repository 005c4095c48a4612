// connection: confirmations that are awaited in place of a pong; a missing one costs 100 ms, not a loss.

/** A connection that has put off a barrier (SPEC E5). */
export interface Deferring {
  /**
   * Sends the barrier if the confirmation is overdue. Answers whether a delivery still waits for
   * one.
   */
  overdue(now: number): boolean;
}

/** The connections that have put off a barrier. */
export class OverdueWords {
  #list: Deferring[] = [];

  /** Adds a connection, which must not be on the list. */
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
