// A tracker in a test's hands: its own clock, a real memory store, an observer that writes everything down.

import type { EventType, Policy } from '../../src/delivery/policy.ts';
import type { Link, Observer } from '../../src/delivery/ports.ts';
import type { Attempt, Delivery, EventFacts } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker, type TrackerLimits } from '../../src/delivery/tracker.ts';
import type { AttemptResult, ShedReason, UnmatchedReason } from '../../src/delivery/words.ts';
import { createMemoryStore } from '../../src/store/memory.ts';

export const POLICY: Policy = {
  priority: 'normal',
  confirm: 'auto',
  timeoutMs: 30_000,
  attemptsMs: [1000, 2000, 4000],
};

export function eventType(name: string, index: number, policy: Partial<Policy> = {}): EventType {
  return { name, index, label: name, policy: { ...POLICY, ...policy } };
}

export const THINKING = eventType('agent_thinking', 1);
export const TOOL = eventType('tool_executing', 2, { priority: 'critical' });
export const MUST_PROCESS = eventType('must_process', 3, { confirm: 'processed' });

export function facts(type: EventType = THINKING, id?: string): EventFacts {
  return {
    type,
    id,
    run: undefined,
    user: undefined,
    tool: undefined,
    toolCall: undefined,
    traceparent: undefined,
    bytes: 100,
  };
}

export class Recorder implements Observer {
  readonly log: string[] = [];
  readonly unmatchedReasons: UnmatchedReason[] = [];
  readonly shedReasons: ShedReason[] = [];
  readonly attempts: Attempt[] = [];
  readonly settledDeliveries: Delivery[] = [];
  upgrades = 0;
  rejections = 0;
  tracked(delivery: Delivery): void {
    this.log.push(`tracked ${delivery.ordinal}`);
  }
  attempted(delivery: Delivery, attempt: Attempt): void {
    this.attempts.push(attempt);
    this.log.push(`${attempt.kind} ${delivery.ordinal} #${attempt.number}`);
  }
  received(delivery: Delivery): void {
    this.log.push(`received ${delivery.ordinal}`);
  }
  settled(delivery: Delivery): void {
    this.settledDeliveries.push(delivery);
    this.log.push(`${delivery.status} ${delivery.ordinal}`);
  }
  upgraded(): void {
    this.upgrades++;
  }
  rejectedLater(): void {
    this.rejections++;
  }
  unmatched(reason: UnmatchedReason): void {
    this.unmatchedReasons.push(reason);
  }
  shed(reason: ShedReason): void {
    this.shedReasons.push(reason);
  }
}

export class FakeLink implements Link {
  readonly id = 'c-1';
  result: AttemptResult = 'sent';
  probes = 0;
  readonly resent: number[] = [];
  resend(delivery: Delivery): AttemptResult {
    this.resent.push(delivery.ordinal);
    return this.result;
  }
  probe(): AttemptResult {
    this.probes++;
    return this.result;
  }
}

export function setUp(
  limits: TrackerLimits = { pending: 1000, pendingPerUser: 1000 },
  history = 100,
  random = () => 0.5,
) {
  const start = 1_750_000_000_000;
  const recorder = new Recorder();
  const store = createMemoryStore({ history });
  const tracker = new Tracker({ store, observer: recorder, limits, now: start, random });
  let sessions = 0;
  const connect = (user?: string, answered = true, began = start): Session & { link: FakeLink } => {
    const session = new Session(`s-${++sessions}`, new Owner(user), '', began);
    session.link = new FakeLink();
    if (answered) tracker.received(session, 0, start);
    return session as Session & { link: FakeLink };
  };
  /** Moves the clock in steps of 25 ms, as the driver does. */
  const run = (from: number, to: number) => {
    for (let now = from; now <= to; now += 25) tracker.tick(now);
  };
  return { start, recorder, store, tracker, connect, run };
}
