// client: watches whether anything still arrives: asks after a while, and gives the path up without an answer.

/** Time to answer for a path that is doubted for another reason than silence, ms. */
const HURRY_MS = 2000;
/**
 * Lateness of a timer, ms, that shows that the page was frozen, or that its timers are slowed down.
 */
const LATE_MS = 500;
/** Silence from which on a path is never dead, ms: six times as much is too long for a timer. */
const LIMIT_MS = 3.5e8;
/** Factor on the allowed silence of a path that comes after one that fell silent. */
const PATIENT = 4;

/** The silence of one socket, over all its connections. Times are ms of the monotonic clock. */
export class Silence {
  readonly #ask: () => void;
  readonly #dead: () => void;
  readonly #gone: () => number;
  /** Half of the time after which a silent path is dead; 0 = silence is allowed. */
  #half = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The wait for an answer, ms; 0 = a frame has arrived since the question, or none was asked. */
  #wait = 0;
  /** When the timer is due. */
  #due = 0;
  /** What had gone out when the question was asked. */
  #before = 0;
  /** When a frame arrived last. */
  #last = 0;
  /** Number of looks in a row that came too late to tell. */
  #late = 0;
  /**
   * Above 1 when the last path fell silent and none has carried anything since: a long message may
   * be on its way.
   */
  #patience = 1;

  /**
   * `ask`: makes the other side send something. `dead`: called when it did not. `gone`: counts the
   * bytes that had to wait and have gone out since: behind a long message the question waits too.
   */
  constructor(ask: () => void, dead: () => void, gone: () => number) {
    this.#ask = ask;
    this.#dead = dead;
    this.#gone = gone;
  }

  /**
   * Starts with a connection that is dead when it is silent for `limit`; 0, or what no timer can
   * wait for = never. Ends the watch of an earlier connection. `expecting`: nothing can be asked,
   * because the next thing is the other side's to do: answer the handshake, begin, or close. It has
   * one and a half times `limit`; `patient`: and longer after a path that fell silent.
   */
  start(limit: number, expecting = false, patient = false): void {
    clearTimeout(this.#timer);
    this.#wait = 0;
    this.#half = limit > 0 && limit < LIMIT_MS ? (limit / 2) * this.#patience : 0;
    if (expecting && this.#half) this.#await(patient ? this.#half * 3 : limit * 1.5);
    else this.look();
  }

  /** Notes that a frame arrived. `carries`: it is more than the beginning of a connection. */
  arrived(carries: boolean): void {
    this.#last = performance.now();
    this.#wait = 0;
    this.#late = 0;
    if (carries) this.#patience = 1;
  }

  /** Asks now, and gives the other side `wait` ms. */
  doubt(wait = HURRY_MS): void {
    this.#ask();
    this.#await(wait);
  }

  /**
   * Looks. Called on any occasion, because timers may have slept. `least`: it is no earlier than
   * that, whatever the clock says: on some machines it steps back or stands still.
   */
  look(least = 0): void {
    const now = Math.max(performance.now(), least);
    this.#last = Math.min(this.#last, now);
    const silent = now - this.#last;
    const late = now - this.#due;
    if (this.#wait) {
      // The timer is still to come.
      if (late < 0) return;
      // The answer may have reached a page that was frozen, and not be read yet.
      if (late > LATE_MS && this.#late++ < 2) this.doubt();
      else if (this.#gone() > this.#before) this.#await(this.#wait);
      else {
        this.#patience = PATIENT;
        this.#dead();
      }
    } else if (silent < this.#half) this.#set(this.#half - silent);
    else if (this.#half) this.doubt(silent < this.#half * 2 ? this.#half : HURRY_MS);
  }

  #await(wait: number): void {
    this.#wait = wait;
    this.#before = this.#gone();
    this.#set(wait);
  }

  #set(wait: number): void {
    clearTimeout(this.#timer);
    this.#due = performance.now() + wait;
    this.#timer = setTimeout(() => this.look(this.#due), wait);
    (this.#timer as { unref?(): void }).unref?.();
  }
}
