// A connection on which nothing is tracked says so once: the operator would otherwise take silence for success (SPEC D16).

/** So many messages without an event are told at once … */
const ENOUGH = 50;
/** … and so many at the end of the connection. */
const FEW = 10;

/** Counts the messages of one connection until the first event is found in one. */
export class UntrackedNotice {
  readonly #say: (text: string) => void;
  #count = 0;
  #latest = '';
  #over = false;

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  /** An event was found: the connection is none of those. */
  found(): void {
    this.#over = true;
  }

  /** A message held no event, for that reason. What a rule leaves out on purpose does not count. */
  missed(reason: string): void {
    if (this.#over || reason === 'untracked') return;
    this.#count++;
    this.#latest = reason;
    this.#tell(ENOUGH);
  }

  /** The connection ends. */
  end(): void {
    this.#tell(FEW);
  }

  #tell(enough: number): void {
    if (this.#over || this.#count < enough) return;
    this.#over = true;
    this.#say(
      `no event in any of ${this.#count} messages (the latest: ${this.#latest}); see events.type and events.rules`,
    );
  }
}
