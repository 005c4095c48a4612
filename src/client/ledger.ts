// client: a session's messages as the client counts them: new, handled, and not acknowledged ones. Pure.
import type { Resumption, Welcome } from './protocol.ts';

/**
 * Confirmations and rejections that may be unacknowledged at a time, and messages whose handlers
 * may be unfinished.
 */
const LIMIT = 10_000;
/**
 * Confirmations and rejections that are kept for a sidecar that never acknowledges. Beyond that the
 * oldest are given up.
 */
const REMEMBERED = 1024;
/** Characters of a rejection's reason that are sent. */
const REASON_LIMIT = 256;
/** Ordinals in one `also`. A sidecar reads frames of up to 1024 ordinals and 4 KiB. */
const ALSO_LIMIT = 100;

/** One ledger per session. Ordinals count the upstream's data messages from 1. */
export class Ledger {
  /** Session and token of the latest welcome. */
  from: Pick<Welcome, 'session' | 'token' | 'silence'>;
  /** Ordinal of the next message that comes without a notice. */
  next: number;
  /** Highest ordinal given to the application. A message that is not above it is a duplicate. */
  handed: number;
  /** Messages whose handlers have not finished. Ascending, because messages are handed in order. */
  readonly #open = new Set<number>();
  /**
   * Results that the sidecar may not have heard, apart from what `through` covers: by ordinal, the
   * reason of a rejection.
   */
  readonly #words: Map<number, string | null | undefined>;
  /** Results that were sent on this connection: by ordinal, the serial of the frame. */
  readonly #said = new Map<number, number>();
  #serial = 0;

  /** Starts a new session, or goes on with that of an earlier page. */
  constructor(from: Resumption | Welcome, handed: number) {
    this.from = from;
    this.next = handed + 1;
    this.handed = handed;
    this.#words = new Map((from as Resumption).words);
  }

  /** Whether the sidecar acknowledges. */
  get answers(): boolean {
    return this.from.silence !== undefined;
  }

  /**
   * The highest ordinal up to which the application has been given every message, and all its
   * handlers have finished.
   */
  get through(): number {
    for (const n of this.#open) return n - 1;
    return this.handed;
  }

  /** Number of results that no frame has carried on this connection. */
  get unsaid(): number {
    return this.#words.size - this.#said.size;
  }

  /** Whether so many results are unacknowledged that no message may be taken. */
  get full(): boolean {
    return this.answers && this.#words.size >= LIMIT;
  }

  /** The state to resume from; `handled`: messages whose handlers have not finished come again. */
  resumption(handled: boolean): Resumption {
    const { session, token } = this.from;
    return { session, token, last: handled ? this.through : this.handed, words: [...this.#words] };
  }

  /**
   * Numbers a message that arrived. `announced` is its notice's ordinal or 0. Returns 0 for a
   * duplicate.
   */
  take(announced: number): number {
    const n = announced || this.next;
    if (n >= this.next) this.next = n + 1;
    if (n <= this.handed) return 0;
    this.handed = n;
    // An earlier page of the session was done with the message.
    if (this.#words.has(n)) return 0;
    this.#open.add(n);
    if (this.#open.size > LIMIT) this.end(this.through + 1, 'unfinished');
    return n;
  }

  /**
   * Notes that the application is done with message `n`. The first call counts. Returns whether
   * this was it.
   */
  end(n: number, reason?: string): boolean {
    if (!this.#open.delete(n)) return false;
    this.#words.set(n, reason?.slice(0, REASON_LIMIT));
    return true;
  }

  /** Notes that the sidecar has taken in every frame up to `serial`. */
  hear(serial: number): void {
    for (const [n, said] of this.#said) if (said <= serial) this.#forget(n);
  }

  /**
   * Notes that a connection carries the session. Results that were sent over an earlier one and not
   * acknowledged are to be sent again.
   */
  resume(welcome: Welcome): void {
    const { next, heard = 0 } = welcome;
    this.from = welcome;
    this.next = next;
    this.hear(heard);
    this.#said.clear();
    this.#serial = Math.max(this.#serial, heard);
  }

  /** The frame that asks the sidecar for a sign of life. */
  still(): object {
    return { ackspan: 'still', s: ++this.#serial };
  }

  /**
   * The frames that tell the sidecar every unsent result. Rejections come first: `through` covers
   * them too, and the first confirmation or rejection of a message counts. `also` lists messages
   * that ended before an earlier one did.
   */
  frames(): object[] {
    const { through } = this;
    const also: number[] = [];
    const frames: object[] = [];
    const say = (about: number[], frame: object): void => {
      frames.push({ ...frame, s: ++this.#serial });
      for (const n of about) this.#said.set(n, this.#serial);
    };
    for (const [n, reason] of this.#words) {
      // Every later `through` covers the message, on any connection.
      if (reason == null && n <= through) this.#forget(n);
      else if (this.#said.has(n)) continue;
      else if (reason == null) also.push(n);
      else say([n], { ackspan: 'reject', n, reason });
    }
    do {
      const some = also.splice(0, ALSO_LIMIT);
      if (through || some[0]) say(some, { ackspan: 'confirm', through, also: some[0] ? some : undefined });
    } while (also[0]);
    if (!this.answers) for (const n of this.#words.keys()) if (this.#words.size > REMEMBERED) this.#forget(n);
    return frames;
  }

  #forget(n: number): void {
    this.#words.delete(n);
    this.#said.delete(n);
  }
}
