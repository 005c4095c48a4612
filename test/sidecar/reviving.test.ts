// What another process left, as records of this one: with times that can be, whatever clocks they were read from.
import { expect, it } from 'vitest';
import type { Delivery } from '../../src/delivery/record.ts';
import { Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createOwners } from '../../src/identity/owners.ts';
import type { OpenDelivery } from '../../src/journal/image.ts';
import { endAsLost } from '../../src/sidecar/reviving.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { eventType } from '../support/deliveries.ts';

const NOW = 10_000;

/** The delivery that was left, with times by the clock of the store, as it ends here. */
function ended(sentAt: number, receivedAt: number, attempts: readonly number[]): Delivery {
  const settled: Delivery[] = [];
  const owners = createOwners({ connectionsPerUser: 1 });
  const tracker = new Tracker({
    store: createMemoryStore({ history: 10 }),
    observer: { settled: (delivery) => void settled.push(delivery) },
    ...{ limits: { pending: 100, pendingPerUser: 100 }, now: NOW, random: () => 0.5 },
  });
  const left: OpenDelivery = {
    delivery: {
      ...{ seq: 1, session: 's', user: undefined, capability: 'received', connection: 'c', ordinal: 1, type: 'note' },
      ...{ eventId: 'e-1', run: undefined, tool: undefined, toolCall: undefined, traceparent: undefined },
      ...{ bytes: 9, required: 'processed', sentAt },
    },
    state: {
      ...{ receivedAt, word: '', errorText: '', missed: false, kept: false },
      attempts: attempts.map((at) => ({ kind: 'probe', at, result: 'sent' })),
    },
    message: undefined,
  };
  const deps = { decoder: { typeNamed: eventType }, tracker, resumption: { restore: () => true }, owners };
  endAsLost({ ...deps, now: () => NOW, offset: () => 0 }, new Session('s', owners.acquire(undefined), ''), left);
  return settled[0]!;
}

it('[P9] nothing of a delivery comes before it was sent, where instances read the clock of the store a moment apart', () => {
  const { sentAt, receivedAt, attemptLog } = ended(9000, 8999.2, [8999.5, 9999.5, 9999]);
  expect({ sentAt, receivedAt }).toEqual({ sentAt: 9000, receivedAt: 9000 });
  expect(attemptLog?.map(({ at, delay }) => ({ at, delay }))).toEqual([
    { at: 9000, delay: 0 },
    { at: 9999.5, delay: 999.5 },
    { at: 9999.5, delay: 0 },
  ]);
});

it('[P9] nor lies it ahead, so that no delivery ends before it was sent', () => {
  const { sentAt, receivedAt, settledAt } = ended(NOW + 3, NOW + 5, [NOW + 4]);
  expect({ sentAt, receivedAt, settledAt }).toEqual({ sentAt: NOW, receivedAt: NOW, settledAt: NOW });
});
