// Whose word counts for which event: the backend's own for all, a user's for that user's, nobody's for nobody's.
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { Session } from '../../src/delivery/session.ts';
import type { From } from '../../src/embed/from.ts';
import { propertyOptions } from '../support/seed.ts';
import { setUp } from './harness.ts';

const NOBODY: [string, From][] = [
  ['undefined', { user: undefined }],
  ['null', { user: null }],
  ['a list, as a query string with two users makes it', { user: ['a', 'b'] } as unknown as From],
  ['an object', { user: {} } as unknown as From],
];

test('[E3] several words in one message are each about their event; something else beside them is for the backend', () => {
  const { tracker } = setUp();
  const [a, b, c] = ['a', 'b', 'c'].map((id) => tracker.track({ type: 't', id }));
  const word = (event_id: string | undefined, more: object = {}) => ({ type: 'event_confirmation', event_id, ...more });
  expect(tracker.receive([word(a), word(b, { status: 'failed', error: 'no room' })])).toBe('confirmed');
  expect([tracker.status('a')?.status, tracker.status('b')?.status]).toEqual(['confirmed', 'failed']);
  expect(tracker.receive(JSON.stringify([{ type: 'chat' }, word(c)]))).toBeUndefined();
  expect(tracker.status('c')?.status).toBe('confirmed');
});

describe('[D6] a user who is not known is nobody, and never the backend', () => {
  test.each(NOBODY)('confirm with a user of %s changes no user’s event', (_name, from) => {
    const { tracker } = setUp();
    const id = tracker.track({ type: 't', user: 'a' });
    expect(tracker.confirm(id, from)).toBe('foreign');
    expect(tracker.confirm('nobody-has-this', from)).toBe('unknown');
    expect(tracker.fail(id, 'no', { ...from, rejected: true })).toBe('foreign');
    expect(tracker.fail(id, 'no', from)).toBe('foreign');
    expect(tracker.markSent(id, from)).toBe(false);
    expect(tracker.status(id, from)).toBeUndefined();
    expect(tracker.status(id)).toMatchObject({ status: 'pending', sent: false, error: '' });
    expect(tracker.metrics().unmatched).toMatchObject({ foreign: 3, unknown: 1 });
  });

  test.each(NOBODY)('receive with a user of %s changes no user’s event', (_name, from) => {
    const { tracker } = setUp();
    const event_id = tracker.track({ type: 't', user: 'a' });
    const message = (status: string) => JSON.stringify({ type: 'event_confirmation', event_id, status });
    expect(tracker.receive(message('confirmed'), from)).toBe('foreign');
    expect(tracker.receive(message('failed'), from)).toBe('foreign');
    expect(tracker.receive(message('confirmed'), { user: 'a' })).toBe('confirmed');
  });

  test('a speaker that cannot be read is refused before anything is changed', () => {
    const { tracker } = setUp();
    const id = tracker.track({ type: 't', user: 'a' });
    const gone = Proxy.revocable({}, {});
    gone.revoke();
    const unready = {
      get user(): string {
        throw new Error('not logged in yet');
      },
    };
    for (const from of [unready, gone.proxy])
      for (const method of ['markSent', 'confirm', 'status'] as const)
        expect(() => tracker[method](id, from)).toThrow(RangeError);
    expect(() => tracker.fail(id, 'no', unready)).toThrow(RangeError);
    expect(() => tracker.receive({ type: 'event_confirmation', event_id: id }, unready)).toThrow(RangeError);
    expect(tracker.status(id)).toMatchObject({ status: 'pending', sent: false, error: '' });
  });

  test('a user is looked for where an object inherits it, too', () => {
    class Connection {
      get user(): string | undefined {
        return undefined;
      }
    }
    const { tracker } = setUp();
    const id = tracker.track({ type: 't', user: 'a' });
    expect(tracker.confirm(id, new Connection())).toBe('foreign');
  });

  test('nobody’s word counts for what was tracked without a user', () => {
    const { tracker } = setUp();
    tracker.track({ id: 'news', type: 't', user: 'a' });
    tracker.track({ id: 'news', type: 't' });
    expect(tracker.confirm('news', { user: undefined })).toBe('confirmed');
    expect(tracker.pending().map(({ user }) => user)).toEqual(['a']);
  });

  test('pending of a user who is not known shows no user’s events', () => {
    const { tracker } = setUp();
    tracker.track({ type: 't', user: 'a' });
    const id = tracker.track({ type: 't' });
    for (const nobody of [undefined, null, ['a'], {}] as (string | undefined)[])
      expect(tracker.pending(nobody).map((event) => event.id)).toEqual([id]);
    expect(tracker.pending()).toHaveLength(2);
  });

  test('the backend’s own word has no user at all, and counts for everybody’s', () => {
    for (const own of [undefined, {}] as const) {
      const { tracker } = setUp();
      for (const user of ['a', 'b']) tracker.track({ id: 'e', type: 't', user });
      tracker.track({ id: 'e', type: 't' });
      expect(tracker.confirm('e', own)).toBe('confirmed');
      expect(tracker.metrics()).toMatchObject({ confirmed: 3, pending: 0 });
    }
  });

  test('who speaks must be told by an object: anything else is a mistake of the backend', () => {
    const { tracker } = setUp();
    const id = tracker.track({ type: 't', user: 'a' });
    for (const from of ['a', 7, null, true, ['a']] as unknown as From[]) {
      expect(() => tracker.confirm(id, from)).toThrow(RangeError);
      expect(() => tracker.fail(id, 'no', from)).toThrow(RangeError);
      expect(() => tracker.receive('{}', from)).toThrow(RangeError);
      expect(() => tracker.markSent(id, from)).toThrow(RangeError);
      expect(() => tracker.status(id, from)).toThrow(RangeError);
    }
    expect(() => tracker.fail(id, 'no', { rejected: 'yes' as unknown as boolean })).toThrow(RangeError);
    expect(tracker.status(id)).toMatchObject({ status: 'pending', error: '' });
  });
});

