// Makes deliveries for tests that observe them, and walks them to an outcome as the tracker would.
import type { EventType, Policy } from '../../src/delivery/policy.ts';
import type { Observer } from '../../src/delivery/ports.ts';
import { Delivery, type EventFacts } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import type { AttemptKind, ErrorType, Level, Outcome } from '../../src/delivery/words.ts';

const POLICY: Policy = { priority: 'high', confirm: 'auto', timeoutMs: 30_000, attemptsMs: [1000, 2000, 4000] };

export function eventType(name: string, index = 0, label = name): EventType {
  return { name, index, label, policy: POLICY };
}

export function facts(over: Partial<EventFacts> = {}): EventFacts {
  return {
    type: eventType('agent_started'),
    id: 'event-1',
    run: 'run-1',
    user: undefined,
    tool: undefined,
    toolCall: undefined,
    traceparent: undefined,
    bytes: 321,
    ...over,
  };
}

export function session(user?: string, traceparent = ''): Session {
  return new Session('s-1', new Owner(user), traceparent);
}

/** One delivery and the steps that the tracker would take with it; each step tells the observer. */
export class Walk {
  static seq = 0;
  readonly delivery: Delivery;
  readonly #observer: Observer;

  constructor(observer: Observer, on: Session, what: EventFacts, sentAt: number, required: Level = 'received') {
    this.#observer = observer;
    this.delivery = new Delivery(++Walk.seq, on, Walk.seq, what, required, sentAt);
    observer.tracked?.(this.delivery);
  }

  attempt(at: number, kind: AttemptKind = 'probe'): this {
    const { delivery } = this;
    const last = delivery.attemptLog?.at(-1)?.at ?? delivery.sentAt;
    const attempt = { kind, number: ++delivery.attempts, at, delay: at - last, result: 'sent' } as const;
    delivery.attemptLog = [...(delivery.attemptLog ?? []), attempt];
    delivery.status = 'retrying';
    this.#observer.attempted?.(delivery, attempt);
    return this;
  }

  received(at: number): this {
    this.delivery.receivedAt = at;
    this.delivery.level = 'received';
    this.#observer.received?.(this.delivery, at);
    return this;
  }

  confirmed(at: number, level: Level = 'received'): this {
    if (level === 'received') this.received(at);
    this.delivery.level = level;
    return this.#settle('confirmed', '', at);
  }

  ended(outcome: Exclude<Outcome, 'confirmed'>, error: ErrorType, at: number): this {
    return this.#settle(outcome, error, at);
  }

  #settle(outcome: Outcome, error: ErrorType, at: number): this {
    this.delivery.status = outcome;
    this.delivery.errorType = error;
    this.delivery.settledAt = at;
    this.#observer.settled?.(this.delivery);
    return this;
  }
}
