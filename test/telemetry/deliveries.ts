// Deliveries in any state for telemetry tests, without a tracker.
import type { EventType } from '../../src/delivery/policy.ts';
import { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import type { ErrorType, Level, Outcome, Priority } from '../../src/delivery/words.ts';

/** 2026-01-01T00:00:00Z, ms. */
export const T0 = 1_767_225_600_000;

export const SESSION = new Session('s-1', new Owner('somebody@example.org'));

let seq = 0;

/** An event type with its dense index; index 0 is `other` by convention. */
export function eventType(name: string, index: number, priority: Priority = 'normal', label = name): EventType {
  return { name, index, label, policy: { priority, confirm: 'auto', timeoutMs: 30_000, attemptsMs: [1000, 2000] } };
}

/** A delivery in flight, sent at T0. */
export function sent(type: EventType, required: Level = 'received', at = T0): Delivery {
  const facts = { type, id: undefined, run: undefined, user: undefined, tool: undefined, toolCall: undefined };
  return new Delivery(++seq, SESSION, seq, { ...facts, traceparent: undefined, bytes: 10 }, required, at);
}

/** Gives it its outcome `ms` after the send, as the tracker does. */
export function settle(
  delivery: Delivery,
  ms: number,
  status: Outcome,
  level: Level | '' = '',
  errorType: ErrorType = '',
): Delivery {
  delivery.status = status;
  delivery.level = level;
  delivery.errorType = errorType;
  delivery.settledAt = delivery.sentAt + ms;
  return delivery;
}
