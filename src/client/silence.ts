// client: whether anything still arrives: asks after a while of silence, and tells when no answer comes. Times are ms of the monotonic clock.

/** A path that is doubted for another reason than silence has so long to answer. */
const HURRY_MS = 2000;
/** A timer that is later than this shows that the page was frozen, or that its timers are slowed down. */
const LATE_MS = 500;
/** So many times longer may the path be silent that comes after one that fell silent. */
const PATIENT = 4;

/** The silence of one socket, over all its connections. */
export class Silence {
  readonly #ask: () => void;
  readonly #dead: () => void;
  /** Half of the time after which a silent path is dead; 0 = nobody asks for silence's sake. */
  #half = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer is due. */
  #due = 0;
  /** When something arrived last. */
  #last = 0;
  /** Nothing has arrived since the question. */
  #asked = false;
  /** Looks in a row that came too late to tell. */
  #late = 0;
  /** More when the last path fell silent and none has carried anything since: a long message may be on its way. */
  #patience = 1;

  /** `ask`: get the other side to say something. `dead`: it did not. */
  constructor(ask: () => void, dead: () => void) {
    this.#ask = ask;
    this.#dead = dead;
  }

  /** A connection begins, and is dead when it is silent for `limit`; 0 = never. Also ends what an earlier one had begun. */
  start(limit: number): void {
    clearTimeout(this.#timer);
    this.#asked = false;
    this.#half = (limit / 2) * this.#patience;
    this.look();
  }

  /** Something arrived; `carries`: and it is more than the beginning of a connection. */
  arrived(carries: boolean): void {
    this.#last = performance.now();
    this.#asked = false;
    this.#late = 0;
    if (carries) this.#patience = 1;
  }

  /** Asks now, and gives it this long. */
  doubt(wait = HURRY_MS): void {
    this.#asked = true;
    this.#set(wait);
    this.#ask();
  }

  /** An occasion to look: timers may have slept. */
  readonly look = (): void => {
    const now = performance.now();
    const silent = now - this.#last;
    const late = now - this.#due;
    if (this.#asked) {
      if (late < 0) this.#set(-late);
      // The answer may be at the door of a page that was frozen, and not read yet.
      else if (late > LATE_MS && this.#late++ < 2) this.doubt();
      else {
        this.#patience = PATIENT;
        this.#dead();
      }
    } else if (silent < this.#half) this.#set(this.#half - silent);
    else if (this.#half) this.doubt(silent < this.#half * 2 ? this.#half : HURRY_MS);
  };

  #set(wait: number): void {
    clearTimeout(this.#timer);
    this.#due = performance.now() + wait;
    this.#timer = setTimeout(this.look, wait);
    (this.#timer as { unref?(): void }).unref?.();
  }
}
