// A session's messages as the client counts them: which are new, which are handled, and what to tell the sidecar about it. Pure.

/** Ended messages that are remembered, to say again after a reconnect what the lost connection may have swallowed. */
const REMEMBERED = 64;
/** Characters of a rejection's reason that are sent. */
const REASON_LIMIT = 256;

/** Messages whose handlers may be unfinished at a time; the oldest is given up beyond that. */
const OPEN_LIMIT = 10_000;

interface Ended {
  readonly n: number;
  /** Why the application could not handle it; undefined when it did. */
  readonly reason: string | undefined;
}

/** One per session; ordinals count the upstream's data messages from 1. */
export class Ledger {
  readonly session: string;
  token: string;
  /** Ordinal of the next message that comes without a notice. */
  next: number;
  /** Highest ordinal given to the application: whatever is not above it has been delivered. */
  handed: number;
  /** Handed, and the handlers have not finished. Ascending, because messages are handed in order. */
  readonly #open = new Set<number>();
  #ended: Ended[] = [];
  /** `#ended` from this index on has not been sent on this connection. */
  #sent = 0;

  constructor(session: string, token: string, next: number, handed: number) {
    this.session = session;
    this.token = token;
    this.next = next;
    this.handed = handed;
  }

  /** Everything up to here has reached the application, and all its handlers have finished. */
  get through(): number {
    for (const n of this.#open) return n - 1;
    return this.handed;
  }

  /** Ended messages that no frame has told of. */
  get unsent(): number {
    return this.#ended.length - this.#sent;
  }

  /** Numbers a message that arrived; `announced` is its notice's ordinal or 0. Returns 0 for a duplicate. */
  take(announced: number): number {
    const n = announced || this.next;
    if (n >= this.next) this.next = n + 1;
    if (n <= this.handed) return 0;
    this.handed = n;
    this.#open.add(n);
    if (this.#open.size > OPEN_LIMIT) this.end(this.through + 1, 'unfinished');
    return n;
  }

  /** The application is done with message `n`; the first word counts. Returns whether this was it. */
  end(n: number, reason?: string): boolean {
    if (!this.#open.delete(n)) return false;
    this.#ended.push({ n, reason: reason?.slice(0, REASON_LIMIT) });
    return true;
  }

  /** A new connection carries the session: frames sent over the old one may be lost, so recent ones are said again. */
  resume(token: string, next: number): void {
    this.token = token;
    this.next = next;
    this.#sent = 0;
  }

  /**
   * The frames that tell the sidecar of everything unsent. Rejections come first: `through` covers them too, and the first
   * word about a message counts. `also` lists messages that ended before an earlier one did.
   */
  frames(): string[] {
    const through = this.through;
    const also: number[] = [];
    const frames: object[] = [];
    for (const { n, reason } of this.#ended.slice(this.#sent)) {
      if (reason !== undefined) frames.push({ ackspan: 'reject', n, reason });
      else if (n > through) also.push(n);
    }
    if (through || also.length) frames.push({ ackspan: 'confirm', through, also: also.length ? also : undefined });
    this.#ended = this.#ended.slice(-REMEMBERED);
    this.#sent = this.#ended.length;
    return frames.map((frame) => JSON.stringify(frame));
  }
}
