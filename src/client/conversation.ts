// What client and sidecar say to each other: opening, resuming, numbering, and telling in batches what has been handled.
import type { End } from './handling.ts';
import { Ledger } from './ledger.ts';
import { platform } from './platform.ts';
import { createFrameReader, type Resumption, type Welcome } from './protocol.ts';

/** Confirmations wait at most so long, ms … */
const BATCH_MS = 100;
/** … or until there are so many. */
const BATCH_SIZE = 32;

/** Outlives connections; without a sidecar in front it lets everything through and says nothing. */
export class Conversation {
  readonly #onResumed: (recovered: boolean, rejoined: boolean) => void;
  #ledger: Ledger | undefined;
  #read = createFrameReader();
  /** How to talk to the sidecar; undefined while none is connected. */
  #send: ((text: string) => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** This connection takes the place of an earlier one, and no frame has come over it yet. */
  #resuming = false;

  /** `resume`: what an earlier one left behind. */
  constructor(resume: Resumption | null | undefined, onResumed: (recovered: boolean, rejoined: boolean) => void) {
    this.#onResumed = onResumed;
    if (!resume) return;
    this.#ledger = new Ledger(resume.session, resume.token, resume.last + 1, resume.last);
    this.#resuming = true;
  }

  /** Whether a sidecar listens. */
  get live(): boolean {
    return this.#send !== undefined;
  }

  /** What it takes to resume; `handled`: with the messages whose handlers have not finished coming again. Null without a session. */
  resumption(handled: boolean): Resumption | null {
    const ledger = this.#ledger;
    return ledger
      ? { session: ledger.session, token: ledger.token, last: handled ? ledger.through : ledger.handed }
      : null;
  }

  /** A frame arrived. Returns undefined when it is not for the application, else what to call when that is done with it. */
  receive(data: unknown, send: (text: string) => void): End | undefined {
    const frame = this.#read(data);
    const resuming = this.#resuming;
    this.#resuming = false;
    const recovered = typeof frame === 'object' && this.#open(frame, send);
    if (resuming) this.#onResumed(recovered, recovered && frame.rejoined === true);
    if (typeof frame !== 'number') return undefined;
    const ledger = this.#ledger;
    if (!this.#send || !ledger) return () => {};
    const n = ledger.take(frame);
    if (n === 0) {
      // The sidecar would not repeat it had it heard of the confirmation.
      this.#soon();
      return undefined;
    }
    return (reason) => {
      if (ledger.end(n, reason)) this.#soon();
    };
  }

  /** The connection has ended; `opened`: it, or one before it, had been open. */
  lose(opened: boolean): void {
    this.#send = undefined;
    this.#read = createFrameReader();
    this.#resuming ||= opened;
  }

  /** Says at once what waits to be said. */
  flush(): void {
    if (this.#timer) this.#tell();
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#send && this.#ledger) for (const frame of this.#ledger.frames()) this.#send(frame);
  }

  #open({ session, token, next, recovered }: Welcome, send: (text: string) => void): boolean {
    this.#send = send;
    const ledger = this.#ledger;
    if (recovered && ledger?.session === session && next > ledger.handed) {
      ledger.resume(token, next);
      this.#tell();
      return true;
    }
    this.#ledger = new Ledger(session, token, next, next - 1);
    return false;
  }

  #soon(): void {
    // Timers of hidden pages run up to a minute late, after the deadline of most deliveries.
    if (this.#ledger!.unsent >= BATCH_SIZE || platform.document?.visibilityState === 'hidden') this.#tell();
    else this.#timer ??= setTimeout(() => this.#tell(), BATCH_MS);
  }
}
