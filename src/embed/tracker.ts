// embed: track → confirm → settle for backends that push events themselves: the core without the relay (contract.ts).
import type { Observer, Report, Store } from '../delivery/ports.ts';
import { type Delivery, isSettled } from '../delivery/record.ts';
import { Owner, Session } from '../delivery/session.ts';
import { Tracker } from '../delivery/tracker.ts';
import { createMemoryStore } from '../store/memory.ts';
import { patiently } from '../time/patience.ts';
import { Books } from './books.ts';
import type { Effect, EventTracker } from './contract.ts';
import { type EventStatus, retriesLeft, statusOf, type TrackedEvent } from './event.ts';
import { idOf } from './event-id.ts';
import { Figures, type Metrics } from './figures.ts';
import { BACKEND, type From, known, type Speaker, speakerOf } from './from.ts';
import { readConfirmation } from './message.ts';
import { callable, graceOf, type Settings, shown } from './options.ts';
import type { EventTelemetry } from './otel.ts';
import { createEventTypes, type EventTypes } from './policies.ts';
import { createRetrier, errorText, type Retrier, type RetryCallback } from './retry.ts';
import { Sending } from './sending.ts';
import { wantedOf } from './wanted.ts';

/** The dependencies on the process. */
export interface EmbedDeps {
  readonly settings: Settings;
  readonly telemetry: EventTelemetry;
  /** ms since the epoch; never decreases. */
  now(): number;
  /** In [0, 1). */
  random(): number;
  /** Ticks the tracker every 50 ms, and tells it of standstills. The result ends the ticks. */
  startBeat(tracker: Tracker, report: EmbedDeps['report']): () => void;
  readonly report: Report;
}

/** Ordinal of every event in its own session. */
const ORDINAL = 1;
/** Shortest time between two lines about a reached limit, ms. */
const SHED_REPORT_MS = 10_000;

/** Builds a tracker. Nothing runs before `start`. */
export function createEmbeddedTracker(deps: EmbedDeps): EventTracker {
  return new Embedded(deps);
}

/** Says that an event was handled, or with `rejected` why not. */
interface Word {
  readonly rejected: boolean;
  readonly error: string;
}

const CONFIRMED: Word = { rejected: false, error: '' };

class Embedded implements EventTracker {
  readonly #deps: EmbedDeps;
  readonly #report: Report;
  readonly #store: Store;
  readonly #tracker: Tracker;
  readonly #retrier: Retrier;
  readonly #figures = new Figures();
  readonly #books = new Books();
  readonly #typeOf: EventTypes;
  /** The session of confirmations of events that are foreign or unknown. */
  readonly #stranger = new Session('', new Owner(undefined));
  #callback: RetryCallback | undefined;
  #stopBeat: (() => void) | undefined;
  #shedReportedAt = Number.NEGATIVE_INFINITY;
  /** Called when no event is in flight any more: each `stop` that waits has one. */
  readonly #idle = new Set<() => void>();

