// What may be tracked: an event that makes no sense throws a RangeError, and then nothing has changed.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventTracker } from '../../src/embed/contract.ts';
import type { TrackedEvent } from '../../src/embed/event.ts';
import { createTracker } from '../../src/index.ts';
import { enough, propertyOptions } from '../support/seed.ts';
import { setUp } from './harness.ts';

const T = { type: 't' };
const NO_TEXT = Object.create(null) as object;

test.each<[string, unknown]>([
  ['no event', undefined],
  ['null', null],
  ['a text', 'agent_started'],
  ['a list', [T]],
  ['a function', () => T],
  ['no type', {}],
  ['an empty type', { type: '' }],
  ['a type that is a number', { type: 7 }],
  ['a type without a text', { type: NO_TEXT }],
  ['an unknown priority', { ...T, priority: 'urgent' }],
  ['a priority in capitals', { ...T, priority: 'CRITICAL' }],
  ['a priority that objects inherit', { ...T, priority: 'constructor' }],
  ['a priority of null', { ...T, priority: null }],
  ['a priority that is a list', { ...T, priority: ['critical'] }],
  ['an id that is an object', { ...T, id: {} }],
  ['an empty id', { ...T, id: '' }],
  ['an id of null', { ...T, id: null }],
  ['an id that is no number', { ...T, id: Number.NaN }],
  ['an id of more than 1,024 bytes', { ...T, id: 'é'.repeat(513) }],
  ['a user that is a number', { ...T, user: 42 }],
  ['a user of null', { ...T, user: null }],
  ['a time-out as text', { ...T, timeoutMs: '5000' }],
  ['a time-out as bigint', { ...T, timeoutMs: 5000n }],
  ['a time-out without a text', { ...T, timeoutMs: NO_TEXT }],
  ['a time-out that is a symbol', { ...T, timeoutMs: Symbol('s') }],
  ['a time-out that is a list', { ...T, timeoutMs: [5000] }],
  ['a time-out of nothing', { ...T, timeoutMs: 0 }],
  ['retries as text', { ...T, retries: '3' }],
  ['retries as bigint', { ...T, retries: 3n }],
  ['half a retry', { ...T, retries: 0.5 }],
  ['a run that is a number', { ...T, run: 1 }],
  ['a tool that is an object', { ...T, tool: {} }],
  ['a tool call that is null', { ...T, toolCall: null }],
  [
    'an event that cannot be read',
    {
      ...T,
      get priority(): string {
        throw new TypeError('no');
      },
    },
  ],
])('%s is refused before anything is stored', (_name, event) => {
  const { tracker } = setUp();
  const before = snapshot(tracker);
  expect(() => tracker.track(event as TrackedEvent)).toThrow(RangeError);
  expect(snapshot(tracker)).toEqual(before);
});

describe('random garbage', () => {
  test('either it is a RangeError and nothing has changed, or it is tracked', () => {
    const junk = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withTypedArray: true,
    });
    const or = (good: fc.Arbitrary<unknown>) =>
      fc.oneof({ weight: 3, arbitrary: good }, { weight: 1, arbitrary: junk });
    const text = fc.string({ maxLength: 8 });
    const event = fc.oneof(
      { weight: 1, arbitrary: junk },
      {
        weight: 12,
        arbitrary: fc.record(
          {
            type: or(text),
            id: or(fc.oneof(text, fc.double())),
            data: junk,
            user: or(text),
            priority: or(fc.constantFrom('critical', 'high', 'normal', 'low')),
            timeoutMs: or(fc.double({ min: 1, max: 1e6 })),
            retries: or(fc.nat(20)),
            run: or(text),
            tool: or(text),
            toolCall: or(text),
          },
          { requiredKeys: ['type'] },
        ),
      },
    );
    let tracked = 0;
    let refused = 0;
    fc.assert(
      fc.property(event, fc.boolean(), (one, retrying) => {
        const { tracker } = setUp(retrying ? { onRetry: () => true } : {});
        tracker.track({ id: 'before', type: 't', user: 'u' });
        const before = snapshot(tracker);
        let id: string;
        try {
          id = tracker.track(one as TrackedEvent);
        } catch (error) {
          refused++;
          expect(error).toBeInstanceOf(RangeError);
          expect(snapshot(tracker)).toEqual(before);
          return;
        }
        tracked++;
        const { user, priority } = one as TrackedEvent;
        const status = tracker.status(id, { user });
        expect(status).toMatchObject({ id, status: 'pending', user: user ?? null, priority: priority ?? 'normal' });
        expect(JSON.parse(JSON.stringify(status))).toEqual(status);
        expect(tracker.metrics().tracked).toBe(2);
        expect(tracker.confirm(id, { user })).toBe('confirmed');
      }),
      propertyOptions(3000),
    );
    // It means little unless both happen often.
    expect(tracked).toBeGreaterThan(enough(100));
    expect(refused).toBeGreaterThan(enough(100));
  });
});

test.each<[string, unknown]>([
  ['null', null],
  ['a text', 'fast'],
  ['limits of null', { limits: null }],
  ['a limit as text', { limits: { pending: '100' } }],
  ['a limit as bigint', { limits: { history: 5n } }],
  ['a time-out as text', { timeoutMs: '30000' }],
  ['retries without a text', { retries: NO_TEXT }],
  ['a retry callback that is none', { onRetry: 'again' }],
  ['a report that is none', { report: {} }],
  ['a list', []],
  ['limits as a list', { limits: [] }],
  ['a time-out of null', { timeoutMs: null }],
  ['a limit of null', { limits: { pending: null } }],
  ['a callback of null', { onRetry: null }],
  ['a tracer provider of null', { tracerProvider: null }],
  ['a tracer provider that is none', { tracerProvider: {} }],
  ['a meter provider that is none', { meterProvider: { getMeter: 'yes' } }],
  ['a meter provider as a function', { meterProvider: () => ({}) }],
  ['a tracer provider that throws', { tracerProvider: { getTracer: () => assert.fail('no') } }],
  ['a meter provider without a meter', { meterProvider: { getMeter: () => undefined } }],
])('options of %s are refused', (_name, options) => {
  expect(() => createTracker(options as object)).toThrow(RangeError);
});

test('a retry callback that is none is refused, and the one before stays', async () => {
  let calls = 0;
  const { tracker, pass } = setUp({
    onRetry: () => {
      calls++;
      return true;
    },
  });
  for (const none of [undefined, null, 'again', {}]) expect(() => tracker.onRetry(none as never)).toThrow(RangeError);
  tracker.track(T);
  await pass(1100);
  expect(calls).toBe(1);
});

function snapshot(tracker: EventTracker) {
  return { metrics: tracker.metrics(), pending: tracker.pending(), expired: tracker.expired() };
}
