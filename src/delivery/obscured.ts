// delivery: sessions whose client may have got a message that could not be read, and may still confirm it (SPEC D13).
import type { Owner, Session } from './session.ts';

/**
 * How long after such a message, or after the end of a session that had one, a session that begins
 * may be that client's, ms.
 */
const COMES_BACK_MS = 600_000;
/** In place of the mark of a user, which is never 0: sessions without a user. */
const NOBODY = 0;

/** When sessions had such messages. Times are monotonic ms. */
class Span {
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;
  /** Sessions that had one and are open. */
  open = 0;

  note(now: number): void {
    if (this.over(now)) this.#first = now;
    this.#last = Math.max(this.#last, now);
  }

  /** Whether no session that begins at `at` or later can be of a client that had one. */
  over(at: number): boolean {
    return this.open === 0 && this.#last + COMES_BACK_MS < at;
  }

  reaches({ began }: Session): boolean {
    return this.#first < began && !this.over(began);
  }
}

/**
 * Whether a copy of a message that could not be read would be read, with its event's id. `unread`:
 * not as long as the limit is not raised, because the message is too long. `elsewhere`: on another
 * connection. `anywhere`: also on the same one.
 */
export type Copies = 'unread' | 'elsewhere' | 'anywhere';

/** Messages of one kind, and whose client may have got one. */
class Known {
  readonly #all = new Span();
  /** By the mark of the owner, the longest known first. */
  readonly #byOwner = new Map<number, Span>();
  /** Where an open session counts. */
  readonly #counted = new WeakMap<Session, Span>();

  note(session: Session, now: number): void {
    const known = this.#counted.get(session);
    const span = known ?? this.#spanOf(session.owner, now);
    // A message may be read on the side when its session is over.
    const opens = known === undefined && (session.link !== undefined || session.resumable);
    for (const each of [span, this.#all]) {
      each.note(now);
      if (opens) each.open++;
    }
    if (opens) this.#counted.set(session, span);
  }

  ended(session: Session, now: number): void {
    const span = this.#counted.get(session);
    if (span === undefined || !this.#counted.delete(session)) return;
    for (const each of [span, this.#all]) {
      each.note(now);
      each.open--;
    }
  }

  over(now: number): boolean {
    return this.#all.over(now);
  }

  /**
   * Whether a session that begins may be of a client that got one. A client without a user may be
   * any.
   */
  reaches(session: Session): boolean {
    if (!this.#all.reaches(session)) return false;
    const { user, mark } = session.owner;
    return user === undefined || [mark, NOBODY].some((each) => this.#byOwner.get(each)?.reaches(session) === true);
  }

  #spanOf({ user, mark }: Owner, now: number): Span {
    const key = user === undefined ? NOBODY : mark;
    let span = this.#byOwner.get(key);
    if (span !== undefined) return span;
    for (const [other, known] of this.#byOwner) {
      if (!known.over(now)) break;
      this.#byOwner.delete(other);
    }
    span = new Span();
    this.#byOwner.set(key, span);
    return span;
  }
}

export class ObscuredSessions {
  readonly #copied = new Known();
  /** Messages that were too long, under the present limit and under earlier, lower ones. */
  #long = new Known();
  #longOnce: Known[] = [];
  /** How often the limit was raised, and one more. */
  #era = 1;

  /**
   * Notes a message to the session that could not be read as a whole; undefined = it holds no event
   * that is not known.
   */
  note(session: Session, copies: Copies | undefined, now: number): void {
    if (copies === undefined) return;
    session.obscured = true;
    if (copies === 'unread') {
      if (session.tooLong === 0) session.tooLong = this.#era;
      this.#long.note(session, now);
      return;
    }
    if (copies === 'anywhere') session.mayRepeat = true;
    this.#copied.note(session, now);
  }

  /** Notes that longer messages are read from now on: copies of those that were too long, too. */
  raised(now: number): void {
    this.#era++;
    this.#longOnce = [...this.#longOnce, this.#long].filter((each) => !each.over(now));
    this.#long = new Known();
  }

  /** Notes that the session is over. */
  ended(session: Session, now: number): void {
    for (const each of [this.#copied, this.#long, ...this.#longOnce]) each.ended(session, now);
  }

  /**
   * Notes on a session that begins, or whose user has become known, whether its client may have got
   * such a message before.
   */
  begun(session: Session): void {
    if (![this.#copied, ...this.#longOnce].some((each) => each.reaches(session))) return;
    session.obscured = true;
    session.mayRepeat = true;
  }

  /** Whether an event to the session may be a copy of a message that could not be read. */
  repeats(session: Session): boolean {
    if (session.mayRepeat) return true;
    // The limit may have been raised when the session had begun.
    if (this.#era === 1) return false;
    session.mayRepeat =
      (session.tooLong > 0 && session.tooLong < this.#era) || this.#longOnce.some((each) => each.reaches(session));
    return session.mayRepeat;
  }
}