  constructor(deps: EmbedDeps) {
    const { pending, pendingPerUser, history, firstRetryMs } = deps.settings;
    this.#deps = deps;
    this.#report = silenced(deps.report);
    // Every event stands alone here, and a confirmation is about its id.
    this.#store = createMemoryStore({ history, remembers: false, left: (delivery) => this.#books.left(delivery) });
    this.#typeOf = createEventTypes(firstRetryMs, this.#report);
    this.#retrier = createRetrier({
      callback: () => this.#callback,
      now: deps.now,
      report: this.#report,
      called: (delivery) => this.#figures.called(delivery),
      retried: (delivery, retry) => {
        this.#figures.retried(delivery, retry);
        this.#tell((telemetry) => telemetry.retried(delivery, retry));
      },
    });
    this.#tracker = new Tracker({
      store: this.#store,
      observer: this.#observer(),
      limits: { pending, pendingPerUser },
      now: deps.now(),
      random: deps.random,
      reemit: this.#retrier.reemit,
    });
  }

  track(event: TrackedEvent): string {
    const wanted = wantedOf(event, this.#deps.settings);
    const { id, user, run, tool, toolCall } = wanted;
    const retries = this.#callback === undefined ? 0 : wanted.retries;
    const sending = new Sending(id, this.#books.ownerOf(user), retries === 0 ? undefined : wanted.data);
    const now = this.#deps.now();
    // Barriers do not matter here: without a confirmation of the application, an event is lost.
    this.#tracker.received(sending, 0, now);
    const type = this.#typeOf(wanted.type, wanted.priority, wanted.timeoutMs, retries);
    // `bytes` is unknown: the library does not see what the backend puts on the wire.
    const facts = { type, id, run, user, tool, toolCall, traceparent: undefined, bytes: 0 };
    this.#tracker.track(sending, facts, ORDINAL, now);
    return id;
  }

  markSent(id: string | number, from?: From): boolean {
    const open = this.#of(id, speakerOf(from)).filter((delivery) => !isSettled(delivery));
    for (const delivery of open) {
      const sending = delivery.session as Sending;
      sending.markedSentAt ||= this.#deps.now();
      sending.failing = false;
    }
    return open.length > 0;
  }

  confirm(id: string | number, from?: From): Effect {
    return this.#word(id, speakerOf(from), CONFIRMED, (delivery) => this.#apply(delivery, CONFIRMED));
  }

  fail(id: string | number, reason: string, from?: From & { readonly rejected?: boolean }): Effect {
    const speaker = speakerOf(from);
    const rejected = from?.rejected ?? false;
    if (typeof rejected !== 'boolean') throw new RangeError(`rejected must be true or false, not ${shown(rejected)}`);
    return this.#failed(id, reason === undefined ? '' : errorText(reason), speaker, rejected);
  }

  receive(message: unknown, from?: From): Effect | undefined {
    const speaker = speakerOf(from);
    let effect: Effect | undefined;
    for (let word = readConfirmation(message); word !== undefined; word = word.next) {
      const { eventId, rejected, error } = word;
      const confirmed = () => this.#word(eventId, speaker, CONFIRMED, (each) => this.#apply(each, CONFIRMED));
      const one = rejected ? this.#failed(eventId, error, speaker, true) : confirmed();
      if (word.forward !== true) effect ??= one;
    }
    return effect;
  }

  status(id: string | number, from?: From): EventStatus | undefined {
    const [newest] = this.#of(id, speakerOf(from));
    return newest === undefined ? undefined : statusOf(newest);
  }

  pending(...whose: readonly [user?: string | null | undefined]): EventStatus[] {
    if (whose.length > 0) return this.#books.open(known(whose[0])).map(statusOf);
    const found: EventStatus[] = [];
    this.#store.each((delivery) => {
      if (isSettled(delivery)) return false;
      found.push(statusOf(delivery));
      return true;
    });
    return found;
  }

  expired(): EventStatus[] {
    this.#tracker.tick(this.#deps.now());
    const found: EventStatus[] = [];
    this.#store.each((delivery) => {
      if (delivery.status === 'timeout') found.push(statusOf(delivery));
      return true;
    });
    return found;
  }

  metrics(): Metrics {
    return this.#figures.read();
  }

  onRetry(callback: RetryCallback): void {
    this.#callback = callable('the retry callback', callback);
  }

  start(): void {
    this.#stopBeat ??= this.#deps.startBeat(this.#tracker, this.#report);
  }

  async stop(options?: { readonly graceMs?: number }): Promise<void> {
    const graceMs = graceOf(options);
    if (graceMs > 0 && this.#store.pending > 0) await this.#drained(graceMs);
    const now = this.#deps.now();
    // A delivery that was due has timed out: its deadline is older than the end.
    this.#tracker.tick(now);
    this.#tracker.shutdown(now);
    this.#stopBeat?.();
    this.#stopBeat = undefined;
  }

  #failed(id: unknown, text: string, speaker: Speaker, rejected: boolean): Effect {
    const word = { rejected: true, error: text };
    return this.#word(id, speaker, word, (delivery) => {
      const sending = delivery.session as Sending;
      sending.error = text;
      if (rejected) return this.#apply(delivery, word);
      if (retriesLeft(delivery) > 0) {
        sending.failing = true;
        return 'retrying';
      }
      this.#tracker.ended(sending, this.#deps.now());
      return 'failed';
    });
  }

  /** Applies a word to open events of the id that its sender may confirm, else counts why not. */
  #word(id: unknown, who: Speaker, { rejected, error }: Word, apply: (delivery: Delivery) => Effect): Effect {
    const mine = this.#of(id, who);
    let effect: Effect | undefined;
    for (const delivery of mine) if (!isSettled(delivery)) effect = apply(delivery);
    if (effect !== undefined) return effect;
    const session = mine[0]?.session ?? this.#stranger;
    return this.#tracker.processed(session, idOf(id) ?? '', rejected, error, this.#deps.now()) as Effect;
  }

  #apply(delivery: Delivery, { rejected, error }: Word): Effect {
    const id = delivery.eventId ?? delivery.id;
    const effect = this.#tracker.processed(delivery.session, id, rejected, error, this.#deps.now());
    return effect === 'rejected' ? 'failed' : (effect as Effect);
  }

  /** Events of the id, newest first: a user's own, or for a client without one the others (D6). */
  #of(given: unknown, who: Speaker): readonly Delivery[] {
    const id = idOf(given);
    if (id === undefined) return [];
    return who === BACKEND ? this.#store.withEvent(id) : this.#books.of(who, id);
  }

  #drained(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        grace.cancel();
        this.#idle.delete(done);
        resolve();
      };
      const grace = patiently(graceMs, done, true);
      this.#idle.add(done);
    });
  }

  /** A failure of telemetry costs telemetry, never an event. */
  #tell(step: (telemetry: EventTelemetry) => void): void {
    try {
      step(this.#deps.telemetry);
    } catch (error) {
      this.#report({ stage: 'telemetry', error });
    }
  }

  #observer(): Observer {
    return {
      tracked: (delivery) => {
        this.#books.tracked(delivery);
        this.#figures.tracked(delivery);
        this.#tell((telemetry) => telemetry.tracked(delivery));
      },
      // The retrier knows more: the result of the call.
      settled: (delivery) => {
        (delivery.session as Sending).data = undefined;
        this.#books.settled(delivery);
        this.#retrier.settled(delivery);
        this.#figures.settled(delivery);
        this.#tell((telemetry) => telemetry.settled(delivery));
        if (this.#store.pending === 0) for (const done of this.#idle) done();
      },
      unmatched: (reason) => {
        this.#figures.unmatched(reason);
        this.#tell((telemetry) => telemetry.unmatched(reason));
      },
      shed: (reason, _session, type) => {
        this.#figures.shed(type.policy.priority);
        this.#tell((telemetry) => telemetry.shed(reason, type));
        this.#reportShed(reason);
      },
    };
  }

  #reportShed(reason: string): void {
    const now = this.#deps.now();
    if (now - this.#shedReportedAt < SHED_REPORT_MS) return;
    this.#shedReportedAt = now;
    const limit = reason === 'pending' ? 'limits.pending' : 'limits.pendingPerUser';
    this.#report({ stage: 'track', error: new Error(`${limit} reached: events are pushed untracked`) });
  }
}

/** A report that never throws. */
function silenced(report: Report): Report {
  return (fault) => {
    try {
      report(fault);
    } catch {
      // Silence is right: the place where faults are reported has failed itself.
    }
  };
}
