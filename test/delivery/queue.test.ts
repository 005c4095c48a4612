// Deliveries of a session in the order of their ordinals, whatever the order in which they join and leave.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DeliveryQueue } from '../../src/delivery/queue.ts';
import { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { propertyOptions } from '../support/seed.ts';
import { facts } from './harness.ts';

/** What is found from one end on. */
function walk(from: Delivery | undefined, way: 'next' | 'prev'): number[] {
  const found: number[] = [];
  for (let each = from; each !== undefined; each = each[way]) found.push(each.ordinal);
  return found;
}

test('[D3] messages that are read late join where they belong, and each is found from both ends', () => {
  const session = new Session('s', new Owner(undefined));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 30 }), (toggles) => {
      const queue = new DeliveryQueue('received');
      const all = new Map<number, Delivery>();
      for (const ordinal of toggles) {
        const here = all.get(ordinal);
        if (here === undefined) {
          const joins = new Delivery(ordinal, session, ordinal, facts(), 'received', 0);
          all.set(ordinal, joins);
          queue.add(joins);
          expect(joins.queue).toBe('received');
        } else {
          all.delete(ordinal);
          queue.remove(here);
          expect([here.queue, here.prev, here.next]).toEqual(['', undefined, undefined]);
        }
        const expected = [...all.keys()].sort((a, b) => a - b);
        expect([walk(queue.head, 'next'), walk(queue.tail, 'prev'), queue.size]).toEqual([
          expected,
          expected.toReversed(),
          expected.length,
        ]);
      }
    }),
    propertyOptions(200),
  );
});
