// time: waits that read the sockets before they give up, and that do not count standstills (SPEC D14).
import { now } from './clock.ts';
import { keepPulse, stillSince } from './pulse.ts';

/**
 * Turns of the event loop in which sockets are read before a wait ends. The first one accepts a
 * client whose request has come with it, and the next one reads that request.
 */
const TURNS = 2;

/** A wait that is under way. */
export interface Wait {
  /** Ends the wait: `action` is not called any more. Safe to call twice, and after the end. */
  cancel(): void;
}

/**
 * Calls `action` when the process has run for `ms`. A standstill meanwhile is added to the wait.
 * Readable sockets are read first, so bytes that had come by `at` (monotonic ms) have been taken
 * in. Does not keep the process alive unless `ref` says so.
 */
export function patiently(ms: number, action: (at: number) => void, ref = false): Wait {
  return new Patience(ms, action, ref);
}

/** Resolves when what lay in readable sockets by now has been read. */
export async function socketsRead(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}

class Patience implements Wait {
  readonly #action: (at: number) => void;
  readonly #ref: boolean;
  readonly #release = keepPulse();
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  #from = 0;
  #dueAt = 0;
  #left = 0;

  constructor(ms: number, action: (at: number) => void, ref: boolean) {
    this.#action = action;
    this.#ref = ref;
    this.#wait(ms);
  }

  cancel(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#release();
  }

  #wait(ms: number): void {
    this.#from = now();
    this.#timer = setTimeout(due, ms, this);
    if (!this.#ref) this.#timer.unref();
  }

  /**
   * Called when the time is up. The beat may be late too, and the sockets have not been read: both
   * come before the end of this turn.
   */
  due(): void {
    this.#dueAt = now();
    this.#left = TURNS;
    this.#turn = setImmediate(afterReads, this);
  }

  afterReads(): void {
    const still = stillSince(this.#from);
    if (still > 0) {
      this.#wait(still);
      return;
    }
    if (--this.#left > 0) {
      this.#turn = setImmediate(afterReads, this);
      return;
    }
    this.#release();
    this.#action(this.#dueAt);
  }
}

// The function is shared by all waits, so that there is no closure per connection.

function due(wait: Patience): void {
  wait.due();
}

function afterReads(wait: Patience): void {
  wait.afterReads();
}
