// hooks: sends notices one try after another, a few at a time, until each is delivered or dropped.
import type { Report } from '../delivery/ports.ts';
import { isSettled } from '../delivery/record.ts';
import { now as monotonic } from '../time/clock.ts';
import { patiently } from '../time/patience.ts';
import { stillSince } from '../time/pulse.ts';
import { backoffMs, retryAfterMs } from './backoff.ts';
import { Breaker } from './breaker.ts';
import type { DropReason, HookCounters } from './counters.ts';
import type { HookLimits } from './limits.ts';
import type { Notice } from './notice.ts';
import type { Answer, Poster, Posting } from './post.ts';
import { sign } from './signature.ts';
import { resultOf, say } from './verdict.ts';
import { WaitingRoom } from './waiting-room.ts';

export interface SenderDeps {
  readonly poster: Poster;
  readonly keys: readonly Buffer[];
  readonly source: string;
  readonly userAgent: string;
  readonly limits: HookLimits;
  readonly counters: HookCounters;
  /** Monotonic ms. */
  now(): number;
  /** A monotonic time as ms since the epoch, by the wall clock of the moment. */
  wallOf(at: number): number;
  random(): number;
  /** Called when a notice has its end, delivered or not. */
  ended(notice: Notice): void;
  readonly report: Report;
}

/** Shortest time between two lines about a full queue, ms: they cost time in a mass time-out. */
const FULL_REPORT_MS = 10_000;
/** Longest `setTimeout`, ms. A wake-up too early only looks again. */
const TIMER_LIMIT = 2 ** 31 - 1;

/** A stop under way. */
interface Stopping {
  /** When the grace is over if the process does not stand still meanwhile, ms since the epoch. */
  readonly end: number;
  /** When the stop began, on the monotonic clock. */
  readonly from: number;
  readonly ended: Promise<void>;
  done(): void;
}

export class Sender {
  readonly breaker: Breaker;
  readonly #deps: SenderDeps;
  readonly #room: WaitingRoom;
  readonly #underWay = new Set<Posting>();
  #pausedUntil = 0;
  #soon: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #fullReportedAt = Number.NEGATIVE_INFINITY;
  #stopping: Stopping | undefined;
  /** The receiver's last refusal or failure; `''` since it took a notice. */
  #lastFailure = '';
  /** Whether `stop` has run out of time, or of notices. */
  #over = false;
  #told = false;

  constructor(deps: SenderDeps) {
    this.#deps = deps;
    this.#room = new WaitingRoom(deps.limits.queue);
    this.breaker = new Breaker({ failures: deps.limits.breakerFailures, cooldownMs: deps.limits.breakerCooldownMs });
  }

  /** Notices without an end yet. */
  get waiting(): number {
    return this.#room.held;
  }

  /**
   * Takes a notice in if there is room, by a few pointer stores. It is sent in a later turn of the
   * event loop.
   */
  offer(notice: Notice): boolean {
    if (this.#stopping !== undefined) {
      this.#drop(notice, 'shutdown');
      return false;
    }
    if (!this.#room.hasRoom(notice)) {
      this.#drop(notice, 'queue_full');
      this.#reportFull();
      return false;
    }
    this.#room.add(notice);
    this.#soon ??= setImmediate(this.#look);
    return true;
  }

  /** Takes no more notices in, sends what it can within `graceMs`, and drops the rest. */
  stop(graceMs: number): Promise<void> {
    if (this.#stopping !== undefined) return this.#stopping.ended;
    let done = () => {};
    const ended = new Promise<void>((resolve) => {
      done = resolve;
    });
    const deadline = patiently(graceMs, () => this.#giveUp(), true);
    this.#stopping = {
      end: this.#deps.now() + graceMs,
      from: monotonic(),
      ended,
      done: () => {
        deadline.cancel();
        done();
      },
    };
    this.#look();
    return ended;
  }

  readonly #look = (): void => {
    if (this.#soon !== undefined) clearImmediate(this.#soon);
    this.#soon = undefined;
    try {
      this.#sendWhatCanGo();
    } catch (error) {
      this.#deps.report({ stage: 'hook', error });
    }
    this.#lookAgainLater();
  };

  #sendWhatCanGo(): void {
    const now = this.#deps.now();
    while (this.#underWay.size < this.#deps.limits.concurrency && this.#nextAt() <= now) {
      const notice = this.#room.take(now);
      if (notice === undefined) return;
      if (notice.kind === 'reemit' && isSettled(notice.delivery)) {
        this.#room.done();
        this.#drop(notice, 'obsolete');
      } else if (this.breaker.admit(now)) this.#trySend(notice, now);
    }
  }

  /** Earliest time at which a notice can be sent, monotonic ms; Infinity = none waits. */
  #nextAt(): number {
    return Math.max(this.#room.nextAt, this.breaker.admitsAt, this.#pausedUntil);
  }

