// time: moments as OpenTelemetry writes them, and a span whose times are moved while it is open.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hrTime, restamp, type Stamp } from '../../src/time/stamp.ts';
import { propertyOptions } from '../support/seed.ts';

const nanos = ([seconds, rest]: Stamp) => BigInt(seconds) * 1_000_000_000n + BigInt(rest);
const time = fc.double({ min: 1e12, max: 4e12, noNaN: true });
const step = fc.double({ min: -1e11, max: 1e11, noNaN: true });

it('a time is whole seconds and nanoseconds, carried where they round up', () => {
  expect(hrTime(1_760_000_000_000.25)).toEqual([1_760_000_000, 250_000]);
  expect(hrTime(1999.9999999)).toEqual([2, 0]);
  expect(hrTime(-0.5)).toEqual([-1, 999_500_000]);
});

describe('restamp', () => {
  it('[D18] moves start and events by the step, keeps their distances, and writes no stamp that others share', () => {
    fc.assert(
      fc.property(
        time,
        fc.array(fc.double({ min: 0, max: 60_000, noNaN: true }), { maxLength: 4 }),
        step,
        (at, after, by) => {
          const shared = hrTime(at);
          const events = after.map((ms) => ({ time: hrTime(at + ms) }));
          const before = events.map((event) => event.time);
          const span = { startTime: shared, events };
          expect(restamp(span, 0, by)).toBe(by);
          for (const stamp of [span.startTime, ...events.map((event) => event.time)]) {
            expect(stamp[1]).toBeGreaterThanOrEqual(0);
            expect(stamp[1]).toBeLessThan(1e9);
          }
          const distances = (stamps: Stamp[], from: Stamp) => stamps.map((stamp) => nanos(stamp) - nanos(from));
          const moved = events.map((event) => event.time);
          expect(distances(moved, span.startTime)).toEqual(distances(before, shared));
          expect(Math.abs(Number(nanos(span.startTime) - nanos(shared)) - by * 1e6)).toBeLessThan(64);
          expect(shared).toEqual(hrTime(at));
        },
      ),
      propertyOptions(200),
    );
  });

  it('leaves a span alone when the clock was not set', () => {
    const span = Object.freeze({ startTime: hrTime(5), events: [] });
    expect(restamp(span, 7, 7)).toBe(7);
  });

  it.each([
    ['tells nothing', {}],
    ['tells its start in another form', { startTime: 5, events: [] }],
    ['cannot be written', Object.freeze({ startTime: hrTime(5), events: [] })],
    [
      'computes its start',
      {
        get startTime() {
          return hrTime(5);
        },
        events: [],
      },
    ],
  ])('answers the old offset for a span that %s, so that its end fits its start', (_, span) => {
    expect(restamp(span, 7, 9)).toBe(7);
  });
});
