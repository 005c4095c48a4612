// channels: tells the steps of deliveries; an observer only where a program listens when the sidecar starts.
import type { Observer } from '../delivery/ports.ts';
import { isHeard, type Step, tellStep } from './channels.ts';

const STEPS: readonly Step[] = ['tracked', 'attempted', 'received', 'settled'];

/** The observer; undefined where no program listens now: every event would pay for the question. */
export function createDeliverySteps(): Observer | undefined {
  if (!STEPS.some(isHeard)) return undefined;
  return {
    tracked: ({ id, session, eventId, type, ordinal, sentAt }) =>
      tellStep('tracked', () => ({
        ...{ delivery: id, session: session.key, event: eventId, type: type.name, ordinal, at: sentAt },
      })),
    attempted: ({ id }, { kind, number, result, at }) =>
      tellStep('attempted', () => ({ delivery: id, kind, number, result, at })),
    received: ({ id, receivedAt }) => tellStep('received', () => ({ delivery: id, at: receivedAt })),
    settled: ({ id, status, level, errorType, settledAt }) =>
      tellStep('settled', () => ({ delivery: id, status, level, error: errorType, at: settledAt })),
  };
}
