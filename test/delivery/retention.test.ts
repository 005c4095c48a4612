// What is kept for replays: within the limits of the process, the session and the user, the least important left out first.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Retention } from '../../src/delivery/retention.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import type { Priority } from '../../src/delivery/words.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { eventType, facts } from '../support/deliveries.ts';
import { propertyOptions } from '../support/seed.ts';
import { silentObserver } from '../support/silent-observer.ts';

const plain = eventType('agent_started');
const PLENTY = { bytes: 1e9, bytesPerSession: 1e9, bytesPerUser: 1e9 };

function open(limits: Partial<typeof PLENTY>) {
  const retention = new Retention({ ...PLENTY, ...limits });
  const tracking = { pending: 1e6, pendingPerUser: 1e6 };
  const store = createMemoryStore({ history: 0 });
  const tracker = new Tracker({ store, observer: silentObserver, limits: tracking, now: 0, random: () => 0.5 });
  let ordinal = 0;
  const keep = (session: Session, size: number, priority: Priority = 'critical') => {
    const delivery = tracker.track(
      session,
      facts({ type: { ...plain, policy: { ...plain.policy, priority } } }),
      ++ordinal,
      ordinal,
    )!;
    return { delivery, kept: retention.keep(delivery, size, () => new Uint8Array(size)) };
  };
  return { retention, keep };
}

it('[D7] a message that could never be kept is counted by the limit that it exceeds, else by the room it did not find', () => {
  const { retention } = open({ bytes: 300, bytesPerSession: 100, bytesPerUser: 200 });
  expect(retention.longest).toBe(100);
  for (const size of [100, 101, 301]) retention.cut(size);
  expect(retention.refused).toEqual({
    ...{ retained_bytes: 0, retained_per_user: 0 },
    ...{ retained_per_session: 2, in_flight_bytes: 1, several_events: 0 },
  });
});

it('[D7] a message is counted by the limit of the process, or of its user, where that is the one that it exceeds', () => {
  const [all, user] = [open({ bytes: 100, bytesPerUser: 200 }), open({ bytesPerUser: 200 })];
  for (const size of [101, 300]) all.retention.cut(size);
  user.retention.cut(201);
  const both = open({ bytes: 300, bytesPerUser: 200 }).retention;
  both.cut(300);
  expect(both.refused).toMatchObject({ retained_bytes: 0, retained_per_user: 1 });
  expect([all.retention.refused, user.retention.refused]).toMatchObject([
    { retained_bytes: 2, retained_per_session: 0, retained_per_user: 0, in_flight_bytes: 0 },
    { retained_bytes: 0, retained_per_session: 0, retained_per_user: 1, in_flight_bytes: 0 },
  ]);
  const [one, other] = ['1', '2'].map((key) => new Session(key, new Owner(key)));
  expect([all.keep(one!, 60).kept, all.keep(other!, 41).kept, all.retention.refused.retained_bytes]).toEqual([
    ...[true, false, 3],
  ]);
});

it('[R9] nothing is kept of a delivery that has its outcome', () => {
  const { retention, keep } = open({});
  const session = new Session('1', new Owner('ann'));
  session.receivedThrough = 1;
  const { delivery, kept } = keep(session, 10);
  expect([delivery.status, kept, delivery.payload, retention.bytes]).toEqual(['confirmed', false, undefined, 0]);
});

it('[R9] the limit per session holds for each session, in shares, and for no other session', () => {
  const { retention, keep } = open({ bytesPerSession: 100 });
  const ann = new Owner('ann');
  const [first, second] = [new Session('1', ann), new Session('2', ann)];
  expect(keep(first, 60).kept).toBe(true);
  expect([keep(first, 41).kept, keep(first, 21, 'low').kept]).toEqual([false, false]);
  expect([keep(first, 20, 'low').kept, keep(first, 20).kept, keep(second, 100).kept]).toEqual([true, true, true]);
  expect([first.retained, second.retained, ann.retained]).toEqual([100, 100, 200]);
  expect(retention.refused).toMatchObject({ retained_bytes: 0, retained_per_session: 2, retained_per_user: 0 });
});

it('[D7] a message that could not be kept in any case makes no other give way; one that can is told of', () => {
  const changed: number[] = [];
  const observer = { changed: ({ ordinal }: { readonly ordinal: number }) => void changed.push(ordinal) };
  const retention = { ...PLENTY, bytes: 100, bytesPerSession: 50 };
  const limits = { pending: 100, pendingPerUser: 100, retention };
  const tracker = new Tracker({
    store: createMemoryStore({ history: 0 }),
    observer,
    limits,
    now: 0,
    random: () => 0.5,
  });
  const [one, two, three] = ['1', '2', '3'].map((key) => new Session(key, new Owner(undefined)));
  const keep = (session: Session, ordinal: number, priority: Priority, size: number) => {
    const type = { ...plain, policy: { ...plain.policy, priority } };
    const delivery = tracker.track(session, facts({ type }), ordinal, 0)!;
    return tracker.retention.keep(delivery, size, () => new Uint8Array(size));
  };
  expect([keep(one!, 1, 'low', 40), keep(two!, 2, 'low', 40), keep(three!, 3, 'critical', 51)]).toEqual([
    true,
    true,
    false,
  ]);
  expect([tracker.retention.bytes, changed]).toEqual([80, []]);
  expect([keep(three!, 4, 'critical', 50), tracker.retention.bytes, changed]).toEqual([true, 90, [1]]);
});