test('a client that names an event by something that is no id makes nothing throw', () => {
  const { tracker } = setUp();
  tracker.track({ type: 't', user: 'a' });
  const ids = [
    undefined,
    null,
    {},
    [],
    true,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '',
    7n,
    Symbol('s'),
    'x'.repeat(5000),
  ];
  for (const id of ids as string[]) {
    expect(tracker.confirm(id, { user: 'a' })).toBe('unknown');
    expect(tracker.fail(id, 'no', { user: 'a' })).toBe('unknown');
    expect(tracker.markSent(id, { user: 'a' })).toBe(false);
    expect(tracker.status(id, { user: 'a' })).toBeUndefined();
    expect(tracker.confirm(id)).toBe('unknown');
  }
  for (const reason of [undefined, null, {}, Object.create(null), Symbol('s')] as string[])
    expect(tracker.fail('e', reason)).toBe('unknown');
  expect(tracker.metrics().pending).toBe(1);
});

describe('[D13] one id tracked twice', () => {
  test('a confirmation ends both, once', () => {
    const { tracker } = setUp();
    for (let i = 0; i < 2; i++) tracker.track({ id: 'e', type: 't' });
    expect(tracker.confirm('e')).toBe('confirmed');
    expect(tracker.metrics()).toMatchObject({ tracked: 2, confirmed: 2, pending: 0 });
    expect(tracker.confirm('e')).toBe('duplicate');
    expect(tracker.metrics().unmatched).toMatchObject({ duplicate: 1 });
  });

  test('a user’s confirmation ends both of that user and none of another’s', () => {
    const { tracker } = setUp();
    for (const user of ['a', 'b', 'a']) tracker.track({ id: 'e', type: 't', user });
    expect(tracker.receive({ type: 'event_confirmation', event_id: 'e' }, { user: 'a' })).toBe('confirmed');
    expect(tracker.pending().map(({ user }) => user)).toEqual(['b']);
    expect(tracker.confirm('e', { user: 'a' })).toBe('duplicate');
    expect(tracker.confirm('e', { user: 'b' })).toBe('confirmed');
  });

  test('a rejection ends both as rejected', () => {
    const { tracker } = setUp();
    for (let i = 0; i < 2; i++) tracker.track({ id: 'e', type: 't', user: 'a' });
    expect(tracker.fail('e', 'no panel', { user: 'a', rejected: true })).toBe('failed');
    expect(tracker.metrics()).toMatchObject({ failed: 2, pending: 0 });
  });

  test('a copy that the retry callback tracks under the same id is confirmed together with the original', async () => {
    const { tracker, pass } = setUp({
      onRetry: (id, type, data) => {
        tracker.track({ id, type, data, user: 'a', retries: 0 });
        return true;
      },
    });
    tracker.track({ id: 'e', type: 't', data: {}, user: 'a' });
    await pass(1100);
    expect(tracker.pending('a')).toHaveLength(2);
    expect(tracker.confirm('e', { user: 'a' })).toBe('confirmed');
    expect(tracker.metrics()).toMatchObject({ tracked: 2, confirmed: 2, pending: 0, unmatched: { duplicate: 0 } });
  });

  test('a copy tracked after the confirmation is an event of its own', () => {
    const { tracker } = setUp();
    tracker.track({ id: 'e', type: 't', user: 'a' });
    tracker.confirm('e', { user: 'a' });
    tracker.track({ id: 'e', type: 't', user: 'a' });
    expect(tracker.status('e', { user: 'a' })?.status).toBe('pending');
    expect(tracker.confirm('e', { user: 'a' })).toBe('confirmed');
    expect(tracker.metrics()).toMatchObject({ confirmed: 2, unmatched: { duplicate: 0 } });
  });
});

