// relay: a client that is asked to come again (W23): what it was told, what its answer proves, how long it may take.
import { patiently, type Wait } from '../time/patience.ts';
import { answersClose, type CloseSaid, type CloseWords } from './parting.ts';

/** The Close frame that the client was sent, behind message `through`. */
interface Asked extends CloseWords {
  readonly through: number;
  readonly patienceMs: number;
  /** Whether the client's answer may lie unread, because the upstream takes no more. */
  readonly blind: () => boolean;
}

export class Retiring {
  #asked: Asked | undefined = undefined;
  #wait: Wait | undefined = undefined;

  /** Whether the client that is there was asked. */
  get underWay(): boolean {
    return this.#asked !== undefined;
  }

  /**
   * Notes what the client was told. After `patienceMs` without an end, in which it was read, `give`
   * is called. All that had come by `at` (monotonic ms) has been read then.
   */
  begin(asked: Asked, give: (at: number) => void): void {
    this.#asked = asked;
    this.#wait = patiently(asked.patienceMs, (at) => {
      if (asked.blind()) this.begin(asked, give);
      else give(at);
    });
  }

  /** The last message that the Close frame `said` proves; -1 = none. */
  provenBy(said: CloseSaid): number {
    return this.#asked !== undefined && answersClose(said, this.#asked) ? this.#asked.through : -1;
  }

  /** The client goes, or another takes its place. Answers whether it had been asked. */
  over(): boolean {
    const { underWay } = this;
    this.#wait?.cancel();
    this.#wait = this.#asked = undefined;
    return underWay;
  }
}