it('[D7] at the limit of one user only a message of that user gives way', () => {
  const limits = { pending: 100, pendingPerUser: 100, retention: { ...PLENTY, bytesPerUser: 100 } };
  const store = createMemoryStore({ history: 0 });
  const tracker = new Tracker({ store, observer: silentObserver, limits, now: 0, random: () => 0.5 });
  const [ann, bob] = ['ann', 'bob'].map((user) => new Session(user, new Owner(user)));
  const keep = (session: Session, ordinal: number, priority: Priority, size: number) => {
    const type = { ...plain, policy: { ...plain.policy, priority } };
    const delivery = tracker.track(session, facts({ type }), ordinal, 0)!;
    return tracker.retention.keep(delivery, size, () => new Uint8Array(size));
  };
  expect([keep(bob!, 1, 'low', 80), keep(ann!, 1, 'low', 80), keep(ann!, 2, 'critical', 90)]).toEqual([
    true,
    true,
    true,
  ]);
  expect([ann!.retained, bob!.retained]).toEqual([90, 80]);
});

describe('[D7] the limit per user', () => {
  it('is shared by the sessions of one user and leaves others alone', () => {
    const { retention, keep } = open({ bytesPerUser: 100 });
    const [ann, bob] = [new Owner('ann'), new Owner('bob')];
    const [first, second, other] = [new Session('1', ann), new Session('2', ann), new Session('3', bob)];
    expect(keep(first, 60).kept).toBe(true);
    expect(keep(second, 41).kept).toBe(false);
    expect(keep(second, 40).kept).toBe(true);
    expect(keep(other, 100).kept).toBe(true);
    expect([ann.retained, bob.retained, first.retained, second.retained]).toEqual([100, 100, 60, 40]);
    expect(retention.refused).toMatchObject({ retained_bytes: 0, retained_per_session: 0, retained_per_user: 1 });
  });

  it('gives way LOW first', () => {
    const { keep } = open({ bytesPerUser: 100 });
    const session = new Session('1', new Owner('ann'));
    const kept = (['low', 'normal', 'high', 'critical'] as const).map((priority) => {
      let count = 0;
      while (keep(session, 1, priority).kept) count++;
      return count;
    });
    expect(kept).toEqual([80, 10, 5, 5]);
  });

  it('counts sessions without a user each for itself', () => {
    const { keep } = open({ bytesPerUser: 100 });
    expect(keep(new Session('1', new Owner(undefined)), 100).kept).toBe(true);
    expect(keep(new Session('2', new Owner(undefined)), 100).kept).toBe(true);
  });
});

it('[D7] [D11] random keeping and letting go: no limit is passed, sums agree, and nothing is left at the end', () => {
  const step = fc.record({
    session: fc.nat(5),
    size: fc.nat(60),
    priority: fc.constantFrom<Priority>('critical', 'high', 'normal', 'low'),
    release: fc.option(fc.nat(50)),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const { retention, keep } = open({ bytes: 300, bytesPerSession: 80, bytesPerUser: 150 });
      const owners = [new Owner('ann'), new Owner('bob')];
      const sessions = Array.from({ length: 6 }, (_, n) => new Session(String(n), owners[n % 2]!));
      const held: ReturnType<typeof keep>['delivery'][] = [];
      let refused = 0;
      for (const { session, size, priority, release } of steps) {
        if (release !== null) {
          for (const delivery of held.splice(release, 1)) retention.release(delivery);
          continue;
        }
        const { delivery, kept } = keep(sessions[session]!, size, priority);
        if (kept) held.push(delivery);
        else refused++;
        const sum = (of: readonly { retained: number }[]) => of.reduce((all, each) => all + each.retained, 0);
        expect(retention.bytes).toBe(held.reduce((all, { payload }) => all + payload!.length, 0));
        expect([sum(sessions), sum(owners)]).toEqual([retention.bytes, retention.bytes]);
        expect(Math.max(...owners.map(({ retained }) => retained))).toBeLessThanOrEqual(150);
        expect(Math.max(...sessions.map(({ retained }) => retained))).toBeLessThanOrEqual(80);
        expect(Object.values(retention.refused).reduce((all, each) => all + each)).toBe(refused);
      }
      for (const delivery of [...held, ...held]) retention.release(delivery);
      expect([retention.bytes, ...owners.map(({ retained }) => retained)]).toEqual([0, 0, 0]);
    }),
    propertyOptions(200),
  );
});