/** How often anybody looked at whose event it is while `ask` ran. */
function visits(ask: () => void): number {
  const user = vi.spyOn(Session.prototype, 'user', 'get');
  try {
    ask();
    return user.mock.calls.length;
  } finally {
    user.mockRestore();
  }
}

describe('what one user asks costs what that user has', () => {
  test('pending visits that user’s events and no others', () => {
    const { tracker } = setUp();
    for (let i = 0; i < 5000; i++) tracker.track({ type: 't', user: `user-${i % 1000}` });
    for (const i of [0, 1]) tracker.track({ id: `mine-${i}`, type: 't', user: 'me' });
    let mine: string[] = [];
    expect(visits(() => (mine = tracker.pending('me').map(({ id }) => id)))).toBeLessThanOrEqual(4);
    expect(mine).toEqual(['mine-1', 'mine-0']);
    expect(visits(() => expect(tracker.pending('stranger')).toEqual([]))).toBe(0);
  });

  test('a word on an event that went to thousands visits that user’s copy and no others', () => {
    const { tracker } = setUp();
    for (let i = 0; i < 5000; i++) tracker.track({ id: 'news', type: 't', user: `user-${i}` });
    const count = visits(() => {
      expect(tracker.confirm('news', { user: 'user-2500' })).toBe('confirmed');
      expect(tracker.confirm('news', { user: 'user-2500' })).toBe('duplicate');
      expect(tracker.confirm('news', { user: 'stranger' })).toBe('foreign');
      expect(tracker.status('news', { user: 'user-7' })?.status).toBe('pending');
    });
    expect(count).toBeLessThanOrEqual(12);
  });

  test('the books agree with the store, whatever comes and goes', () => {
    const users = [undefined, 'a', 'b'] as const;
    const step = fc.record({
      act: fc.constantFrom('track', 'track', 'confirm', 'fail', 'reject'),
      id: fc.constantFrom('x', 'y', 'z'),
      user: fc.constantFrom(...users),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(4), (steps, history) => {
        const { tracker } = setUp({ limits: { history } });
        for (const { act, id, user } of steps) {
          if (act === 'track') tracker.track(user === undefined ? { id, type: 't' } : { id, type: 't', user });
          else if (act === 'confirm') tracker.confirm(id, { user });
          else tracker.fail(id, 'x', { user, rejected: act === 'reject' });
          const all = tracker.pending();
          for (const each of users) {
            expect(tracker.pending(each)).toEqual(all.filter((event) => event.user === (each ?? null)));
            const open = all.find((event) => event.id === id && event.user === (each ?? null));
            const status = tracker.status(id, { user: each });
            if (open !== undefined) expect(status).toBeDefined();
            if (history === 0) expect(status?.status).toBe(open?.status);
          }
        }
      }),
      propertyOptions(300),
    );
  });
});
