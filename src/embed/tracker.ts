// track → confirm → settle for backends that push events themselves: the sidecar's core without its relay (contract.ts says what it promises).
import type { Observer, Store } from '../delivery/ports.ts';
import { type Delivery, type EventFacts, isSettled } from '../delivery/record.ts';
import { Owner, Session } from '../delivery/session.ts';
import { Tracker } from '../delivery/tracker.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Effect, EventTracker, From } from './contract.ts';
import { type EventStatus, retriesLeft, statusOf, type TrackedEvent } from './event.ts';
import { eventIdIn } from './event-id.ts';
import { Figures, type Metrics } from './figures.ts';
import { readConfirmation } from './message.ts';
import { duration, retryCount, type Settings } from './options.ts';
import type { EventTelemetry } from './otel.ts';
import { createEventTypes, type EventTypes } from './policies.ts';
import { createRetrier, errorText, type RetryCallback } from './retry.ts';
import { Sending } from './sending.ts';

/** What the tracker needs from the process. */
export interface EmbedDeps {
  readonly settings: Settings;
  readonly telemetry: EventTelemetry;
  /** ms since the epoch; never decreases. */
  now(): number;
  /** In [0, 1). */
  random(): number;
  /** Ticks the tracker every 50 ms until the result is called. */
  startBeat(tracker: Tracker, report: EmbedDeps['report']): () => void;
  report(fault: { stage: string; error: unknown }): void;
}

/** Every event has this place in its own session. */
const ORDINAL = 1;
/** At most one line about a reached limit in so many ms. */
const SHED_REPORT_MS = 10_000;

/** Builds a tracker; nothing runs before `start`. */
export function createEmbeddedTracker(deps: EmbedDeps): EventTracker {
  return new Embedded(deps);
}

class Embedded implements EventTracker {
  readonly #deps: EmbedDeps;
  readonly #store: Store;
  readonly #tracker: Tracker;
  readonly #figures = new Figures();
  readonly #typeOf: EventTypes;
  /** Users with something in flight. */
  readonly #owners = new Map<string, Owner>();
  #callback: RetryCallback | undefined;
  #stopBeat: (() => void) | undefined;
  #shedReportedAt = Number.NEGATIVE_INFINITY;
  /** Called when nothing is in flight any more; `stop` waits for it. */
  #idle: (() => void) | undefined;

