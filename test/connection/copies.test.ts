// Whether a copy of a message that was not read would be read, and what of a message is kept (SPEC D13, R9).
import { expect, it } from 'vitest';
import { copiesInside, copiesOf } from '../../src/connection/copies.ts';
import { journalMessage } from '../../src/connection/journalling.ts';
import { keepMessage } from '../../src/connection/keeping.ts';
import type { MessageReader } from '../../src/decode/protocol.ts';
import type { Journal } from '../../src/delivery/journal.ts';
import type { Delivery } from '../../src/delivery/record.ts';
import { Retention } from '../../src/delivery/retention.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { FakeLink, facts, setUp, THINKING } from '../delivery/harness.ts';

const reader = (mayHide?: boolean): MessageReader => ({ mayHide }) as MessageReader;

it.each([
  ['binary', 10, undefined, undefined],
  ['unreadable', 10, 'no', undefined],
  ['unreadable', 10, undefined, 'anywhere'],
  ['unreadable', 10, 'here', 'elsewhere'],
  ['too_large', 100, undefined, 'anywhere'],
  ['too_large', 101, undefined, 'unread'],
  ['too_large', 101, 'here', 'unread'],
  ['binary', 101, 'once', 'unread'],
] as const)(
  '[D13] a copy of a message that is %s, of %i bytes and unseen %s, is read: %s',
  (reason, bytes, unseen, copies) => {
    expect(copiesOf(reason, bytes, 100, unseen)).toBe(copies);
  },
);

it('[D13] an event may be hidden in a message that is not taken apart, or behind the beginning that was read', () => {
  expect(copiesInside(reader(true), facts(THINKING, 'x'), false)).toBe('anywhere');
  expect(copiesInside(reader(), facts(THINKING), true)).toBe('unread');
  expect(copiesInside(reader(), undefined, true)).toBe('unread');
  expect(copiesInside(reader(), facts(THINKING, 'x'), true)).toBeUndefined();
  expect(copiesInside(reader(false), facts(THINKING), false)).toBeUndefined();
});

it('[R9] [D21] a message is kept that is at hand whole and holds one event; others are counted', () => {
  const { tracker, connect, start } = setUp();
  const session = connect('ann');
  const retention = new Retention({ bytes: 100, bytesPerSession: 100, bytesPerUser: 100 });
  const buf = Buffer.from('..message');
  const keep = (bytes: number, several: boolean): string | undefined => {
    const delivery = tracker.track(session, facts(), 1, start)!;
    keepMessage(retention, delivery, buf, 2, 9, bytes, several);
    return delivery.payload === undefined ? undefined : Buffer.from(delivery.payload).toString();
  };
  expect([keep(7, false), keep(8, false), keep(7, true)]).toEqual(['message', undefined, undefined]);
  expect(retention.refused).toMatchObject({ in_flight_bytes: 1, several_events: 1, retained_per_session: 0 });
});

it('[P1] the journal is told of a delivery in flight; of another message only that it counts, where its session can be resumed', () => {
  const told: string[] = [];
  const journal = {
    tracked: ({ ordinal }: Delivery) => void told.push(`tracked ${ordinal}`),
    counted: (_: Session, ordinal: number) => void told.push(`counted ${ordinal}`),
  } as Partial<Journal> as Journal;
  const { tracker, start } = setUp();
  const session = new Session('s', new Owner('ann'));
  session.link = new FakeLink();
  const [first, open] = [1, 2].map((n) => tracker.track(session, facts(), n, start)!);
  tracker.received(session, 1, start + 1);
  const tell = () => {
    for (const [i, each] of [first, open, undefined].entries()) journalMessage(journal, session, each, i + 1);
  };
  tell();
  expect(told.splice(0)).toEqual(['tracked 2']);
  session.resumable = true;
  tell();
  expect(told).toEqual(['counted 1', 'tracked 2', 'counted 3']);
});
