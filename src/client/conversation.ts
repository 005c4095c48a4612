// client: what client and sidecar say to each other: opening, resuming, numbering, and telling in batches what has been handled.
import type { End } from './handling.ts';
import { Ledger } from './ledger.ts';
import { isHidden } from './platform.ts';
import { createFrameReader, type Resumption, type Welcome } from './protocol.ts';
import { Silence } from './silence.ts';

/** Confirmations wait at most so long, ms … */
const BATCH_MS = 100;
/** … or until there are so many. */
const BATCH_SIZE = 32;

/** Outlives connections; without a sidecar in front it lets everything through and says nothing. */
export class Conversation {
  readonly #onResumed: (recovered: boolean, rejoined: boolean) => void;
  readonly #drop: () => void;
  readonly #silence: Silence;
  #ledger: Ledger | undefined;
  #read = createFrameReader();
  /** How to talk to the sidecar; undefined while none is connected. */
  #send: ((text: string) => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** This connection takes the place of an earlier one, and no frame has come over it yet. */
  #resuming = false;

  /** `resume`: what an earlier one left behind. `drop`: the connection is of no use any more, and another one is. */
  constructor(
    resume: Resumption | null | undefined,
    onResumed: (recovered: boolean, rejoined: boolean) => void,
    drop: () => void,
  ) {
    this.#onResumed = onResumed;
    this.#drop = drop;
    this.#silence = new Silence(() => this.#say(this.#ledger!.still()), drop);
    if (!resume) return;
    this.#ledger = new Ledger(resume, resume.last);
    this.#resuming = true;
  }

  /** Whether a sidecar waits for what handlers under way will say. Not so on a hidden page, which may be gone before they do. */
  get busy(): boolean {
    return !!this.#send && this.#ledger!.through < this.#ledger!.handed && !isHidden();
  }

  /** What it takes to resume; `handled`: with the messages whose handlers have not finished coming again. Null without a session. */
  resumption(handled: boolean): Resumption | null {
    return this.#ledger?.resumption(handled) ?? null;
  }

  /** A frame arrived. Returns undefined when it is not for the application, else what to call when that is done with it. */
  receive(data: unknown, send: (text: string) => void): End | undefined {
    const frame = this.#read(data);
    const resuming = this.#resuming;
    this.#resuming = false;
    this.#silence.arrived(typeof frame === 'number');
    const recovered = typeof frame === 'object' && this.#open(frame, send);
    if (resuming) this.#onResumed(recovered, recovered && !!frame.rejoined);
    if (typeof frame !== 'number') return undefined;
    if (!this.#send) return () => {};
    const ledger = this.#ledger!;
    if (frame < 0) ledger.hear(-frame);
    // Not taken, so it comes again, once the sidecar has heard what waits.
    else if (ledger.full) this.#drop();
    else {
      const n = ledger.take(frame);
      // For a duplicate too: the sidecar would not repeat it had it heard of the confirmation.
      if (!n || ledger.unsaid) this.#soon();
      if (n)
        return (reason) => {
          if (ledger.end(n, reason)) this.#soon();
        };
    }
    return undefined;
  }

  /** The connection has ended; `opened`: it, or one before it, had been open. */
  lose(opened: boolean): void {
    this.#send = undefined;
    this.#read = createFrameReader();
    this.#silence.start(0);
    this.#resuming ||= opened;
  }

  /** Says at once what waits to be said. */
  flush(): void {
    if (this.#timer) this.#tell();
  }

  /** Looks whether the sidecar is still there; `doubt`: asks in any case, or drops a connection whose sidecar cannot be asked. */
  look(doubt: boolean): void {
    if (!doubt || !this.#send) this.#silence.look();
    else if (this.#ledger!.answers) this.#silence.doubt();
    else this.#drop();
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#send) for (const frame of this.#ledger!.frames()) this.#say(frame);
  }

  #say(frame: object): void {
    this.#send?.(JSON.stringify(frame));
  }

  #open(welcome: Welcome, send: (text: string) => void): boolean {
    const { session, next, recovered, silence = 0 } = welcome;
    const known = recovered && this.#ledger?.from.session === session && next > this.#ledger.handed;
    this.#send = send;
    if (!known) this.#ledger = new Ledger(welcome, next - 1);
    this.#ledger!.resume(welcome);
    if (known) this.#tell();
    this.#silence.start(silence);
    return known;
  }

  #soon(): void {
    if (this.#ledger!.unsaid >= BATCH_SIZE || isHidden()) this.#tell();
    else this.#timer ??= setTimeout(() => this.#tell(), BATCH_MS);
  }
}