  constructor(deps: EmbedDeps) {
    const { pending, pendingPerUser, history, firstRetryMs } = deps.settings;
    this.#deps = deps;
    // Here every event stands alone, and a word is about its id.
    this.#store = createMemoryStore({ history, remembers: false });
    this.#typeOf = createEventTypes(firstRetryMs);
    this.#tracker = new Tracker({
      store: this.#store,
      observer: this.#observer(),
      limits: { pending, pendingPerUser },
      now: deps.now(),
      random: deps.random,
      reemit: createRetrier({
        callback: () => this.#callback,
        now: deps.now,
        report: deps.report,
        retried: (delivery, retry) => {
          this.#figures.retried(delivery, retry);
          deps.telemetry.retried(delivery, retry);
        },
      }),
    });
  }

  track(event: TrackedEvent): string {
    const { settings } = this.#deps;
    if (typeof event.type !== 'string' || event.type === '') throw new RangeError('an event needs a type');
    const id = event.id ?? eventIdIn(event.data) ?? globalThis.crypto.randomUUID();
    const timeoutMs = event.timeoutMs === undefined ? settings.timeoutMs : duration('timeoutMs', event.timeoutMs);
    const wanted = event.retries === undefined ? settings.retries : retryCount(event.retries);
    const retries = this.#callback === undefined ? 0 : wanted;
    const sending = new Sending(id, this.#ownerOf(event.user), retries === 0 ? undefined : event.data);
    const now = this.#deps.now();
    // Whether a barrier was answered does not matter here: without a word from the application, an event is lost.
    this.#tracker.received(sending, 0, now);
    const type = this.#typeOf(event.type, event.priority ?? 'normal', timeoutMs, retries);
    this.#tracker.track(sending, factsOf(event, id, type), ORDINAL, now);
    return id;
  }

  markSent(id: string, from: From = {}): boolean {
    const open = this.#of(id, from).filter((delivery) => !isSettled(delivery));
    for (const delivery of open) {
      const sending = delivery.session as Sending;
      sending.markedSentAt ||= this.#deps.now();
      sending.failing = false;
    }
    return open.length > 0;
  }

  confirm(id: string, from: From = {}): Effect {
    return this.#word(id, from, false, '', (delivery) => this.#apply(delivery, false, ''));
  }

  fail(id: string, reason: string, { rejected = false, ...from }: From & { readonly rejected?: boolean } = {}): Effect {
    const text = errorText(reason);
    return this.#word(id, from, true, text, (delivery) => {
      const sending = delivery.session as Sending;
      sending.error = text;
      if (rejected) return this.#apply(delivery, true, text);
      if (retriesLeft(delivery) > 0) {
        sending.failing = true;
        return 'retrying';
      }
      this.#tracker.ended(sending, this.#deps.now());
      return 'failed';
    });
  }

  receive(message: unknown, from: From = {}): Effect | undefined {
    const word = readConfirmation(message);
    if (word === undefined) return undefined;
    return word.rejected ? this.fail(word.id, word.error, { ...from, rejected: true }) : this.confirm(word.id, from);
  }

  status(id: string, from: From = {}): EventStatus | undefined {
    const [newest] = this.#of(id, from);
    return newest === undefined ? undefined : statusOf(newest);
  }

  pending(user?: string): EventStatus[] {
    const found: EventStatus[] = [];
    this.#store.each((delivery) => {
      if (isSettled(delivery)) return false;
      if (user === undefined || delivery.session.user === user) found.push(statusOf(delivery));
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
    this.#callback = callback;
  }

  start(): void {
    this.#stopBeat ??= this.#deps.startBeat(this.#tracker, this.#deps.report);
  }

  async stop({ graceMs = 0 }: { readonly graceMs?: number } = {}): Promise<void> {
    if (graceMs > 0 && this.#store.pending > 0) await this.#drained(graceMs);
    this.#tracker.shutdown(this.#deps.now());
    this.#stopBeat?.();
    this.#stopBeat = undefined;
  }

  /** Applies a word to every open event of the id that it may speak of; if there is none, counts why it changed nothing. */
  #word(id: string, from: From, rejected: boolean, error: string, apply: (delivery: Delivery) => Effect): Effect {
    const mine = this.#of(id, from);
    let effect: Effect | undefined;
    for (const delivery of mine) if (!isSettled(delivery)) effect = apply(delivery);
    if (effect !== undefined) return effect;
    const session = mine[0]?.session ?? new Session('', new Owner(from.user));
    return this.#tracker.processed(session, id, rejected, error, this.#deps.now()) as Effect;
  }

  #apply(delivery: Delivery, rejected: boolean, error: string): Effect {
    const id = delivery.eventId ?? delivery.id;
    const effect = this.#tracker.processed(delivery.session, id, rejected, error, this.#deps.now());
    return effect === 'rejected' ? 'failed' : (effect as Effect);
  }

  /** Newest first; only the user's own where a user speaks (SPEC D6). */
  #of(id: string, { user }: From): readonly Delivery[] {
    const all = this.#store.withEvent(id);
    return user === undefined ? all : all.filter((delivery) => delivery.session.user === user);
  }

  #ownerOf(user: string | undefined): Owner {
    if (user === undefined) return new Owner(undefined);
    return this.#owners.get(user) ?? new Owner(user);
  }

  #drained(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#idle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #observer(): Observer {
    const { telemetry } = this.#deps;
    return {
      tracked: (delivery) => {
        const { owner } = delivery.session;
        if (owner.user !== undefined) this.#owners.set(owner.user, owner);
        this.#figures.tracked(delivery);
        telemetry.tracked(delivery);
      },
      // The retrier tells more: what came of the call.
      attempted() {},
      received() {},
      settled: (delivery) => {
        const { owner } = delivery.session;
        (delivery.session as Sending).data = undefined;
        if (owner.pending === 0 && owner.user !== undefined) this.#owners.delete(owner.user);
        this.#figures.settled(delivery);
        telemetry.settled(delivery);
        if (this.#store.pending === 0) this.#idle?.();
      },
      upgraded() {},
      unmatched: (reason) => {
        this.#figures.unmatched(reason);
        telemetry.unmatched(reason);
      },
      shed: (reason, _session, type) => {
        this.#figures.shed(type.policy.priority);
        telemetry.shed(reason, type);
        this.#reportShed(reason);
      },
    };
  }

  #reportShed(reason: string): void {
    const now = this.#deps.now();
    if (now - this.#shedReportedAt < SHED_REPORT_MS) return;
    this.#shedReportedAt = now;
    const limit = reason === 'pending' ? 'limits.pending' : 'limits.pendingPerUser';
    this.#deps.report({ stage: 'track', error: new Error(`${limit} reached: events are pushed untracked`) });
  }
}

function factsOf({ user, run, tool, toolCall }: TrackedEvent, id: string, type: EventFacts['type']): EventFacts {
  // `bytes` is unknown: what the backend puts on the wire is its own affair.
  return { type, id, run, user, tool, toolCall, traceparent: undefined, bytes: 0 };
}