  #lookAgainLater(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const nextAt = this.#nextAt();
    if (this.#underWay.size === 0 && (this.#over || nextAt > this.#endOfStop())) {
      this.#giveUp();
      return;
    }
    if (this.#underWay.size >= this.#deps.limits.concurrency || nextAt === Number.POSITIVE_INFINITY) return;
    const delay = Math.min(TIMER_LIMIT, Math.max(0, nextAt - this.#deps.now()));
    this.#timer = setTimeout(this.#look, Math.ceil(delay));
    this.#timer.unref();
  }

  /**
   * When the grace of the stop is over, ms since the epoch, put off by standstills (SPEC D14).
   * Infinity = no stop.
   */
  #endOfStop(): number {
    const stopping = this.#stopping;
    return stopping === undefined ? Number.POSITIVE_INFINITY : stopping.end + stillSince(stopping.from);
  }

  /** Sends a notice, or ends it: no fault of ours costs a place in the room. */
  #trySend(notice: Notice, now: number): void {
    try {
      this.#send(notice, now);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#endBadly(notice, 'unsendable', `a notice could not be sent: ${reason}`);
    }
  }

  #send(notice: Notice, now: number): void {
    const { poster, keys, source, userAgent, wallOf } = this.#deps;
    // Receivers refuse a notice that is signed more than a few minutes before or after their own
    // time.
    const seconds = Math.floor(wallOf(now) / 1000);
    const body = notice.body(source, wallOf);
    notice.tries++;
    const posting = poster.post(
      {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'user-agent': userAgent,
        'webhook-id': notice.id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': sign(keys, notice.id, seconds, body),
      },
      body,
    );
    this.#underWay.add(posting);
    void posting.answer.then((answer) => {
      this.#underWay.delete(posting);
      this.#answered(notice, answer);
      this.#look();
    });
  }

  #answered(notice: Notice, answer: Answer): void {
    const result = resultOf(answer);
    this.#deps.counters.requests[notice.kind][result]++;
    switch (result) {
      case 'delivered':
        this.#lastFailure = '';
        this.breaker.succeeded();
        this.#room.done();
        this.#deps.counters.delivered++;
        this.#deps.ended(notice);
        return;
      case 'refused':
        this.breaker.succeeded();
        this.#endBadly(notice, 'refused', `the receiver refused a notice: ${say(answer)}`);
        return;
      case 'failed':
      case 'timeout':
        this.#failed(notice, answer);
    }
  }

  #failed(notice: Notice, answer: Answer): void {
    const { limits } = this.#deps;
    if (this.#over) {
      this.#endBadly(notice, 'shutdown');
      return;
    }
    const now = this.#deps.now();
    this.#lastFailure = say(answer);
    if (this.breaker.failed(now)) {
      const rest = `nothing is sent for ${limits.breakerCooldownMs} ms`;
      this.#report(`notices are not getting through: ${say(answer)}; ${rest}`);
    }
    if (notice.tries >= limits.tries) {
      this.#endBadly(notice, 'exhausted', `a notice was given up after ${notice.tries} tries: ${say(answer)}`);
      return;
    }
    const asked = answer.kind === 'answered' ? retryAfterMs(answer.retryAfter, this.#deps.wallOf(now)) : 0;
    // A `Retry-After` holds for all notices.
    if (asked > 0) this.#pausedUntil = Math.max(this.#pausedUntil, now + asked);
    const gap = backoffMs(notice.tries, this.#deps.random(), {
      firstMs: limits.firstRetryMs,
      longestMs: limits.longestRetryMs,
    });
    notice.due = now + Math.max(gap, asked);
    this.#room.putBack(notice);
  }

  #endBadly(notice: Notice, reason: DropReason, text?: string): void {
    this.#room.done();
    this.#drop(notice, reason);
    if (text !== undefined) this.#report(text);
  }

  #drop(notice: Notice, reason: DropReason): void {
    this.#deps.counters.dropped[reason]++;
    this.#deps.ended(notice);
  }

  #report(text: string): void {
    const error = new Error(text);
    // The place where the error was thrown says nothing about the receiver.
    delete error.stack;
    this.#deps.report({ stage: 'hook', error });
  }

  #reportFull(): void {
    const now = this.#deps.now();
    if (now - this.#fullReportedAt < FULL_REPORT_MS) return;
    this.#fullReportedAt = now;
    this.#report(`the notice queue is full: ${this.#room.held} wait, others are dropped`);
  }

  /** Logs how many notices were lost: the counters end with the process. */
  #tellLost(): void {
    const lost = this.#deps.counters.dropped.shutdown;
    if (lost === 0 || this.#told) return;
    this.#told = true;
    const why = this.#lastFailure === '' ? 'the grace was over' : `the receiver: ${this.#lastFailure}`;
    this.#report(`${lost} ${lost === 1 ? 'notice was' : 'notices were'} not delivered before the stop (${why})`);
  }

  /** Ends `stop`: waiting notices are dropped, and requests under way are aborted. */
  #giveUp(): void {
    this.#over = true;
    for (const notice of this.#room.clear()) this.#drop(notice, 'shutdown');
    for (const posting of this.#underWay) posting.abort();
    if (this.#underWay.size > 0) return;
    clearTimeout(this.#timer);
    this.#deps.poster.close();
    this.#tellLost();
    this.#stopping?.done();
  }
}
