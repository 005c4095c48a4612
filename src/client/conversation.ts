// client: the conversation with the sidecar: opening, resuming, numbering, and confirming in batches.
import type { End } from './handling.ts';
import { Ledger } from './ledger.ts';
import { isHidden } from './platform.ts';
import { createFrameReader, type Resumption, type Welcome } from './protocol.ts';
import { Silence } from './silence.ts';

/** Longest wait of a confirmation, ms … */
const BATCH_MS = 100;
/** … and number of confirmations that end the wait. */
const BATCH_SIZE = 32;
/** Silence that a path is allowed where no sidecar has named one yet, ms: the sidecar's default. */
const SILENCE_MS = 60_000;
/** Close code where a newer connection has the session. */
const REPLACED = 4409;

/**
 * Outlives connections. Without a sidecar in front, every frame goes to the application and nothing
 * is confirmed.
 */
export class Conversation {
  readonly #onResumed: (recovered: boolean, rejoined: boolean) => void;
  readonly #drop: () => void;
  readonly #silence: Silence;
  #ledger: Ledger | undefined;
  #read = createFrameReader();
  /** Sends to the sidecar; undefined while none is connected. */
  #send: ((text: string) => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /**
   * Whether this connection takes the place of an earlier one, and no frame has come over it yet.
   */
  #resuming = false;
  /** Handshakes of the session without an answer: a sidecar may read such a request late. */
  #unanswered = 0;

  /**
   * `resume`: the state of an earlier conversation. `drop`: called when the connection must be
   * replaced by another one, or the wait for its end given up. `gone`: bytes that had to wait and
   * have gone out since.
   */
  constructor(
    resume: Resumption | null | undefined,
    onResumed: (recovered: boolean, rejoined: boolean) => void,
    drop: () => void,
    gone: () => number,
  ) {
    this.#onResumed = onResumed;
    this.#drop = drop;
    this.#silence = new Silence(() => this.#send && this.#say(this.#ledger!.still()), drop, gone);
    if (!resume) return;
    this.#ledger = new Ledger(resume, resume.last);
    this.#resuming = true;
  }

  /** Whether the results of handlers under way still matter to a sidecar. */
  get busy(): boolean {
    return !!this.#send && this.#ledger!.through < this.#ledger!.handed;
  }

  /**
   * The state to resume from; `handled`: messages whose handlers have not finished come again. Null
   * without a session.
   */
  resumption(handled: boolean): Resumption | null {
    return this.#ledger?.resumption(handled) ?? null;
  }

  /**
   * Takes a frame. Returns undefined when the frame is not for the application, else a function to
   * call when the application is done with it.
   */
  receive(data: unknown, send: (text: string) => void): End | undefined {
    const frame = this.#read(data);
    const resuming = this.#resuming;
    this.#resuming = false;
    this.#silence.arrived(typeof frame === 'number');
    const recovered = typeof frame === 'object' && this.#open(frame, send);
    // No sidecar is there any more, and a backend may be silent.
    if (resuming && !this.#send) this.#silence.start(0);
    if (resuming) this.#onResumed(recovered, recovered && !!frame.rejoined);
    if (typeof frame !== 'number') return undefined;
    if (!this.#send) return () => {};
    const ledger = this.#ledger!;
    if (frame < 0) ledger.hear(-frame);
    // The message is not taken, so it comes again, once the sidecar has acknowledged what waits.
    else if (ledger.full) this.#drop();
    else {
      const n = ledger.take(frame);
      // A duplicate counts too: the sidecar would not repeat the message if it had heard of the
      // confirmation.
      if (!n || ledger.unsaid) this.#soon();
      if (n)
        return (reason) => {
          if (ledger.end(n, reason)) this.#soon();
        };
    }
    return undefined;
  }

  /** Notes that a connection is asked for: its handshake must be answered, too. */
  call(): void {
    this.#unanswered++;
    this.#silence.start(this.#limit, true);
  }

  /**
   * Notes that the handshake was answered. A sidecar begins with a welcome. Where there was one,
   * the path may have died since.
   */
  answered(): void {
    this.#unanswered--;
    this.#silence.start(this.#ledger ? this.#limit : 0, true, true);
  }

  /** Notes that the connection is being closed: nothing more is said, its end must come in time. */
  leave(): void {
    this.#silence.start(this.#send ? this.#limit : 0, true);
    this.#send = undefined;
  }

  get #limit(): number {
    return this.#ledger?.from.silence ?? SILENCE_MS;
  }

  /**
   * Notes that the connection has ended. `opened`: it, or one before it, had been open. Answers
   * whether a try without an answer may have ended it: nothing tells such a try from another
   * client. So it does once.
   */
  lose(opened: boolean, code: number): boolean {
    this.#send = undefined;
    this.#read = createFrameReader();
    this.#silence.start(0);
    this.#resuming ||= opened;
    const own = code === REPLACED && this.#unanswered > 0;
    if (own) this.#unanswered = 0;
    return own;
  }

  /** Sends at once what waits to be sent. */
  flush(): void {
    if (this.#timer) this.#tell();
  }

  /**
   * Looks whether the sidecar is still there. `doubt`: asks in any case, or drops a connection
   * whose sidecar cannot be asked.
   */
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
    // Of a session that is not known nothing was handed over, whatever is sent again.
    if (!known) {
      this.#ledger = new Ledger(welcome, 0);
      this.#unanswered = 0;
    }
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
