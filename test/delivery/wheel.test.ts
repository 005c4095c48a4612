// [D4] The timing wheel against a naive list of timers, with random times, removals and slices.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Timed } from '../../src/delivery/record.ts';
import { TimingWheel } from '../../src/delivery/wheel.ts';
import { propertyOptions } from '../support/seed.ts';

type Node = Timed & { name: number; at: number };
const node = (name: number): Node => ({
  name,
  at: 0,
  due: 0,
  wheelSlot: -1,
  wheelPrev: undefined,
  wheelNext: undefined,
});

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant('add' as const), in: fc.integer({ min: -100, max: 5000 }) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('remove' as const), in: fc.nat(40) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('wait' as const), in: fc.integer({ min: 0, max: 3000 }) }) },
);

describe('timing wheel', () => {
  test('[D4] fires everything once, never early, at most a tick late, whatever the horizon', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(4, 16, 256), (steps, slots) => {
        let now = 1_000_000;
        const wheel = new TimingWheel<Node>(now, 25, slots);
        const waiting = new Map<Node, number>();
        let names = 0;
        for (const { op, in: n } of steps) {
          if (op === 'add') {
            const one = node(names++);
            wheel.add(one, now + n);
            waiting.set(one, Math.max(now, now + n));
          } else if (op === 'remove') {
            const one = [...waiting.keys()][n];
            if (one) {
              wheel.remove(one);
              wheel.remove(one);
              waiting.delete(one);
            }
          } else {
            for (const end = now + n; now < end; ) {
              now = Math.min(end, now + 25);
              wheel.advance(now, (one) => {
                const due = waiting.get(one);
                expect(due).toBeDefined();
                expect(now).toBeGreaterThanOrEqual(due!);
                waiting.delete(one);
              });
              for (const due of waiting.values()) expect(now - due).toBeLessThanOrEqual(50);
            }
          }
          expect(wheel.size).toBe(waiting.size);
        }
      }),
      propertyOptions(500),
    );
  });

  test('[D8] a budget slices a mass time-out and reports what is left', () => {
    const wheel = new TimingWheel<Node>(0);
    for (let n = 0; n < 1000; n++) wheel.add(node(n), 100);
    const fired: number[] = [];
    let calls = 1;
    while (wheel.advance(200, (one) => fired.push(one.name), 64)) calls++;
    expect([fired.length, calls]).toEqual([1000, 16]);
  });

  test('[D4] what a budget left over comes with the next call, be it in the same tick or after some of it was taken out', () => {
    for (const [first, second] of [
      [100, 100],
      [100, 125],
      [150, 150],
    ] as const) {
      const wheel = new TimingWheel<Node>(0);
      const nodes = Array.from({ length: 10 }, (_, n) => node(n));
      for (const each of nodes) wheel.add(each, 100);
      const fired: Node[] = [];
      expect([wheel.advance(first, (one) => fired.push(one), 4), fired.length]).toEqual([true, 4]);
      for (const each of nodes) if (!fired.includes(each) && fired.length + wheel.size > 6) wheel.remove(each);
      expect([wheel.advance(second, (one) => fired.push(one), 4), fired.length, wheel.size]).toEqual([false, 6, 0]);
    }
  });

  test('a slice whose rest was all taken out is over', () => {
    const wheel = new TimingWheel<Node>(0);
    const nodes = [node(1), node(2)];
    for (const each of nodes) wheel.add(each, 100);
    expect(wheel.advance(100, () => {}, 1)).toBe(true);
    for (const each of nodes) wheel.remove(each);
    expect([wheel.advance(100, () => {}), wheel.size]).toEqual([false, 0]);
  });

  test('a clock that jumps by a day fires everything in one turn', () => {
    const wheel = new TimingWheel<Node>(0);
    for (let n = 0; n < 10; n++) wheel.add(node(n), n * 20_000);
    let fired = 0;
    wheel.advance(86_400_000, () => fired++);
    expect([fired, wheel.size]).toEqual([10, 0]);
  });

  test('a node that is put back while it fires waits for a later tick', () => {
    const wheel = new TimingWheel<Node>(0);
    const one = node(1);
    wheel.add(one, 10);
    let fired = 0;
    wheel.advance(25, (n) => {
      fired++;
      wheel.add(n, 5);
    });
    expect([fired, wheel.size]).toEqual([1, 1]);
    wheel.advance(50, () => fired++);
    expect(fired).toBe(2);
  });
});
