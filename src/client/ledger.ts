// client: a session's messages as the client counts them: which are new, which are handled, and what the sidecar has yet to hear of it. Pure.
import type { Resumption, Welcome } from './protocol.ts';

/** Words that may be unheard at a time, and messages whose handlers may be unfinished. */
const LIMIT = 10_000;
/** Words that are kept for a sidecar that never says what it has heard; the oldest are given up beyond that. */
const REMEMBERED = 1024;
/** Characters of a rejection's reason that are sent. */
const REASON_LIMIT = 256;
/** Ordinals in one `also`: a sidecar reads words of up to 1024 ordinals and 4 KiB. */
const ALSO_LIMIT = 100;

/** One per session; ordinals count the upstream's data messages from 1. */
export class Ledger {
  /** Session and token, as told last. */
  from: Pick<Welcome, 'session' | 'token' | 'silence'>;
  /** Ordinal of the next message that comes without a notice. */
  next: number;
  /** Highest ordinal given to the application: whatever is not above it has been delivered. */
  handed: number;
  /** Handed, and the handlers have not finished. Ascending, because messages are handed in order. */
  readonly #open = new Set<number>();
  /** What the sidecar may not have heard, apart from what `through` covers: by ordinal, why the application could not handle it. */
  readonly #words: Map<number, string | null | undefined>;
  /** Those of them that were said on this connection: by ordinal, the serial of the frame. */
  readonly #said = new Map<number, number>();
  #serial = 0;

  /** A new session, or what an earlier page of it left behind. */
  constructor(from: Resumption | Welcome, handed: number) {
    this.from = from;
    this.next = handed + 1;
    this.handed = handed;
    this.#words = new Map((from as Resumption).words);
  }

  /** Whether the sidecar says what it has heard. */
  get answers(): boolean {
    return this.from.silence !== undefined;
  }

  /** Everything up to here has reached the application, and all its handlers have finished. */
  get through(): number {
    for (const n of this.#open) return n - 1;
    return this.handed;
  }

  /** Words that no frame has said on this connection. */
  get unsaid(): number {
    return this.#words.size - this.#said.size;
  }

  /** Whether so much is unheard that no message may be taken. */
  get full(): boolean {
    return this.answers && this.#words.size >= LIMIT;
  }

  /** What it takes to go on; `handled`: with the messages whose handlers have not finished coming again. */
  resumption(handled: boolean): Resumption {
    const { session, token } = this.from;
    return { session, token, last: handled ? this.through : this.handed, words: [...this.#words] };
  }

  /** Numbers a message that arrived; `announced` is its notice's ordinal or 0. Returns 0 for a duplicate. */
  take(announced: number): number {
    const n = announced || this.next;
    if (n >= this.next) this.next = n + 1;
    if (n <= this.handed) return 0;
    this.handed = n;
    // An earlier page of the session was done with it.
    if (this.#words.has(n)) return 0;
    this.#open.add(n);
    if (this.#open.size > LIMIT) this.end(this.through + 1, 'unfinished');
    return n;
  }

  /** The application is done with message `n`; the first word counts. Returns whether this was it. */
  end(n: number, reason?: string): boolean {
    if (!this.#open.delete(n)) return false;
    this.#words.set(n, reason?.slice(0, REASON_LIMIT));
    return true;
  }

  /** The sidecar has taken in every frame up to `serial`. */
  hear(serial: number): void {
    for (const [n, said] of this.#said) if (said <= serial) this.#forget(n);
  }

  /** A connection carries the session: what was said over an earlier one and not heard is to be said again. */
  resume(welcome: Welcome): void {
    const { next, heard = 0 } = welcome;
    this.from = welcome;
    this.next = next;
    this.hear(heard);
    this.#said.clear();
    this.#serial = Math.max(this.#serial, heard);
  }

  /** A frame that asks the sidecar for a sign of life. */
  still(): object {
    return { ackspan: 'still', s: ++this.#serial };
  }

  /**
   * The frames that tell the sidecar of everything unsaid. Rejections come first: `through` covers them too, and the first
   * word about a message counts. `also` lists messages that ended before an earlier one did.
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
      // Every later `through` says it, on whatever connection.
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
